"""Logging in and out, and what ends a session."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from server.app import create_app
from server.db.engine import Database
from server.services import open_services
from server.settings import load_settings
from server.staff import accounts, audit, passwords
from tests.integration.admin.conftest import PASSWORD, Person

Somebody = Callable[..., Person]


def is_in(person: Person) -> bool:
    return person.get("/admin/").status_code == 200


def test_who_logs_in_gets_where_they_wanted(somebody: Somebody) -> None:
    person = somebody()
    asked = person.get("/admin/password")
    assert asked.location == "/admin/login?next=/admin/password"
    assert person.log_in("Editor ", next_page="/admin/password").location == "/admin/password"
    assert is_in(person)
    # Who is in is not asked again.
    assert person.get("/admin/login").location == "/admin/"


@pytest.mark.parametrize(
    ("name", "password"), [("editor", "wrong horse battery"), ("nobody", PASSWORD), ("editor", "x" * 5000)]
)
def test_a_wrong_login_says_nothing_of_what_was_wrong(somebody: Somebody, name: str, password: str) -> None:
    person = somebody()
    answer = person.log_in(name, password)
    assert answer.status_code == 401
    assert "Name or password is wrong." in answer.text
    assert not is_in(person)


def test_an_empty_form_says_what_is_missing(somebody: Somebody) -> None:
    answer = somebody().log_in("", "")
    assert answer.status_code == 422
    assert "Write your name." in answer.text
    assert "Write your password." in answer.text


def test_too_many_wrong_passwords_close_the_door_for_this_name_and_address(
    somebody: Somebody, database: Database
) -> None:
    person = somebody()
    assert [person.log_in("editor", "wrong horse battery").status_code for _ in range(6)] == [401] * 5 + [429]
    answer = person.log_in("editor")
    assert answer.status_code == 429
    assert "Wait a quarter of an hour" in answer.text
    # Others can log in from there.
    assert somebody().log_in("viewer").status_code == 302
    with database.connection() as connection:
        connection.execute("UPDATE login_try SET at = at - interval '16 minutes'")
    assert person.log_in("editor").status_code == 302


def test_a_right_password_takes_the_wrong_ones_back(somebody: Somebody, database: Database) -> None:
    person = somebody()
    for _ in range(4):
        person.log_in("editor", "wrong horse battery")
    assert person.log_in("editor").status_code == 302
    with database.connection() as connection:
        assert connection.execute("SELECT count(*) FROM login_try").fetchone() == (0,)


def test_logging_out_ends_this_session_alone(somebody: Somebody) -> None:
    here, there = somebody("editor"), somebody("editor")
    assert here.send("/admin/logout").location == "/admin/login"
    assert (is_in(here), is_in(there)) == (False, True)


def test_logging_out_everywhere_ends_all(somebody: Somebody) -> None:
    here, there, other = somebody("editor"), somebody("editor"), somebody("viewer")
    here.send("/admin/logout-everywhere")
    assert (is_in(here), is_in(there), is_in(other)) == (False, False, True)


def test_another_password_ends_the_other_sessions(somebody: Somebody) -> None:
    here, there = somebody("editor"), somebody("editor")
    new = "another horse battery"
    answer = here.send("/admin/password", "/admin/password", old=PASSWORD, new=new, again=new)
    assert answer.location == "/admin/"
    assert "The password is changed" in here.get("/admin/").text
    assert (is_in(here), is_in(there)) == (True, False)
    assert somebody().log_in("editor").status_code == 401
    assert somebody().log_in("editor", new).status_code == 302


def test_behind_the_first_password_comes_the_page_that_was_asked_for(somebody: Somebody, database: Database) -> None:
    with database.connection() as connection:
        found = accounts.find_account(connection, "editor")
        accounts.set_password(connection, found, "a password for once", "admin", one_time=True)
    person = somebody()
    first = person.log_in("editor", "a password for once", "/admin/products%3Fbrand%3DAcme")
    assert first.location == "/admin/products?brand=Acme"
    path = person.get(first.location).location
    assert path == "/admin/password?next=/admin/products?brand%3DAcme"
    chosen = {"old": "a password for once", "new": PASSWORD, "again": PASSWORD}
    assert person.send(path, path, **chosen).location == "/admin/products?brand=Acme"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"old": "wrong horse battery", "new": "x" * 12, "again": "x" * 12}, "The password so far is wrong."),
        ({"old": PASSWORD, "new": "short", "again": "short"}, "A password has 12 to 200 characters; this one has 5."),
        ({"old": PASSWORD, "new": "x" * 12, "again": "y" * 12}, "The two are not the same."),
        ({"old": "", "new": "", "again": ""}, "Write the password that you have."),
    ],
)
def test_a_password_that_will_not_do(somebody: Somebody, fields: dict[str, str], said: str) -> None:
    person = somebody("editor")
    answer = person.send("/admin/password", "/admin/password", **fields)
    assert answer.status_code == 422
    assert said in answer.text
    assert somebody().log_in("editor").status_code == 302


def test_a_password_that_an_admin_sets_meanwhile_stays(
    somebody: Somebody, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, new, given = somebody("editor"), "staple battery horse", "given by the admin"
    check = accounts.log_in

    def checked_then_reset(*of: Any) -> accounts.Account:
        found = check(*of)
        with database.connection() as connection:
            accounts.set_password(connection, found, given, "admin", one_time=True)
        return found

    with monkeypatch.context() as patch:
        patch.setattr(accounts, "log_in", checked_then_reset)
        answer = person.send("/admin/password", "/admin/password", old=PASSWORD, new=new, again=new)
    assert answer.status_code == 409
    assert "Nothing is changed: your sessions were ended meanwhile" in answer.text
    assert not is_in(person)
    assert somebody().log_in("editor", new).status_code == 401
    assert check(database, "editor", given, "").has_one_time_password
    with database.connection() as connection:
        assert [entry.actor for entry in audit.newest(connection, 10) if entry.action == "password"] == ["admin"]


def test_an_outdated_hash_is_not_written_over_a_password_that_is_set_meanwhile(
    database: Database, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = "given by the admin"

    def right_then_reset(*_: str) -> bool:
        with database.connection() as connection:
            accounts.set_password(connection, accounts.find_account(connection, "editor"), given, "admin")
        return True

    with monkeypatch.context() as patch:
        patch.setattr(passwords, "is_right", right_then_reset)
        patch.setattr(passwords, "is_outdated", lambda _: True)
        accounts.log_in(database, "editor", PASSWORD, "")
    assert accounts.log_in(database, "editor", given, "").name == "editor"


def test_a_disabled_account_is_out_at_once(somebody: Somebody, database: Database) -> None:
    person = somebody("editor")
    with database.connection() as connection:
        account = accounts.find_account(connection, "editor")
        accounts.change_role(connection, account, "admin", disabled=True)
    assert not is_in(person)
    assert somebody().log_in("editor").status_code == 401


def test_a_session_of_before_the_login_is_not_the_one_behind_it(somebody: Somebody) -> None:
    person = somebody()
    with person.client.session_transaction() as session:
        session["planted"] = "by somebody else"
    person.log_in("editor")
    with person.client.session_transaction() as session:
        assert "planted" not in session


@pytest.mark.parametrize("told", ["1", "1:", "x:y", "99999:key", "1" * 30 + ":key", "-1:key", ""])
def test_a_made_up_session_is_none(app: Flask, told: str) -> None:
    person = Person(app)
    with person.client.session_transaction() as session:
        session["_user_id"] = told
    assert not is_in(person)


def test_the_cookie_is_for_the_server_alone(app: Flask, somebody: Somebody, database: Database, tmp_path: Path) -> None:
    answer = somebody().log_in("editor")
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie
    settings = load_settings(_env_file=None, VITRINE_DATA_DIR=tmp_path, VITRINE_HTTPS=True)
    behind_https = create_app(services=open_services(settings, database=database))
    page = behind_https.test_client().get("/admin/login", base_url="https://shop.example")
    assert "Secure" in page.headers["Set-Cookie"]


def test_what_was_done_to_accounts_is_kept_without_passwords(somebody: Somebody, database: Database) -> None:
    new = "another horse battery"
    somebody("editor").send("/admin/password", "/admin/password", old=PASSWORD, new=new, again=new)
    with database.connection() as connection:
        rows = connection.execute("SELECT actor, action, subject, after FROM audit_entry ORDER BY id").fetchall()
        whole = str(connection.execute("SELECT a::text FROM audit_entry AS a").fetchall())
    assert rows[0] == ("command line", "add", "staff/viewer", {"role": "viewer"})
    assert rows[-1] == ("editor", "password", "staff/editor", None)
    assert "horse" not in whole
    assert "argon2" not in whole


@pytest.mark.parametrize(("proxies", "open_to_others"), [(1, True), (0, False)])
def test_behind_a_proxy_each_address_has_its_own_tries(
    app: Flask, database: Database, tmp_path: Path, proxies: int, open_to_others: bool
) -> None:
    settings = load_settings(_env_file=None, VITRINE_DATA_DIR=tmp_path, VITRINE_PROXIES=proxies)
    person = Person(create_app(services=open_services(settings, database=database)))
    for _ in range(6):
        person.client.environ_base["HTTP_X_FORWARDED_FOR"] = "203.0.113.1"
        person.log_in("editor", "wrong horse battery")
    # What somebody adds in front is not believed.
    person.client.environ_base["HTTP_X_FORWARDED_FOR"] = "203.0.113.9, 203.0.113.1"
    assert person.log_in("editor").status_code == 429
    person.client.environ_base["HTTP_X_FORWARDED_FOR"] = "203.0.113.2"
    assert (person.log_in("editor").status_code == 302) is open_to_others
