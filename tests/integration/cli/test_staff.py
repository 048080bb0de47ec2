"""`vitrine staff`: accounts in a terminal."""

import json
import re
from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from server.cli import main
from server.db import migrate
from server.db.engine import Database
from server.staff import passwords
from tests.tiny_model import DIMENSION

Say = Callable[..., Result]
PASSWORD = "correct horse battery"


@pytest.fixture
def say(empty: Database, data_dir: object, monkeypatch: pytest.MonkeyPatch) -> Say:
    """`say("list")` is `vitrine staff list`; typed= is what is typed or piped in."""
    migrate.upgrade(empty, DIMENSION)
    hasher = passwords.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", hasher)

    def invoke(*arguments: str, typed: str = "") -> Result:
        result = CliRunner().invoke(main, ("staff", *arguments), input=typed)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        assert "Traceback" not in result.output
        return result

    return invoke


def test_accounts_are_made_listed_and_changed(say: Say) -> None:
    assert "There are no accounts." in say("list").output
    added = say("add", "Ann", "--role", "admin", typed=f"{PASSWORD}\n{PASSWORD}\n")
    assert added.output.endswith("Added ann (admin), who can log in at /admin.\n")
    assert PASSWORD not in added.output
    assert say("add", "bob", "--password-stdin", typed=PASSWORD).exit_code == 0
    assert say("role", "bob", "editor").output == "bob is editor now.\n"
    say("disable", "bob")
    assert say("list").output == "ann (admin), never logged in\nbob (editor, disabled), never logged in\n"
    say("enable", "bob")
    told = json.loads(say("list", "--json").output)
    assert [(one["name"], one["role"], one["disabled"]) for one in told] == [
        ("ann", "admin", False), ("bob", "editor", False),
    ]  # fmt: skip
    assert not any("session_key" in one or "password_hash" in one for one in told)
    assert say("password", "bob", "--password-stdin", typed="another horse battery\n").exit_code == 0
    assert say("logout", "bob").output == "Every session of bob has ended.\n"


def test_a_one_time_password_is_printed_alone_and_told_in_the_list(say: Say) -> None:
    added = say("add", "ann", "--role", "admin", "--one-time")
    assert re.fullmatch(r"([a-z2-9]{4}-){3}[a-z2-9]{4}\n", added.stdout)
    assert "Added ann (admin)" in added.stderr
    listed = say("list").output
    assert re.fullmatch(r"ann \(admin, one-time password until \d{4}-\d\d-\d\d\), never logged in\n", listed)
    reset = say("password", "ann", "--one-time")
    assert reset.stdout != added.stdout
    assert say("password", "ann", "--password-stdin", typed=PASSWORD).exit_code == 0
    assert say("list").output == "ann (admin), never logged in\n"
    both = say("password", "ann", "--one-time", "--password-stdin", typed=PASSWORD)
    assert both.exit_code == 2
    assert "Say either --password-stdin or --one-time." in both.output


@pytest.mark.parametrize(
    ("arguments", "typed", "said"),
    [
        (("add", "bob", "--password-stdin"), "short\n", "A password has 12 to 200 characters; this one has 5."),
        (("add", "bob", "--password-stdin"), "", "There is no password on standard input."),
        (("add", "bob@example.com", "--password-stdin"), "bob@example.com\n", "may not be the name"),
        (("add", "two words", "--password-stdin"), f"{PASSWORD}\n", "A name has letters, digits"),
        (("add", "ann", "--password-stdin"), f"{PASSWORD}\n", "There is an account ann already."),
        (("role", "nobody", "editor"), "", "There is no account nobody."),
        (("disable", "ann"), "", "ann is the last admin."),
        (("role", "ann", "viewer"), "", "ann is the last admin."),
        (("password", "ann", "--password-stdin"), "short\n", "this one has 5"),
    ],
)
def test_what_cannot_be_is_said(say: Say, arguments: tuple[str, ...], typed: str, said: str) -> None:
    say("add", "ann", "--role", "admin", "--password-stdin", typed=PASSWORD)
    refused = say(*arguments, typed=typed)
    assert refused.exit_code == 2
    assert said in refused.output
