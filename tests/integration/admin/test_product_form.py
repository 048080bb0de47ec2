"""One product in the browser: its form, its pictures, its SKU."""

import html
import itertools
import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from psycopg.types.json import Json
from werkzeug.test import TestResponse

from server.catalog import gallery, history
from server.catalog.product import ProductPatch
from server.embedding.encoder import Vector
from server.errors import NotFound
from server.services import Services
from tests.integration.admin.conftest import Person
from tests.integration.admin.product_pages import add, form_of, picture, save, shown

Somebody = Callable[..., Person]
EVIL = '"><script>alert(1)</script>'


def test_a_product_is_made_with_three_pictures(editor: Person, services: Services) -> None:
    pictures = [picture("red"), picture("green"), picture("blue")]
    answer = save(
        editor,
        None,
        pictures,
        **{
            "sku": "M-1",
            "title": "A mug",
            "price": "9,50",
            "attributes": "colour: red\nsize: 5\n",
            "alt:new:0": "a red mug",
        },
    )
    assert answer.status_code == 302, answer.text
    product = services.catalog.get("M-1")
    assert (product.title, str(product.price), product.currency) == ("A mug", "9.50", "USD")
    assert product.attributes == {"colour": "red", "size": "5"}
    assert product.embedding_source == "image"
    found = shown(services, "M-1")
    assert len(found) == 3
    assert found[0] == (product.image_sha256, "a red mug")
    page = editor.get("/admin/product?sku=M-1").text
    assert page.count('draggable="true"') == 3
    assert "Shoppers find it by its picture" in page


def test_what_is_wrong_is_said_beside_its_field_and_nothing_typed_is_lost(editor: Person, services: Services) -> None:
    answer = save(editor, None, None, sku="M-1", title="", price="cheap", category="Home/Mugs")
    assert answer.status_code == 422
    assert "A product needs a title." in answer.text
    assert "cheap" in answer.text
    assert 'value="Home/Mugs"' in answer.text
    with pytest.raises(NotFound):
        services.catalog.get("M-1")
    assert "A SKU has 1 to 100 characters" in save(editor, None, None, sku="/bad", title="Mug").text


def test_a_sku_that_is_taken_is_refused(editor: Person, services: Services) -> None:
    add(services, "M-1", title="First")
    answer = save(editor, None, None, sku="M-1", title="Second")
    assert answer.status_code == 409
    assert services.catalog.get("M-1").title == "First"


def test_a_product_is_changed_and_numbers_among_attributes_stay_numbers(editor: Person, services: Services) -> None:
    add(services, "M-1", attributes={"size": 5, "tags": ["a", "b"], "old": "x"}, brand="Acme")
    attributes = 'size: 5\ntags: ["a","b"]\nnew: y'
    assert save(editor, "M-1", None, title="Other", brand="", attributes=attributes).status_code == 302
    product = services.catalog.get("M-1")
    assert (product.title, product.brand) == ("Other", None)
    assert product.attributes == {"size": 5, "tags": ["a", "b"], "new": "y"}


def test_a_number_larger_than_any_whole_one_of_a_machine_is_shown_and_kept(editor: Person, services: Services) -> None:
    attributes = {"atoms": 1e30, "nested": [{"x": -2.5e25}]}
    with services.database.connection() as connection:
        add(services, "M-1")
        connection.execute("UPDATE product SET attributes = %s", [Json(attributes)])
    assert services.catalog.get("M-1").attributes == attributes
    assert save(editor, "M-1", None, title="Other").status_code == 302
    services.catalog.patch("M-1", ProductPatch(attributes={"new": "y"}))
    assert services.catalog.get("M-1").attributes == {**attributes, "new": "y"}
    answer = editor.client.get("/api/v1/products/M-1")
    assert answer.json is not None
    assert answer.json["attributes"]["atoms"] == 1e30


