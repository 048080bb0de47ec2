"""The catalogue as a list: found, filtered, turned page by page, changed by the many, and the trash."""

import re
from collections.abc import Callable
from html import unescape
from typing import Any
from urllib.parse import unquote_plus

import pytest

from server.catalog import bulk, history
from server.errors import NotFound
from server.services import Services
from tests.integration.admin.conftest import Person
from tests.integration.admin.product_pages import add, change, picture, save

Somebody = Callable[..., Person]
EVIL = '"><script>alert(1)</script>'


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


def found(person: Person, query: str) -> list[str]:
    page = person.get(f"/admin/products?{query}").text
    return [unquote_plus(sku) for sku in re.findall(r'class="admin-product" href="/admin/product\?sku=([^"&]+)"', page)]


@pytest.mark.parametrize(
    "query",
    [
        "brand=tamsin+row",
        "category=kitchen/drinkware",
        "category=Kitchen+%3E+Drinkware+%3E+Mugs",
        "category=mugs",
        "category=Drinkware",
        "brand=TAMSIN+ROW&category=KITCHEN",
    ],
)
def test_filters_take_another_spelling(editor: Person, services: Services, query: str) -> None:
    add(services, "M-1", brand="Tamsin Row", category="Kitchen/Drinkware/Mugs")
    add(services, "M-2", brand="Other", category="Garden")
    assert found(editor, query) == ["M-1"]


def test_filters_find_what_is_not_in_the_shop_too(editor: Person, services: Services) -> None:
    add(services, "M-1", brand="Tamsin Row", category="Kitchen/Mugs")
    add(services, "M-2", brand="Nobody Else", category="Mugs", status="draft")
    assert found(editor, "category=mugs") == ["M-2"]
    assert found(editor, "brand=nobody+else") == ["M-2"]


def test_filters_offer_what_there_is(editor: Person, services: Services) -> None:
    add(services, "M-1", brand="Tamsin Row", category="Kitchen/Mugs")
    page = editor.get("/admin/products").text
    for name in ("Tamsin Row", "Kitchen", "Kitchen/Mugs"):
        assert f'<option value="{name}"></option>' in page
    assert 'list="known-brands"' in page
    assert 'list="known-categories"' in page


@pytest.mark.parametrize(("words", "first"), [("MUG 1", "MUG 1"), ("t-3", "T-3"), ("T-3", "T-3")])
def test_the_sku_that_was_typed_comes_first(editor: Person, services: Services, words: str, first: str) -> None:
    add(services, first, title="Nothing of it")
    for number in range(3):
        add(services, f"{first}{number}", title=f"MUG 1 T-3 {number}")
    assert found(editor, f"words={words}")[0] == first
    assert found(editor, f"words={words}&order=stock")[0] == first


def test_pages_are_turned(editor: Person, services: Services) -> None:
    with services.database.connection() as connection:
        connection.execute(
            "INSERT INTO product (sku, title, currency) SELECT 'P-' || lpad(n::text, 3, '0'), 'Mug', 'USD' "
            "FROM generate_series(1, 120) AS n"
        )
    first = editor.get("/admin/products?order=sku").text
    assert "120 products, page 1 of 3" in first
    assert 'href="/admin/products?order=sku&amp;page=2"' in first
    last = editor.get("/admin/products?order=sku&page=3").text
    assert "P-101" in last
    assert 'rel="prev" href="/admin/products?order=sku&amp;page=2">Previous</a>' in last
    assert 'href="/admin/products?order=sku">First</a>' in last


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
    answer = change(editor, action, ["M-1"], value=value)
    assert answer.status_code == 422
    assert 'class="alert alert-danger" role="alert"' in answer.text
    assert services.catalog.get("M-1") == before


def test_all_that_were_found_are_changed(editor: Person, services: Services) -> None:
    for number in range(60):
        add(services, f"M-{number}", title="Red mug" if number % 2 else "Blue mug")
    change(editor, "hide", [], all="yes", words="red", sure="30")
    with services.database.connection() as connection:
        rows = connection.execute("SELECT title, status, count(*) FROM product GROUP BY 1, 2 ORDER BY 1").fetchall()
    assert rows == [("Blue mug", "live", 30), ("Red mug", "hidden", 30)]


def test_nobody_changes_without_choosing(editor: Person) -> None:
    assert "Choose products first." in change(editor, "hide", []).text


