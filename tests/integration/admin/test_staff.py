"""Accounts in the browser, and the passwords that are made there for somebody else."""

import html
import re
import threading
import time
from collections.abc import Callable

import pytest

from server.db.engine import Database
from server.errors import Conflict
from server.staff import accounts, audit
from server.staff.accounts import Account, Role
from tests.integration.admin.conftest import PASSWORD, Person

Somebody = Callable[..., Person]
ONE_TIME = re.compile(r'value="((?:[a-z2-9]{4}-){3}[a-z2-9]{4})"')
OWN = "another horse battery"


@pytest.fixture
def boss(somebody: Somebody) -> Person:
    return somebody("admin")


def account(database: Database, name: str) -> Account:
    with database.connection() as connection:
        return accounts.find_account(connection, name)


def entries(database: Database, name: str) -> list[audit.Entry]:
    with database.connection() as connection:
        return audit.newest(connection, 20, f"staff/{name}")


def is_in(person: Person) -> bool:
    return person.get("/admin/").status_code == 200


def test_the_list_says_who_there_is(boss: Person, database: Database) -> None:
    with database.connection() as connection:
        accounts.change_role(connection, accounts.find_account(connection, "viewer"), "a test", disabled=True)
    page = boss.get("/admin/staff").text
    for said in ("admin</a> (you)", "deactivated", "never", "Your own password"):
        assert said in page
    number = account(database, "admin").id
    assert f'action="/admin/staff/{number}/password"' not in page
    assert "session_key" not in page
    assert account(database, "admin").session_key not in page


def test_somebody_is_added_with_a_one_time_password_and_chooses_their_own(
    boss: Person, somebody: Somebody, database: Database
) -> None:
    made = boss.send("/admin/staff", "/admin/staff", name=" Bob ", role="editor")
    assert made.status_code == 201
    assert made.headers["Cache-Control"] == "no-store"
    (given,) = ONE_TIME.findall(made.text)
    assert given not in boss.get("/admin/staff").text
    assert "one-time password" in boss.get("/admin/staff").text
    bob = somebody()
    assert bob.log_in("bob", given).status_code == 302
    for path in ("/admin/", "/admin/products", "/admin/live"):
        assert bob.get(path).location == f"/admin/password?next={path}", path
    refused = bob.send("/admin/coverage/repair", "/admin/password")
    assert (refused.status_code, "Choose a password of your own first." in refused.text) == (403, True)
    assert "Somebody else made the password that you have." in bob.get("/admin/password").text
    same = bob.send("/admin/password", "/admin/password", old=given, new=given, again=given)
    assert "This is the password that you have. Choose another one." in same.text
    bob.send("/admin/password", "/admin/password", old=given, new=OWN, again=OWN)
    assert is_in(bob)
    assert "one-time password" not in boss.get("/admin/staff").text
    assert [(one.actor, one.action) for one in entries(database, "bob")] == [("bob", "password"), ("admin", "add")]
    added = entries(database, "bob")[1]
    assert added.after == {"role": "editor", "one_time_password": True}


def test_a_one_time_password_opens_nothing_after_a_week(boss: Person, somebody: Somebody, database: Database) -> None:
    (given,) = ONE_TIME.findall(boss.send("/admin/staff", "/admin/staff", name="bob", role="editor").text)

    def make_older(hours: int) -> None:
        with database.connection() as connection:
            connection.execute(
                "UPDATE staff SET password_set_at = now() - make_interval(hours => %s) WHERE name = 'bob'", [hours]
            )

    make_older(7 * 24 - 1)
    assert somebody().log_in("bob", given).status_code == 302
    make_older(7 * 24 + 1)
    refused = somebody().log_in("bob", given)
    assert refused.status_code == 401
    assert "This one-time password is older than 7 days. Ask for another one." in refused.text
    # Whoever does not have it learns nothing of it.
    assert "older than" not in somebody().log_in("bob", "wrong horse battery").text
    number = account(database, "bob").id
    (another,) = ONE_TIME.findall(boss.send(f"/admin/staff/{number}/password", "/admin/staff").text)
    assert somebody().log_in("bob", another).status_code == 302


