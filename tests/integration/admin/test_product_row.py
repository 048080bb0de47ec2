"""A value of the list, changed where it stands: what a script of the page sends, and what it is told."""

import itertools
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from werkzeug.test import TestResponse

from server.admin import row
from server.catalog import history
from server.catalog.listing import Listed
from server.catalog.product import ProductPatch
from server.embedding.encoder import Vector
from server.services import Services
from tests.integration.admin.conftest import Person
from tests.integration.admin.product_pages import add, change

Somebody = Callable[..., Person]


def edit(person: Person, sku: str, field: str, value: str, was: str) -> TestResponse:
    """As the script does it."""
    headers = {"Accept": "application/json", "X-CSRFToken": person.token("/admin/products")}
    fields = {"sku": sku, "field": field, "value": value, "was": was}
    return person.client.post("/admin/products/row", data=fields, headers=headers)


def message(answer: TestResponse) -> str:
    assert answer.json is not None
    return str(answer.json["error"]["message"])


@pytest.mark.parametrize(
    ("field", "was", "typed", "stored"),
    [
        ("price", "10.00", "12,50", "12.50"),
        ("price", "10.00", "$7", "7.00"),
        ("price", "10.00", "", None),
        ("stock", "3", "0", 0),
        ("stock", "3", " ", None),
        ("category", "Home/Mugs", "Home / Cups", "Home/Cups"),
        ("category", "Home/Mugs", "", None),
        ("title", "Mug M-1", "  A red  mug ", "A red mug"),
        ("status", "live", "hidden", "hidden"),
    ],
)
def test_a_value_is_saved_shown_and_taken_back(
    editor: Person, services: Services, field: str, was: str, typed: str, stored: Any
) -> None:
    before = add(services, "M-1", category="Home/Mugs", stock=3)
    answer = edit(editor, "M-1", field, typed, was)
    assert answer.status_code == 200, answer.text
    product = services.catalog.get("M-1")
    now = getattr(product, field)
    assert (str(now) if field == "price" and now is not None else now) == stored
    assert answer.json is not None
    assert f'data-value="{"" if stored is None else stored}"' in answer.json["row"]
    assert answer.json["said"] == f"{field.capitalize()} of {product.title} is saved."
    with services.database.connection() as connection:
        (entry,) = history.of_product(connection, "M-1")
    assert (entry.change, entry.actor, entry.action) == (answer.json["change"], "editor", "edit in the list")
    assert (entry.before or {}).keys() == {field}
    headers = {"Accept": "application/json", "X-CSRFToken": editor.token()}
    undone = editor.client.post(f"/admin/changes/{entry.change}/undo", headers=headers)
    assert undone.json == {"said": "It is as it was before."}
    assert getattr(services.catalog.get("M-1"), field) == getattr(before, field)


@pytest.mark.parametrize(
    ("field", "was", "typed", "said"),
    [
        ("price", "10.00", "cheap", "'cheap' is not a number"),
        ("price", "10.00", "5", "Sale price 8.00 is more than the price, 5.00."),
        ("price", "10.00", "€12", "the price is in EUR, but the currency is USD"),
        ("stock", "", "-1", "."),
        ("stock", "", "1.5", "."),
        ("title", "Mug M-1", " ", "A product needs a title."),
        ("title", "Mug M-1", "x" * 501, "."),
        ("category", "", "x" * 301, "."),
        ("status", "live", "trash", "."),
        ("status", "live", "", "."),
        ("sku", "M-1", "M-2", "Open the product."),
        ("currency", "USD", "EUR", "Open the product."),
    ],
)
def test_what_cannot_be_is_said_and_nothing_changes(
    editor: Person, services: Services, field: str, was: str, typed: str, said: str
) -> None:
    before = add(services, "M-1", price=10, sale_price=8)
    answer = edit(editor, "M-1", field, typed, was)
    assert answer.status_code == 422, answer.text
    assert said.casefold() in message(answer).casefold()
    assert message(answer)[0] in f"'{message(answer)[0].upper()}"
    assert "Traceback" not in answer.text
    assert services.catalog.get("M-1") == before


def test_whoever_is_second_hears_who_was_first_and_may_insist(
    editor: Person, somebody: Somebody, services: Services
) -> None:
    add(services, "M-1", stock=3)
    assert edit(somebody("admin"), "M-1", "price", "12", "10.00").status_code == 200
    # Another value of the same product is no business of this change.
    assert edit(editor, "M-1", "stock", "4", "3").status_code == 200
    answer = edit(editor, "M-1", "price", "11", "10.00")
    assert answer.status_code == 409
    assert message(answer) == "admin has changed this meanwhile: it is 12.00 now."
    assert answer.json is not None
    assert answer.json["error"]["code"] == "changed_meanwhile"
    assert str(services.catalog.get("M-1").price) == "12.00"
    assert edit(editor, "M-1", "price", "11", "12.00").status_code == 200
    with services.database.connection() as connection:
        connection.execute("UPDATE product SET category = 'Home' WHERE sku = 'M-1'")
    answer = edit(editor, "M-1", "category", "Cups", "")
    assert message(answer) == "Somebody, or a program, has changed this meanwhile: it is Home now."


