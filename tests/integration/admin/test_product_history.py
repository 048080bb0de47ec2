"""Who changed which product, before and after, and how it is taken back."""

import re
from collections.abc import Callable
from pathlib import Path

from server.app import create_app
from server.catalog import history
from server.db.engine import Database
from server.services import Services, open_services
from server.settings import load_settings
from server.staff import keys
from server.staff.keys import Scope
from tests.factories import DIMENSION
from tests.fakes import FakeEncoder, fake_manifest
from tests.integration.admin.conftest import Person
from tests.integration.admin.product_pages import add, change, picture, save

Somebody = Callable[..., Person]
EVIL = '"><script>alert(1)</script>'


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


def test_a_product_that_a_change_made_goes_into_the_trash_when_that_is_undone(
    editor: Person, services: Services
) -> None:
    save(editor, None, None, sku="M-1", title="Mug")
    with services.database.connection() as connection:
        (summary,) = history.newest(connection, 5)
    editor.send(f"/admin/changes/{summary.change}/undo", "/admin/changes")
    assert services.catalog.get("M-1").status == "trash"


def test_the_history_is_told_as_people_read_it(editor: Person, services: Services) -> None:
    add(services, "M-1", attributes={"colour": "red", "size": 5}, price=9)
    save(editor, "M-1", [picture("red")], price="12", stock="3", attributes="colour: blue\nsize: 5", title=EVIL)
    red = str(services.catalog.get("M-1").image_sha256)
    for path in ("/admin/product?sku=M-1", "/admin/changes"):
        page = editor.get(path).text
        table = re.search(r'<table class="[^"]*admin-differences">(.*?)</table>', page, re.DOTALL)
        assert table is not None, path
        rows = re.findall(r'<tr><th scope="row">(.*?)</th><td class="before">(.*?)</td><td>(.*?)</td></tr>', table[1])
        told = {name: (before, after) for name, before, after in rows}
        assert told["attributes"] == ("colour: red", "colour: blue")
        assert told["price"] == ("9.00", "12.00")
        assert told["stock"] == ("not counted", "3")
        assert told["pictures"][0] == "none"
        assert f'src="/media/{red}/96.png"' in told["pictures"][1]
        assert red not in re.sub(r'src="[^"]*"', "", table[1])
        assert told.keys() == {"title", "price", "stock", "attributes", "pictures"}
        assert EVIL not in page


def test_a_change_of_many_products_is_told_by_its_number(editor: Person, services: Services) -> None:
    for sku in ("M-1", "M-2"):
        add(services, sku)
    change(editor, "stock", ["M-1", "M-2"], value="4")
    page = editor.get("/admin/changes").text
    assert "2, first M-1" in page
    assert "admin-differences" not in page


def test_what_cannot_be_put_back_offers_no_undo(editor: Person, services: Services) -> None:
    add(services, "M-1")
    services.catalog.acting("erp", "delete").delete("M-1")
    add(services, "M-2")
    services.catalog.acting("erp", "rename").rename("M-2", "N-2")
    for path in ("/admin/changes", "/admin/product?sku=N-2"):
        page = editor.get(path).text
        assert ("erp" in page, "/undo" in page) == (True, False), path
    with services.database.connection() as connection:
        numbers = [one.change for one in history.newest(connection, 5)]
    assert len(numbers) == 2
    for number in numbers:
        answer = editor.send(f"/admin/changes/{number}/undo", "/admin/changes")
        assert answer.status_code == 409
        assert "There is nothing to put back" in answer.text


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


def test_an_undo_that_could_put_nothing_back_says_so_and_is_none(editor: Person, services: Services) -> None:
    add(services, "M-1")
    save(editor, "M-1", None, price="12")
    with services.database.connection() as connection:
        first = history.of_product(connection, "M-1")[0].change
    save(editor, "M-1", None, price="15")
    editor.send(f"/admin/changes/{first}/undo", "/admin/changes")
    page = editor.get("/admin/changes").text
    assert "M-1 was changed again since, or is gone, and stays as it is." in page
    assert "as it was before" not in page
    with services.database.connection() as connection:
        assert [one.undone_by for one in history.of_product(connection, "M-1")] == [None, None]


def test_a_change_of_a_picture_alone_is_undone_once(editor: Person, services: Services) -> None:
    add(services, "M-1")
    save(editor, "M-1", [picture("red")])
    save(editor, "M-1", [picture("blue")], **{"place:new:0": "0"})
    with services.database.connection() as connection:
        last = history.of_product(connection, "M-1")[0].change
    assert editor.send(f"/admin/changes/{last}/undo", "/admin/").status_code == 302
    assert editor.send(f"/admin/changes/{last}/undo", "/admin/").status_code == 409