def test_a_password_of_ones_own_does_not_grow_old(somebody: Somebody, database: Database) -> None:
    with database.connection() as connection:
        connection.execute("UPDATE staff SET password_set_at = now() - interval '5 years'")
    assert somebody().log_in("editor").status_code == 302


def test_somebody_is_added_with_a_password_that_was_typed(boss: Person, somebody: Somebody) -> None:
    answer = boss.send("/admin/staff", "/admin/staff", name="bob", role="viewer", password=OWN)
    assert answer.location == "/admin/staff"
    assert "bob can log in, as viewer." in boss.get("/admin/staff").text
    bob = somebody()
    bob.log_in("bob", OWN)
    assert is_in(bob)


@pytest.mark.parametrize(
    ("fields", "status", "said"),
    [
        ({"name": "", "role": "viewer"}, 422, "Write a name for the login."),
        ({"name": "two words", "role": "viewer"}, 422, "A name has letters, digits"),
        ({"name": "<b>x</b>", "role": "viewer"}, 422, "A name has letters, digits"),
        ({"name": "bob", "role": "king"}, 422, "Not a valid choice."),
        ({"name": "bob", "role": "viewer", "password": "short"}, 422, "A password has 12 to 200 characters"),
        ({"name": "bob", "role": "viewer", "password": "x" * 201}, 422, "This password is too long."),
        ({"name": "Editor", "role": "viewer"}, 409, "There is an account editor already."),
    ],
)
def test_who_cannot_be_added_is_told_why(
    boss: Person, database: Database, fields: dict[str, str], status: int, said: str
) -> None:
    answer = boss.send("/admin/staff", "/admin/staff", **fields)
    assert answer.status_code == status
    assert said in html.unescape(answer.text)
    assert "<b>x" not in answer.text
    with database.connection() as connection:
        assert len(accounts.list_accounts(connection)) == 3


def test_a_role_holds_from_the_next_request_on_and_stands_in_the_audit_log(
    boss: Person, somebody: Somebody, database: Database
) -> None:
    viewer, number = somebody("viewer"), account(database, "viewer").id
    assert viewer.send("/admin/coverage/repair").status_code == 403
    assert boss.send(f"/admin/staff/{number}/role", role="editor").location == "/admin/staff"
    assert "viewer is editor now." in boss.get("/admin/staff").text
    assert viewer.send("/admin/coverage/repair").status_code == 302
    boss.send(f"/admin/staff/{number}/role", role="editor")
    (entry,) = (one for one in entries(database, "viewer") if one.action == "change")
    assert (entry.actor, entry.fields) == ("admin", ["role"])
    assert (entry.before or {})["role"] == "viewer"
    assert (entry.after or {})["role"] == "editor"
    assert boss.send(f"/admin/staff/{number}/role", role="king").status_code == 422


def test_who_is_deactivated_is_out_and_old_sessions_stay_ended(
    boss: Person, somebody: Somebody, database: Database
) -> None:
    editor, number = somebody("editor"), account(database, "editor").id
    boss.send(f"/admin/staff/{number}/deactivate")
    assert not is_in(editor)
    assert somebody().log_in("editor").status_code == 401
    boss.send(f"/admin/staff/{number}/activate")
    assert not is_in(editor)
    assert somebody().log_in("editor").status_code == 302
    changes = [(one.before, one.after) for one in entries(database, "editor") if one.action == "change"]
    off, on = {"role": "editor", "disabled": True}, {"role": "editor", "disabled": False}
    assert changes == [(off, on), (on, off)]


