"""API keys in the browser."""

import html
import re
from collections.abc import Callable

import pytest
from flask import Flask

from server.db.engine import Database
from server.staff import keys
from tests.integration.admin.conftest import Person

Somebody = Callable[..., Person]


def key_of(text: str) -> str:
    found = re.findall(r"vk_[A-Za-z0-9_-]{43}", text)
    assert len(found) == 1
    return str(found[0])


def test_a_key_is_made_shown_once_used_and_revoked(app: Flask, somebody: Somebody, database: Database) -> None:
    person = somebody("admin")
    assert "There are no keys yet." in person.get("/admin/keys").text
    made = person.send("/admin/keys", "/admin/keys", name="ERP", scope="write")
    assert made.status_code == 201
    assert made.headers["Cache-Control"] == "no-store"
    text = key_of(made.text)
    listed = person.get("/admin/keys").text
    assert text not in listed
    assert f"{text[: keys.SHOWN]}…" in listed
    assert "never" in listed
    headers = {"Authorization": f"Bearer {text}"}
    assert app.test_client().delete("/api/v1/products/A-1", headers=headers).status_code == 404
    with database.connection() as connection:
        key = keys.find_key(connection, "erp")
    assert key.made_by == "admin"
    revoked = person.send(f"/admin/keys/{key.id}/revoke", "/admin/keys")
    assert revoked.location == "/admin/keys"
    listed = person.get("/admin/keys").text
    assert "The key erp is revoked." in listed
    assert "There are no keys yet." in listed
    assert '<h2 id="revoked">' in listed
    assert app.test_client().delete("/api/v1/products/A-1", headers=headers).status_code == 401
    again = person.send(f"/admin/keys/{key.id}/revoke", "/admin/keys")
    assert again.status_code == 404
    assert "it was revoked already" in again.text


def test_making_one_again_by_reloading_makes_none(somebody: Somebody, database: Database) -> None:
    person = somebody("admin")
    assert person.send("/admin/keys", "/admin/keys", name="erp", scope="read").status_code == 201
    again = person.send("/admin/keys", "/admin/keys", name="erp", scope="read")
    assert again.status_code == 409
    assert "There is a key erp already." in again.text
    with database.connection() as connection:
        assert len(keys.list_keys(connection)) == 1


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": "", "scope": "read"}, "Name what will use it."),
        ({"name": "two words", "scope": "read"}, "A name has letters, digits"),
        ({"name": "<b>x</b>", "scope": "read"}, "A name has letters, digits"),
        ({"name": "x" * 101, "scope": "read"}, "This name is too long."),
        ({"name": "erp", "scope": "everything"}, "Not a valid choice."),
        ({"name": "erp"}, "Not a valid choice."),
    ],
)
def test_what_cannot_be_is_said(somebody: Somebody, database: Database, fields: dict[str, str], said: str) -> None:
    answer = somebody("admin").send("/admin/keys", "/admin/keys", **fields)
    assert answer.status_code == 422
    assert said in html.unescape(answer.text)
    assert "<b>x" not in answer.text
    with database.connection() as connection:
        assert keys.list_keys(connection) == []


def test_the_way_there_is_shown_to_admins_alone(somebody: Somebody) -> None:
    assert 'href="/admin/keys"' in somebody("admin").get("/admin/").text
    for role in ("editor", "viewer"):
        assert 'href="/admin/keys"' not in somebody(role).get("/admin/").text
