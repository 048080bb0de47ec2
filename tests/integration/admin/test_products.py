"""The catalogue in the browser: a product's form, its pictures and history, the list, changes of many, undoing."""

import html
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from PIL import Image
from werkzeug.test import TestResponse

from server.app import create_app
from server.catalog import bulk, gallery, history
from server.catalog.product import Product, ProductInput
from server.db.engine import Database
from server.errors import NotFound
from server.services import Services, open_services
from server.settings import load_settings
from server.staff import keys
from server.staff.keys import Scope
from server.web.context import _KEY
from tests.factories import DIMENSION
from tests.fakes import FakeEncoder, fake_manifest
from tests.integration.admin.conftest import Person

Somebody = Callable[..., Person]
EVIL = '"><script>alert(1)</script>'


@pytest.fixture
def services(app: Flask) -> Services:
    found: Services = app.extensions[_KEY]
    return found


@pytest.fixture
def editor(somebody: Somebody) -> Person:
    return somebody("editor")


def picture(colour: str = "red") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (60, 40), colour).save(file, "PNG")
    return file.getvalue()


def form_of(person: Person, path: str) -> dict[str, str]:
    """What a browser would send back of the form on a page: every field as it stands."""
    page = person.get(path).text
    fields = dict(re.findall(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', page))
    areas = re.findall(r'<textarea[^>]*name="([^"]+)"[^>]*>\n(.*?)</textarea>', page, re.DOTALL)
    chosen = re.findall(r'<select[^>]*name="([^"]+)">.*?<option value="([^"]*)" selected>', page, re.DOTALL)
    return {name: html.unescape(value) for name, value in {**fields, **dict(areas), **dict(chosen)}.items()}


def save(person: Person, of: str | None, pictures: list[bytes] | None = None, **changed: str) -> TestResponse:
    """Open the form, change some of it, and send it."""
    path = "/admin/product" + (f"?sku={of}" if of else "")
    data: dict[str, Any] = {key: value for key, value in form_of(person, path).items() if not key.startswith("remove:")}
    data |= changed
    data["pictures"] = [(io.BytesIO(one), f"{number}.png") for number, one in enumerate(pictures or [])]
    return person.client.post(path, data=data, headers={"Accept": "text/html"})


def add(services: Services, sku: str, **fields: Any) -> Product:
    return services.catalog.put(ProductInput(**{"sku": sku, "title": f"Mug {sku}", "price": 10, **fields}))[0]


def shown(services: Services, sku: str) -> list[tuple[str, str]]:
    with services.database.connection() as connection:
        return [(one.sha256, one.alt) for one in gallery.read_gallery(connection, sku)]


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


def test_two_who_change_one_product_hear_of_each_other(editor: Person, services: Services) -> None:
    add(services, "M-1")
    before = form_of(editor, "/admin/product?sku=M-1")
    save(editor, "M-1", None, title="By Ann")
    answer = editor.client.post(
        "/admin/product?sku=M-1", data={**before, "title": "By Bob"}, headers={"Accept": "text/html"}
    )
    assert answer.status_code == 409
    assert "Somebody has changed this product" in answer.text
    assert 'value="By Bob"' in answer.text
    assert services.catalog.get("M-1").title == "By Ann"
    # What stands in the form now may be sent.
    seen = re.search(r'name="seen" value="([^"]+)"', answer.text)
    assert seen is not None
    again = editor.client.post("/admin/product?sku=M-1", data={**before, "title": "By Bob", "seen": seen[1]})
    assert again.status_code == 302
    assert services.catalog.get("M-1").title == "By Bob"


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
    bad = editor.send("/admin/product/rename", "/admin/product?sku=N-1", sku="N-1", new_sku="a//b")
    assert bad.status_code == 422


def test_history_says_who_changed_what_and_takes_it_back(editor: Person, services: Services) -> None:
    add(services, "M-1")
    save(editor, "M-1", None, title="Other", price="12")
    page = editor.get("/admin/product?sku=M-1").text
    assert "edit</strong> by editor" in page
    with services.database.connection() as connection:
        (entry,) = history.of_product(connection, "M-1")
    assert entry.before == {"price": 10.0, "title": "Mug M-1"}
    assert entry.after == {"price": 12.0, "title": "Other"}
    editor.send(f"/admin/changes/{entry.change}/undo", "/admin/changes")
    product = services.catalog.get("M-1")
    assert (product.title, product.price) == ("Mug M-1", 10)
    assert editor.send(f"/admin/changes/{entry.change}/undo", "/admin/").status_code == 409


def test_undoing_leaves_alone_what_was_changed_again_since(editor: Person, services: Services) -> None:
    add(services, "M-1")
    save(editor, "M-1", None, title="Other", price="12")
    save(editor, "M-1", None, price="15")
    with services.database.connection() as connection:
        first = history.of_product(connection, "M-1")[-1].change
    editor.send(f"/admin/changes/{first}/undo", "/admin/changes")
    product = services.catalog.get("M-1")
    assert (product.title, product.price) == ("Mug M-1", 15)


def test_a_picture_comes_back_with_its_vector(editor: Person, services: Services) -> None:
    add(services, "M-1")
    save(editor, "M-1", [picture("red")])
    red = services.catalog.get("M-1").image_sha256
    vector = "SELECT embedding::text FROM product WHERE sku = 'M-1'"
    with services.database.connection() as connection:
        before = connection.execute(vector).fetchone()
    save(editor, "M-1", [picture("blue")], **{"place:new:0": "0"})
    assert services.catalog.get("M-1").image_sha256 != red
    with services.database.connection() as connection:
        last = history.of_product(connection, "M-1")[0].change
    editor.send(f"/admin/changes/{last}/undo", "/admin/changes")
    assert services.catalog.get("M-1").image_sha256 == red
    with services.database.connection() as connection:
        assert connection.execute(vector).fetchone() == before


def test_an_import_or_sql_writes_no_history(services: Services) -> None:
    add(services, "M-1")
    with services.database.connection() as connection:
        connection.execute("UPDATE product SET price = 99")
        assert history.newest(connection, 10) == []


def test_what_changes_nothing_is_no_change(editor: Person, services: Services) -> None:
    add(services, "M-1")
    save(editor, "M-1")
    with services.database.connection() as connection:
        assert connection.execute("SELECT count(*) FROM product_change").fetchone() == (0,)


# -- the list --------------------------------------------------------------------------------------------------


def change(person: Person, action: str, skus: list[str], **fields: str) -> TestResponse:
    data = {"csrf_token": person.token("/admin/products"), "action": action, "sku": skus, **fields}
    return person.client.post("/admin/products/change", data=data, headers={"Accept": "text/html"})


def test_products_are_found_by_word_filter_and_order(editor: Person, services: Services) -> None:
    add(services, "M-1", title="Red mug", brand="Acme", category="Home/Mugs", stock=0)
    add(services, "M-2", title="Blue mug", price=3, category="Home")
    add(services, "100_x", title="Odd", status="hidden")

    def found(query: str) -> list[str]:
        page = editor.get(f"/admin/products?{query}").text
        return re.findall(r'class="admin-product" href="/admin/product\?sku=([^"]+)"', page)

    assert found("words=mug+acme") == ["M-1"]
    assert found("words=100_") == ["100_x"]
    assert found("words=_1") == []
    assert found("category=Home&order=sku") == ["M-1", "M-2"]
    assert found("category=Home/Mugs") == ["M-1"]
    assert found("stock=no") == ["M-1"]
    assert found("status=hidden") == ["100_x"]
    assert found("order=cheapest")[0] == "M-2"
    assert found("order=nonsense&status=nonsense&page=-3&picture=nonsense") != []
    assert found("picture=yes") == []


def test_pages_are_turned(editor: Person, services: Services) -> None:
    with services.database.connection() as connection:
        connection.execute(
            "INSERT INTO product (sku, title, currency) SELECT 'P-' || lpad(n::text, 3, '0'), 'Mug', 'USD' "
            "FROM generate_series(1, 120) AS n"
        )
    first = editor.get("/admin/products?order=sku").text
    assert "120 products, page 1 of 3" in first
    assert 'href="?order=sku&amp;page=2"' in first
    assert "P-101" in editor.get("/admin/products?order=sku&page=3").text


def test_prices_change_by_per_cent_and_back(editor: Person, services: Services) -> None:
    add(services, "M-1", price="19.99", sale_price="10")
    add(services, "M-2", price=None)
    change(editor, "price", ["M-1", "M-2"], value="-10%")
    product = services.catalog.get("M-1")
    assert (str(product.price), str(product.sale_price)) == ("17.99", "9.00")
    assert "Undo the last change" in editor.get("/admin/products").text
    with services.database.connection() as connection:
        (summary,) = history.newest(connection, 5)
    assert (summary.action, summary.products, summary.actor) == ("price -10%", 1, "editor")
    assert "Undo for all" not in editor.get("/admin/product?sku=M-1").text
    editor.send(f"/admin/changes/{summary.change}/undo", "/admin/changes")
    assert str(services.catalog.get("M-1").price) == "19.99"


def test_a_product_s_page_says_for_how_many_a_change_is_undone(editor: Person, services: Services) -> None:
    add(services, "M-1")
    add(services, "M-2")
    change(editor, "price", ["M-1", "M-2"], value="10")
    page = editor.get("/admin/product?sku=M-1").text
    assert "Undo for all 2 products" in page
    assert "Move to the trash" in page
    editor.send("/admin/products/change", "/admin/product?sku=M-1", sku="M-1", action="trash")
    assert "Put back from the trash" in editor.get("/admin/product?sku=M-1").text


@pytest.mark.parametrize(
    ("action", "value", "expected"),
    [
        ("hide", "", {"status": "hidden"}),
        ("draft", "", {"status": "draft"}),
        ("trash", "", {"status": "trash"}),
        ("category", "Home/Cups", {"category": "Home/Cups"}),
        ("category", "-", {"category": None}),
        ("stock", "7", {"stock": 7}),
        ("stock", "-", {"stock": None}),
    ],
)
def test_many_are_changed_at_once(
    editor: Person, services: Services, action: str, value: str, expected: dict[str, Any]
) -> None:
    for number in range(3):
        add(services, f"M-{number}", category="Home/Mugs", stock=3)
    change(editor, action, ["M-0", "M-1"], value=value)
    for sku in ("M-0", "M-1"):
        product = services.catalog.get(sku)
        assert {name: getattr(product, name) for name in expected} == expected
    assert services.catalog.get("M-2").category == "Home/Mugs"


def test_a_sale_begins_and_ends(editor: Person, services: Services) -> None:
    add(services, "M-1", price=20)
    change(editor, "sale", ["M-1"], value="25")
    assert services.catalog.get("M-1").sale_price == 15
    change(editor, "sale", ["M-1"], value="0")
    assert services.catalog.get("M-1").sale_price is None
    editor.get("/admin/products")
    change(editor, "sale", ["M-1"], value="0")
    page = editor.get("/admin/products").text
    assert "Nothing differs" in page
    assert "Undo the last change" not in page


@pytest.mark.parametrize(
    ("action", "value"),
    [
        ("price", "much"),
        ("price", "-100"),
        ("price", "NaN"),
        ("price", "inf"),
        ("sale", "100"),
        ("stock", "-1"),
        ("stock", "x"),
        ("category", "x" * 301),
        ("category", ""),
        ("category", "///"),
        ("stock", ""),
        ("nonsense", ""),
    ],
)
def test_what_makes_no_sense_is_refused(editor: Person, services: Services, action: str, value: str) -> None:
    before = add(services, "M-1")
    change(editor, action, ["M-1"], value=value)
    assert 'class="alert alert-danger" role="alert"' in editor.get("/admin/products").text
    assert services.catalog.get("M-1") == before


def test_all_that_were_found_are_changed(editor: Person, services: Services) -> None:
    for number in range(60):
        add(services, f"M-{number}", title="Red mug" if number % 2 else "Blue mug")
    change(editor, "hide", [], all="yes", words="red")
    with services.database.connection() as connection:
        rows = connection.execute("SELECT title, status, count(*) FROM product GROUP BY 1, 2 ORDER BY 1").fetchall()
    assert rows == [("Blue mug", "live", 30), ("Red mug", "hidden", 30)]


def test_nobody_changes_without_choosing(editor: Person) -> None:
    change(editor, "hide", [])
    assert "Choose products first." in editor.get("/admin/products").text


def test_the_trash_keeps_what_it_was_and_gives_it_back(editor: Person, services: Services) -> None:
    add(services, "M-1", status="hidden")
    add(services, "M-2")
    change(editor, "trash", ["M-1", "M-2"])
    page = editor.get("/admin/products").text
    assert "M-1" not in page.replace("M-1 is", "")
    assert "M-1" in editor.get("/admin/products?status=trash").text
    assert editor.get("/p/M-2").status_code == 404
    assert editor.client.get("/api/v1/products/M-2").status_code == 404
    change(editor, "put_back", ["M-1", "M-2"], status="trash")
    assert [services.catalog.get(sku).status for sku in ("M-1", "M-2")] == ["hidden", "live"]


def test_only_what_is_in_the_trash_is_deleted_for_good(editor: Person, services: Services) -> None:
    add(services, "M-1")
    add(services, "M-2")
    change(editor, "trash", ["M-1"])
    change(editor, "delete", ["M-1", "M-2"], status="trash")
    with pytest.raises(NotFound):
        services.catalog.get("M-1")
    assert services.catalog.get("M-2").status == "live"


def test_the_trash_is_emptied_after_a_while(services: Services) -> None:
    add(services, "M-1")
    add(services, "M-2")
    with services.database.connection() as connection:
        connection.execute(
            "UPDATE product SET status = 'trash', updated_at = now() - interval '31 days' WHERE sku = 'M-1'"
        )
        connection.execute("UPDATE product SET status = 'trash' WHERE sku = 'M-2'")
        assert bulk.empty_trash(connection, 30) == 1
    assert services.catalog.get("M-2").status == "trash"


def test_a_product_that_a_change_made_goes_into_the_trash_when_that_is_undone(
    editor: Person, services: Services
) -> None:
    save(editor, None, None, sku="M-1", title="Mug")
    with services.database.connection() as connection:
        (summary,) = history.newest(connection, 5)
    editor.send(f"/admin/changes/{summary.change}/undo", "/admin/changes")
    assert services.catalog.get("M-1").status == "trash"


def test_nothing_that_was_typed_runs_on_a_page(editor: Person, services: Services) -> None:
    add(services, "M-1", title=EVIL, description=EVIL, brand=EVIL, category=EVIL.replace("/", ""), item_group="g",
        attributes={EVIL: EVIL})  # fmt: skip
    save(editor, "M-1", [picture()], **{"alt:new:0": EVIL, "title": f"{EVIL}2"})
    change(editor, "category", ["M-1"], value=EVIL.replace("/", ""))
    pages = (
        "/admin/products",
        "/admin/product?sku=M-1",
        "/admin/changes",
        f"/admin/products?words={EVIL}&category={EVIL}",
        "/p/M-1",
    )
    for path in pages:
        assert "<script>alert" not in editor.get(path).text, path


def test_a_viewer_looks_and_changes_nothing(somebody: Somebody, services: Services) -> None:
    add(services, "M-1")
    viewer = somebody("viewer")
    page = viewer.get("/admin/product?sku=M-1").text
    assert "<fieldset disabled>" in page
    assert change(viewer, "hide", ["M-1"]).status_code == 403
    assert viewer.send("/admin/product?sku=M-1", title="x").status_code == 403


def test_what_programs_change_is_written_down_too(database: Database, tmp_path: Path) -> None:
    settings = load_settings(_env_file=None, VITRINE_DATA_DIR=tmp_path)
    services = open_services(settings, database=database, encoder=FakeEncoder(fake_manifest(DIMENSION)))
    client = create_app(services=services).test_client()
    with database.connection() as connection:
        _, key = keys.add_key(connection, "erp", Scope.WRITE, "ann")
    write = {"Authorization": f"Bearer {key}"}
    client.put("/api/v1/products/M-1", json={"title": "Mug", "price": 5}, headers=write)
    client.patch("/api/v1/products/M-1", json={"price": 6}, headers=write)
    client.patch("/api/v1/products/M-1", json={"price": 6}, headers=write)
    client.delete("/api/v1/products/M-1", headers=write)
    with database.connection() as connection:
        told = [(one.action, one.before, one.after) for one in history.of_product(connection, "M-1")]
        assert {one.actor for one in history.newest(connection, 9)} == {"API, erp (key 1)"}
    assert [action for action, _, _ in told] == ["delete", "patch", "put"]
    assert told[1][1:] == ({"price": 5.0}, {"price": 6.0})


def test_a_newer_picture_stays_when_an_older_change_is_undone(editor: Person, services: Services) -> None:
    add(services, "M-1")
    save(editor, "M-1", [picture("red")])
    for colour in ("green", "blue"):
        save(editor, "M-1", [picture(colour)], **{"place:new:0": "0"})
    newest = services.catalog.get("M-1").image_sha256
    with services.database.connection() as connection:
        middle = history.of_product(connection, "M-1")[1].change
    editor.send(f"/admin/changes/{middle}/undo", "/admin/changes")
    assert services.catalog.get("M-1").image_sha256 == newest


def test_a_change_of_a_picture_alone_is_undone_once(editor: Person, services: Services) -> None:
    add(services, "M-1")
    save(editor, "M-1", [picture("red")])
    save(editor, "M-1", [picture("blue")], **{"place:new:0": "0"})
    with services.database.connection() as connection:
        last = history.of_product(connection, "M-1")[0].change
    assert editor.send(f"/admin/changes/{last}/undo", "/admin/").status_code == 302
    assert editor.send(f"/admin/changes/{last}/undo", "/admin/").status_code == 409


def test_attributes_with_colons_and_line_breaks_survive_the_form(editor: Person, services: Services) -> None:
    attributes = {"Metafield: custom.material": "wool: soft", "note": "one\u2028two\rthree", "nested": {"a": 1, "b": 2}}
    add(services, "M-1", attributes=attributes)
    save(editor, "M-1", None, price="7")
    assert services.catalog.get("M-1").attributes == attributes
    shown = form_of(editor, "/admin/product?sku=M-1")["attributes"]
    save(editor, "M-1", None, attributes=shown.replace('{"a":1,"b":2}', '{"a":1}'))
    assert services.catalog.get("M-1").attributes["nested"] == {"a": 1}


def test_one_product_that_cannot_go_back_keeps_no_other_from_it(editor: Person, services: Services) -> None:
    add(services, "M-1", price=10)
    add(services, "M-2", price=10)
    change(editor, "price", ["M-1", "M-2"], value="100")
    save(editor, "M-2", None, sale_price="15")
    with services.database.connection() as connection:
        first = history.newest(connection, 5)[-1].change
    page = editor.send(f"/admin/changes/{first}/undo", "/admin/changes")
    assert page.status_code == 302
    assert "M-2" in editor.get("/admin/changes").text
    assert [str(services.catalog.get(sku).price) for sku in ("M-1", "M-2")] == ["10.00", "20.00"]


def test_a_rename_is_written_down_and_collides_with_nothing(editor: Person, services: Services) -> None:
    add(services, "A-1")
    add(services, "B-1")
    change(editor, "hide", ["A-1", "B-1"])
    change(editor, "trash", ["B-1"])
    change(editor, "delete", ["B-1"], status="trash")
    answer = editor.send("/admin/product/rename", "/admin/product?sku=A-1", sku="A-1", new_sku="B-1")
    assert answer.status_code == 302, answer.text
    assert "SKU A-1 renamed B-1" in editor.get("/admin/product?sku=B-1").text


def test_a_form_may_stay_open_for_long(app: Flask) -> None:
    assert app.config["WTF_CSRF_TIME_LIMIT"] is None