def test_two_who_change_one_product_hear_of_each_other(editor: Person, services: Services) -> None:
    add(services, "M-1")
    before = form_of(editor, "/admin/product?sku=M-1")
    save(editor, "M-1", None, title="By Ann")
    answer = editor.client.post(
        "/admin/product?sku=M-1", data={**before, "title": "By Bob"}, headers={"Accept": "text/html"}
    )
    assert answer.status_code == 409
    assert "You have yourself, in another window, changed this product" in answer.text
    assert 'value="By Bob"' in answer.text
    assert services.catalog.get("M-1").title == "By Ann"
    # What stands in the form now may be sent.
    seen = re.search(r'name="seen" value="([^"]+)"', answer.text)
    assert seen is not None
    again = editor.client.post("/admin/product?sku=M-1", data={**before, "title": "By Bob", "seen": seen[1]})
    assert again.status_code == 302
    assert services.catalog.get("M-1").title == "By Bob"


def test_the_second_hears_who_was_first(somebody: Somebody, editor: Person, services: Services) -> None:
    add(services, "M-1")
    before = form_of(editor, "/admin/product?sku=M-1")
    save(somebody("admin"), "M-1", None, price="12")
    answer = editor.client.post("/admin/product?sku=M-1", data={**before, "title": "By Bob"})
    assert "admin has changed this product since you opened the form." in answer.text
    # What is another by that is named, and what Bob has typed himself is not.
    assert re.findall(r"<li>(.*?)</li>", told_there(answer)) == ["Price: 12.00"]
    assert "edit</strong> by admin" in answer.text
    before = form_of(editor, "/admin/product?sku=M-1")
    with services.database.connection() as connection:
        connection.execute("UPDATE product SET stock = 3 WHERE sku = 'M-1'")
    answer = editor.client.post("/admin/product?sku=M-1", data={**before, "title": "By Bob"})
    assert answer.status_code == 409


def test_pictures_that_somebody_else_changed_are_shown_to_the_second(editor: Person, services: Services) -> None:
    add(services, "M-1", attributes={"colour": "red"})
    save(editor, "M-1", [picture("red"), picture("blue")])
    (red, _), (blue, _) = shown(services, "M-1")
    before = {key: value for key, value in form_of(editor, "/admin/product?sku=M-1").items() if "remove:" not in key}
    save(editor, "M-1", None, attributes="colour: <blue>", **{f"remove:{blue}": "yes", f"alt:{red}": '"mug"'})
    answer = editor.client.post("/admin/product?sku=M-1", data={**before, "title": "By Bob"})
    told = told_there(answer)
    assert "Attributes: colour: &lt;blue&gt;" in told
    assert (red in told, blue in told, told.count("<li>")) == (True, False, 2)
    # A form that does not tell what it was opened with hears of all that differs.
    del before["was"]
    answer = editor.client.post("/admin/product?sku=M-1", data={**before, "title": "By Bob"})
    assert "Title: Mug M-1" in told_there(answer)


def test_a_mistake_in_between_hides_nothing_of_what_others_did(editor: Person, services: Services) -> None:
    add(services, "M-1")
    before = form_of(editor, "/admin/product?sku=M-1")
    save(editor, "M-1", None, price="12")
    refused = editor.client.post("/admin/product?sku=M-1", data={**before, "stock": "many"})
    assert refused.status_code == 422
    for name in ("seen", "was"):
        told = re.search(rf'name="{name}" value="([^"]+)"', refused.text)
        assert told is not None
        assert html.unescape(told[1]) == before[name]
    answer = editor.client.post("/admin/product?sku=M-1", data={**before, "stock": "3"})
    assert re.findall(r"<li>(.*?)</li>", told_there(answer)) == ["Price: 12.00"]


def told_there(answer: TestResponse) -> str:
    """What the page says at its top to whoever came second."""
    assert answer.status_code == 409
    told = re.search(r'role="alert">(.*?)</div>', answer.text, re.DOTALL)
    assert told is not None
    return told[1]


