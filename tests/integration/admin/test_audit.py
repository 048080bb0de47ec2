"""Who changed accounts, keys, rules and synonyms, as a page."""

from collections.abc import Callable

from server.admin.live import _TOKEN
from server.db.engine import Database
from server.staff import accounts, audit
from server.staff.accounts import Role
from tests.integration.admin.conftest import Person

Somebody = Callable[..., Person]


def test_an_admin_sees_who_did_what_before_and_after(somebody: Somebody, database: Database) -> None:
    admin = somebody("admin")
    with database.connection() as connection:
        accounts.change_role(connection, accounts.find_account(connection, "viewer"), "boss", role=Role.EDITOR)
    admin.send(
        "/admin/rules", "/admin/rules", kind="redirect", query="<b>bags</b>", whole="yes", target="/?category=Bags"
    )
    page = admin.get("/admin/audit").text
    assert "boss" in page
    assert "rule added" in page
    assert "<b>bags" not in page
    alone = admin.get("/admin/audit?subject=staff/viewer").text
    assert "boss" in alone
    assert "rule added" not in alone
    assert "Nothing was changed yet" in admin.get("/admin/audit?subject=nothing%00").text
    assert somebody("editor").get("/admin/audit").status_code == 403


def test_what_differs_is_told(database: Database) -> None:
    with database.connection() as connection:
        audit.record(
            connection,
            "ann",
            "changed",
            "staff/bob",
            {"role": "viewer", "name": "bob"},
            {"role": "editor", "name": "bob"},
        )
        (entry,) = audit.newest(connection, 5)
    assert entry.fields == ["role"]


def test_operations_follow_what_happens(somebody: Somebody, database: Database) -> None:
    viewer = somebody("viewer")
    first = viewer.get("/admin/live")
    assert "Products with a vector" in first.text
    assert _TOKEN.sub("", '<input name="csrf_token" value="a.b-c">') == "<input >"
    with database.connection() as connection:
        connection.execute("INSERT INTO product (sku, title, currency) VALUES ('P-1', 'Mug', 'USD')")
    assert "no vector" in viewer.get("/admin/live").text