def test_of_two_at_the_same_moment_one_is_told(
    editor: Person, somebody: Somebody, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(services, "M-1")
    both_embed, place_text = threading.Barrier(2, timeout=20), services.encoder.place_text

    def slow(text: str) -> Vector:
        both_embed.wait()
        return place_text(text)

    monkeypatch.setattr(services.encoder, "place_text", slow)
    people = [editor, somebody("admin")]
    with ThreadPoolExecutor(2) as pool:
        answers = list(
            pool.map(lambda person: edit(person, "M-1", "title", str(people.index(person)), "Mug M-1"), people)
        )
    assert sorted(answer.status_code for answer in answers) == [200, 409]


def test_a_title_that_sql_wrote_with_odd_blanks_can_be_changed(editor: Person, services: Services) -> None:
    with services.database.connection() as connection:
        connection.execute("INSERT INTO product (sku, title, currency) VALUES ('M-1', 'Odd   blanks', 'USD')")
    assert edit(editor, "M-1", "title", "Even blanks", "Odd   blanks").status_code == 200


def test_the_number_to_undo_is_that_of_the_value_and_not_of_another_that_is_saved_beside_it(
    editor: Person, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(services, "M-1", stock=3)
    read, reads = row._row, itertools.count()

    def slow(sku: str) -> Listed:
        if next(reads) == 0:
            # The same person's other field, saved while this answer is made.
            services.catalog.acting("editor", row.ACTION).patch("M-1", ProductPatch(stock=9))
        return read(sku)

    monkeypatch.setattr(row, "_row", slow)
    answer = edit(editor, "M-1", "price", "12", "10.00")
    assert answer.json is not None
    headers = {"Accept": "application/json", "X-CSRFToken": editor.token()}
    editor.client.post(f"/admin/changes/{answer.json['change']}/undo", headers=headers)
    product = services.catalog.get("M-1")
    assert (str(product.price), product.stock) == ("10.00", 9)


def test_the_same_value_again_is_no_change(editor: Person, services: Services) -> None:
    add(services, "M-1")
    answer = edit(editor, "M-1", "price", "10", "10.00")
    assert answer.json is not None
    assert (answer.json["said"], answer.json["change"]) == ("Nothing differs.", None)


def test_what_is_gone_or_in_the_trash_is_told(editor: Person, services: Services) -> None:
    assert edit(editor, "NONE", "price", "1", "").status_code == 404
    add(services, "M-1")
    change(editor, "trash", ["M-1"])
    answer = edit(editor, "M-1", "price", "1", "10.00")
    assert (answer.status_code, message(answer)) == (409, "This product is in the trash. Put it back first.")
    assert "data-field" not in editor.get("/admin/products?status=trash").text


def test_a_viewer_sees_no_fields(somebody: Somebody, services: Services) -> None:
    add(services, "M-1")
    viewer = somebody("viewer")
    page = viewer.get("/admin/products").text
    for of_editors in ("data-field", "data-rows", "row.js", "how-to-edit", 'type="checkbox"'):
        assert of_editors not in page
    assert "data-field" not in viewer.get("/admin/products/row?sku=M-1").text
    headers = {"Accept": "application/json", "X-CSRFToken": viewer.token()}
    fields = {"sku": "M-1", "field": "price", "value": "1", "was": "10.00"}
    assert viewer.client.post("/admin/products/row", data=fields, headers=headers).status_code == 403


def test_without_its_token_nothing_is_written(editor: Person, services: Services) -> None:
    add(services, "M-1")
    fields = {"sku": "M-1", "field": "price", "value": "1", "was": "10.00"}
    answer = editor.client.post("/admin/products/row", data=fields, headers={"Accept": "application/json"})
    assert (answer.status_code, message(answer)) == (400, "This form is too old. Load the page again, and repeat it.")
    assert str(services.catalog.get("M-1").price) == "10.00"


def test_nothing_that_was_typed_runs_in_a_row(editor: Person, services: Services) -> None:
    add(services, "M-1")
    answer = edit(editor, "M-1", "title", '"><script>alert(1)</script>', "Mug M-1")
    assert answer.json is not None
    assert "<script>" not in answer.json["row"]
    assert "<script>alert" not in editor.get("/admin/products/row?sku=M-1").text