def test_of_two_who_save_within_the_time_that_embedding_takes_one_is_told(
    somebody: Somebody, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(services, "M-1")
    people = [somebody("editor"), somebody("admin")]
    forms = [form_of(person, "/admin/product?sku=M-1") for person in people]
    both_embed, place_text = threading.Barrier(2, timeout=20), services.encoder.place_text

    def slow(text: str) -> Vector:
        both_embed.wait()
        return place_text(text)

    monkeypatch.setattr(services.encoder, "place_text", slow)

    def post(person: Person, form: dict[str, str]) -> int:
        title = f"By {people.index(person)}"
        return person.client.post("/admin/product?sku=M-1", data={**form, "title": title}).status_code

    with ThreadPoolExecutor(2) as pool:
        statuses = sorted(pool.map(post, people, forms))
    assert statuses == [302, 409]
    with services.database.connection() as connection:
        assert len(history.of_product(connection, "M-1")) == 1


def test_of_two_who_make_one_product_at_once_one_is_told(
    somebody: Somebody, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [somebody("editor"), somebody("admin")]
    forms = [form_of(person, "/admin/product") for person in people]
    both_embed, place_text = threading.Barrier(2, timeout=20), services.encoder.place_text
    waits = itertools.count()

    def slow(text: str) -> Vector:
        # Whoever comes second is embedded once more, when the product is there.
        if next(waits) < 2:
            both_embed.wait()
        return place_text(text)

    monkeypatch.setattr(services.encoder, "place_text", slow)

    def post(person: Person, form: dict[str, str]) -> int:
        data = {**form, "sku": "M-1", "title": "Mug"}
        return person.client.post("/admin/product", data=data).status_code

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(post, people, forms)) == [302, 409]


def test_pictures_alone_are_a_change_that_others_hear_of(editor: Person, services: Services) -> None:
    add(services, "M-1")
    save(editor, "M-1", [picture("red"), picture("blue")])
    before = form_of(editor, "/admin/product?sku=M-1")
    second = shown(services, "M-1")[1][0]
    save(editor, "M-1", None, **{f"alt:{second}": "the blue one"})
    again = {key: value for key, value in before.items() if not key.startswith("remove:")}
    assert editor.client.post("/admin/product?sku=M-1", data=again).status_code == 409
    assert shown(services, "M-1")[1][1] == "the blue one"


def test_a_vector_that_a_worker_made_meanwhile_is_no_change(editor: Person, services: Services) -> None:
    with services.database.connection() as connection:
        connection.execute("INSERT INTO product (sku, title, currency) VALUES ('M-1', 'Mug', 'USD')")
    before = form_of(editor, "/admin/product?sku=M-1")
    services.catalog.embed_again(["M-1"])
    assert editor.client.post("/admin/product?sku=M-1", data={**before, "price": "5"}).status_code == 302


def beside(answer: TestResponse, field: str) -> str:
    """What stands below a field."""
    said = re.search(rf'<div class="invalid-feedback" id="{field}-said">(.*?)</div>', answer.text, re.DOTALL)
    assert said is not None, f"nothing is said at {field}"
    assert "It is not saved yet: 1" in answer.text
    return html.unescape(said[1])


def test_what_shows_only_when_it_is_saved_is_said_beside_its_field_too(editor: Person, services: Services) -> None:
    add(services, "M-1", price=10)
    assert "1 to 100 characters" in beside(save(editor, None, None, sku="/bad", title="Mug"), "sku")
    assert "Is taken" in beside(save(editor, None, None, sku="M-1", title="Mug"), "sku")
    dearer = save(editor, "M-1", None, sale_price="12")
    assert beside(dearer, "sale_price") == "12.00 is more than the price, 10.00."
    assert dearer.status_code == 422
    assert "Needs a price beside it." in beside(save(editor, "M-1", None, price="", sale_price="12"), "sale_price")


def test_pictures_that_cannot_be_taken_are_named_with_their_reason(editor: Person, services: Services) -> None:
    add(services, "M-1")
    answer = save(editor, "M-1", [picture("red"), b"<svg></svg>", b"", picture("blue")])
    assert answer.status_code == 422
    said = re.search(r'id="pictures-said">(.*?)</div>', answer.text, re.DOTALL)
    assert said is not None
    assert "<strong>1.png</strong>: This is an SVG drawing." in said[1]
    assert "<strong>2.png</strong>: The picture is empty" in said[1]
    assert "0.png" not in said[1]
    assert "3.png" not in said[1]
    assert "2 pictures cannot be taken" in answer.text
    assert shown(services, "M-1") == []


def test_pictures_change_places_and_the_first_is_what_it_is_found_by(editor: Person, services: Services) -> None:
    add(services, "M-1")
    save(editor, "M-1", [picture("red"), picture("blue")])
    (red, _), (blue, _) = shown(services, "M-1")
    assert services.catalog.get("M-1").image_sha256 == red
    save(
        editor, "M-1", [picture("green")], **{f"place:{red}": "2", f"place:{blue}": "1", f"alt:{blue}": "the blue one"}
    )
    found = shown(services, "M-1")
    assert [sha256 for sha256, _ in found[:2]] == [blue, red]
    assert found[0][1] == "the blue one"
    assert len(found) == 3
    assert services.catalog.get("M-1").image_sha256 == blue
    save(editor, "M-1", None, **{f"remove:{blue}": "yes"})
    assert services.catalog.get("M-1").image_sha256 == red


def test_without_pictures_it_is_found_by_its_title(editor: Person, services: Services) -> None:
    add(services, "M-1")
    save(editor, "M-1", [picture()])
    ((sha256, _),) = shown(services, "M-1")
    save(editor, "M-1", None, **{f"remove:{sha256}": "yes"})
    product = services.catalog.get("M-1")
    assert (product.image_sha256, product.embedding_source) == (None, "text")
    assert shown(services, "M-1") == []


@pytest.mark.parametrize(
    "data", [b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", b"GIF89a<script>", b"", b"MZ"]
)
def test_what_is_no_picture_is_refused(editor: Person, services: Services, data: bytes) -> None:
    add(services, "M-1")
    answer = save(editor, "M-1", [data], title="Other")
    assert answer.status_code in (400, 415, 422)
    assert 'role="alert"' in answer.text
    assert services.catalog.get("M-1").title == "Mug M-1"


def test_a_form_may_name_the_product_s_own_pictures_alone(editor: Person, services: Services) -> None:
    add(services, "M-1")
    add(services, "M-2")
    save(editor, "M-1", [picture("red")])
    ((foreign, _),) = shown(services, "M-1")
    answer = save(editor, "M-2", None, **{f"place:{foreign}": "1"})
    assert answer.status_code == 422
    assert shown(services, "M-2") == []


def test_too_many_pictures_are_refused(editor: Person, services: Services) -> None:
    add(services, "M-1")
    answer = save(editor, "M-1", [picture(f"#{number:02x}0000") for number in range(gallery.MOST_PICTURES + 1)])
    assert "12 pictures at most" in answer.text


def test_a_sku_is_renamed_and_keeps_its_pictures_and_history(editor: Person, services: Services) -> None:
    add(services, "M-1")
    add(services, "M-2")
    save(editor, "M-1", [picture("red"), picture("blue")], title="Other")
    answer = editor.send("/admin/product/rename", "/admin/product?sku=M-1", sku="M-1", new_sku="N-1")
    assert answer.location.endswith("sku=N-1")
    assert len(shown(services, "N-1")) == 2
    page = editor.get("/admin/product?sku=N-1").text
    assert "SKU M-1 renamed N-1" in page
    assert "edit</strong>" in page
    taken = editor.send("/admin/product/rename", "/admin/product?sku=N-1", sku="N-1", new_sku="M-2")
    assert taken.status_code == 409
    assert "There is a product M-2 already" in taken.text
    # On the product's own page, which has what was typed.
    assert "N-1 is not renamed." in taken.text
    assert 'name="new_sku" value="M-2"' in taken.text
    assert 'value="Other"' in taken.text
    assert 'action="/admin/product?sku=N-1"' in taken.text
    bad = editor.send("/admin/product/rename", "/admin/product?sku=N-1", sku="N-1", new_sku="a//b")
    assert bad.status_code == 422


def test_what_changes_nothing_is_no_change(editor: Person, services: Services) -> None:
    add(services, "M-1")
    save(editor, "M-1")
    with services.database.connection() as connection:
        assert connection.execute("SELECT count(*) FROM product_change").fetchone() == (0,)


def test_attributes_with_colons_and_line_breaks_survive_the_form(editor: Person, services: Services) -> None:
    attributes = {"Metafield: custom.material": "wool: soft", "note": "one\u2028two\rthree", "nested": {"a": 1, "b": 2}}
    add(services, "M-1", attributes=attributes)
    save(editor, "M-1", None, price="7")
    assert services.catalog.get("M-1").attributes == attributes
    shown = form_of(editor, "/admin/product?sku=M-1")["attributes"]
    save(editor, "M-1", None, attributes=shown.replace('{"a":1,"b":2}', '{"a":1}'))
    assert services.catalog.get("M-1").attributes["nested"] == {"a": 1}


def test_a_form_may_stay_open_for_long(app: Flask) -> None:
    assert app.config["WTF_CSRF_TIME_LIMIT"] is None


def test_attributes_that_are_none_are_told_in_words(editor: Person, services: Services) -> None:
    add(services, "M-1")
    said = beside(save(editor, "M-1", None, attributes="colour: red\nlarge"), "attributes")
    assert said == "Line 2 needs a name and a colon before its value, such as colour: blue. It is: large"


def test_the_form_offers_brands_and_categories_that_there_are(editor: Person, services: Services) -> None:
    add(services, "M-1", brand="Velloria", category="Kitchen/Pans")
    page = editor.get("/admin/product").text
    for name in ("Velloria", "Kitchen", "Kitchen/Pans"):
        assert f'<option value="{name}"></option>' in page
    assert 'list="known-brands"' in page
    assert 'list="known-categories"' in page


def test_a_product_leads_back_to_the_list_that_it_was_found_in(editor: Person, services: Services) -> None:
    add(services, "M-1", brand="Acme")
    assert 'href="/admin/products">Products</a></p>' in editor.get("/admin/product?sku=M-1").text
    editor.get("/admin/products?brand=acme&order=sku")
    page = editor.get("/admin/product?sku=M-1").text
    assert 'href="/admin/products?brand=acme&amp;order=sku">Products</a></p>' in page


def all_beside(answer: TestResponse) -> dict[str, str]:
    """What stands below each field."""
    said = re.findall(r'<div class="invalid-feedback" id="(\w+)-said">(.*?)</div>', answer.text, re.DOTALL)
    return {field: html.unescape(sentence) for field, sentence in said}


def test_all_that_is_wrong_with_a_form_is_said_at_once(editor: Person, services: Services) -> None:
    answer = save(editor, None, [picture(), b"<svg></svg>"], sku="", title="", price="5", sale_price="6", stock="few")
    assert answer.status_code == 422
    said = all_beside(answer)
    assert said.keys() == {"sku", "title", "sale_price", "stock", "pictures"}
    assert (said["sku"], said["title"]) == ("A product needs a SKU.", "A product needs a title.")
    assert said["sale_price"] == "6.00 is more than the price, 5.00."
    assert "1.png" in said["pictures"]
    assert "4 fields to put right, and 1 picture cannot be taken." in answer.text
    # The cursor stands where the first of them is.
    assert re.findall(r'name="(\w+)"[^>]* autofocus', answer.text) == ["sku"]
    with services.database.connection() as connection:
        assert connection.execute("SELECT count(*) FROM image").fetchone() == (0,)


def test_a_sku_that_is_taken_and_pictures_that_are_none_are_said_with_the_rest(
    editor: Person, services: Services
) -> None:
    add(services, "M-1", title="First")
    assert all_beside(save(editor, None, None, sku="M-1", title="", stock="-3")).keys() == {"sku", "title", "stock"}
    answer = save(editor, None, [b"MZ"], sku="M-1", title="Second")
    assert answer.status_code == 409
    assert all_beside(answer).keys() == {"sku", "pictures"}


def test_a_price_in_another_currency_hides_no_other_mistake(editor: Person) -> None:
    answer = save(editor, None, None, sku="M-1", title="Mug", price="5 EUR", currency="USD", stock="few")
    assert all_beside(answer).keys() == {"price", "stock"}


def test_a_form_without_mistakes_takes_the_cursor_nowhere(editor: Person) -> None:
    assert "autofocus" not in editor.get("/admin/product").text