def test_a_password_is_reset_and_every_session_ends(boss: Person, somebody: Somebody, database: Database) -> None:
    editor, number = somebody("editor"), account(database, "editor").id
    answer = boss.send(f"/admin/staff/{number}/password")
    (given,) = ONE_TIME.findall(answer.text)
    assert not is_in(editor)
    assert somebody().log_in("editor", PASSWORD).status_code == 401
    assert somebody().log_in("editor", given).status_code == 302
    assert account(database, "editor").has_one_time_password
    assert given not in str(entries(database, "editor"))
    boss.send(f"/admin/staff/{number}/password", password=OWN)
    assert not account(database, "editor").has_one_time_password
    assert somebody().log_in("editor", OWN).status_code == 302
    short = boss.send(f"/admin/staff/{number}/password", password="short")
    assert (short.status_code, "this one has 5" in short.text) == (422, True)
    own = boss.send(f"/admin/staff/{account(database, 'admin').id}/password")
    assert (own.status_code, "asks for the one that you have" in own.text) == (409, True)


def test_somebody_is_logged_out_everywhere(boss: Person, somebody: Somebody, database: Database) -> None:
    here, there = somebody("editor"), somebody("editor")
    boss.send(f"/admin/staff/{account(database, 'editor').id}/logout")
    assert (is_in(here), is_in(there), is_in(boss)) == (False, False, True)
    assert entries(database, "editor")[0].actor == "admin"


@pytest.mark.parametrize(("path", "fields"), [("role", {"role": "editor"}), ("deactivate", {})])
def test_the_last_admin_stays_one(boss: Person, database: Database, path: str, fields: dict[str, str]) -> None:
    number = account(database, "admin").id
    answer = boss.send(f"/admin/staff/{number}/{path}", **fields)
    assert answer.status_code == 409
    assert "admin is the last admin. Make somebody else one first." in answer.text
    with database.connection() as connection:
        other = accounts.add_account(connection, "zoe", Role.ADMIN, PASSWORD, "a test")
        accounts.change_role(connection, other, "a test", disabled=True)
    # One who cannot log in is none.
    assert boss.send(f"/admin/staff/{number}/{path}", **fields).status_code == 409
    with database.connection() as connection:
        accounts.change_role(connection, other, "a test", disabled=False)
    assert boss.send(f"/admin/staff/{number}/{path}", **fields).location == "/admin/"
    assert (account(database, "admin").role, account(database, "admin").disabled) != (Role.ADMIN, False)


def test_of_two_admins_who_remove_each_other_at_once_one_is_left(database: Database, boss: Person) -> None:
    with database.connection() as connection:
        accounts.add_account(connection, "zoe", Role.ADMIN, PASSWORD, "a test")
    refused: list[Conflict] = []

    def second() -> None:
        try:
            with database.connection() as connection:
                accounts.change_role(connection, account(database, "admin"), "zoe", role=Role.VIEWER)
        except Conflict as exc:
            refused.append(exc)

    thread = threading.Thread(target=second)
    with database.connection() as connection:
        accounts.change_role(connection, accounts.find_account(connection, "zoe"), "admin", disabled=True)
        thread.start()
        assert waits(database)
    thread.join(20)
    assert [exc.message for exc in refused] == ["admin is the last admin. Make somebody else one first."]


def waits(database: Database) -> bool:
    """Whether a statement comes to wait for a lock."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with database.connection() as connection:
            row = connection.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone()
        if row != (0,):
            return True
        time.sleep(0.02)
    return False


def test_who_is_not_there_cannot_be_changed(boss: Person) -> None:
    for path in ("role", "deactivate", "activate", "password", "logout"):
        answer = boss.send(f"/admin/staff/999/{path}", role="viewer")
        assert (answer.status_code, "There is no such account." in answer.text) == (404, True), path


def test_the_way_there_is_shown_to_admins_alone(somebody: Somebody) -> None:
    assert 'href="/admin/staff"' in somebody("admin").get("/admin/").text
    for role in ("editor", "viewer"):
        assert 'href="/admin/staff"' not in somebody(role).get("/admin/").text