def test_a_refused_change_keeps_ticks_action_value_and_page(editor: Person, services: Services) -> None:
    for number in range(60):
        add(services, f"M-{number:02}")
    page = change(editor, "price", ["M-51", "M-53"], value="abc", order="sku", page="2").text
    assert "“abc” is not a number." in page
    assert re.findall(r'name="sku" value="([^"]+)" checked', page) == ["M-51", "M-53"]
    assert '<option value="price" data-needs-value selected>' in page
    assert 'id="value" name="value" value="abc"' in page
    assert "page 2 of 2" in page
    # The page stands at another address than the list, to which its forms and links lead all the same.
    assert '<form class="admin-filters" method="get" action="/admin/products" role="search">' in page
    assert 'rel="prev" href="/admin/products?order=sku&amp;page=1"' in page


@pytest.mark.parametrize(
    ("action", "value", "said"),
    [
        ("price", "-100", "Prices cannot change by -100 per cent. Write more than -100, which would leave nothing"),
        ("price", "-150", "cannot change by -150 per cent"),
        ("price", "1000000", "cannot change by 1,000,000 per cent. Write more than -100"),
        ("price", "1e400", "at most 1,000."),
        ("price", "", "There is no number."),
        ("sale", "120", "120 per cent off cannot be. Write from 0, which ends the sale, to less than 100."),
        ("stock", "-3", "Stock: -3 is negative. Write a number, or - for none."),
    ],
)  # fmt: skip
def test_a_limit_is_named(editor: Person, services: Services, action: str, value: str, said: str) -> None:
    add(services, "M-1")
    assert said in change(editor, action, ["M-1"], value=value).text


def test_prices_that_would_grow_beyond_what_can_be_stored_are_refused(editor: Person, services: Services) -> None:
    add(services, "M-1", price="9999999999")
    answer = change(editor, "price", ["M-1"], value="10")
    assert answer.status_code == 422
    assert "more than 9,999,999,999.99" in answer.text
    assert services.catalog.get("M-1").price == 9_999_999_999


def test_a_change_of_all_that_were_found_asks_first_how_many_and_what(editor: Person, services: Services) -> None:
    for number in range(3):
        add(services, f"M-{number}", brand="Acme" if number else None)
    page = change(editor, "price", [], all="yes", brand="acme", value="-50").text
    assert "Change all 2 products?" in page
    assert "change prices by per cent: -50" in page
    assert "brand “acme”" in page
    assert services.catalog.get("M-1").price == 10
    sent = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page))
    assert sent.pop("action") == "price"
    # Another one has come meanwhile, of which nobody knew.
    add(services, "M-3", brand="Acme")
    assert "Change all 3 products?" in change(editor, "price", [], **sent).text
    change(editor, "price", [], **{**sent, "sure": "3"})
    assert [int(services.catalog.get(f"M-{number}").price or 0) for number in range(4)] == [10, 5, 5, 5]
    assert "cannot change by" in change(editor, "price", [], all="yes", value="-200").text


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


def test_undo_comes_back_to_where_one_was(editor: Person, services: Services) -> None:
    add(services, "M-1", brand="Acme")
    answer = change(editor, "price", ["M-1"], value="10", brand="Acme", order="sku")
    page = editor.get(answer.location).text
    back = re.search(r'name="back" value="([^"]+)"', page)
    assert back is not None
    assert (
        editor.send("/admin/changes/1/undo", back=unescape(back[1])).location == "/admin/products?brand=Acme&order=sku"
    )
    change(editor, "price", ["M-1"], value="10")
    page = editor.get("/admin/product?sku=M-1").text
    assert 'name="back" value="/admin/product?sku=M-1"' in page
    newest = re.search(r'action="(/admin/changes/\d+/undo)"', page)
    assert newest is not None
    assert editor.send(newest[1], back="https://other.example/").location == "/admin/"


def test_deleting_asks_first(editor: Person) -> None:
    editor.send("/admin/synonyms", words="sofa", replacements="couch", direction="two")
    assert (
        'data-sure="Delete the synonyms of “sofa”? Nobody can bring them back."' in editor.get("/admin/synonyms").text
    )


@pytest.mark.parametrize(
    ("path", "marked"),
    [
        ("/admin/products", '<a href="/admin/products" aria-current="page">Products</a>'),
        ("/admin/product", '<a href="/admin/products" aria-current="true">Products</a>'),
        ("/admin/changes", '<a href="/admin/changes" aria-current="page">Changes</a>'),
        ("/admin/rules/preview", '<a href="/admin/rules" aria-current="true">Rules</a>'),
        ("/admin/", '<a href="/admin/" aria-current="page">Operations</a>'),
        ("/admin/password", '<a href="/admin/password" aria-current="page">Password</a>'),
    ],
)
def test_the_menu_marks_where_one_is(editor: Person, path: str, marked: str) -> None:
    menu = editor.get(path).text.partition("</nav>")[0]
    assert marked in menu
    assert menu.count("aria-current") == 1
