"""`vitrine keys`: API keys in a terminal."""

import json

import pytest
from click.testing import CliRunner

from server.cli import main
from server.db.engine import Database
from server.staff import keys
from tests.integration.cli.conftest import Run


def test_keys_are_made_listed_and_revoked(run: Run, shop: Database) -> None:
    assert "There are no keys." in run("keys", "list").output
    made = CliRunner().invoke(main, ("keys", "add", "ERP", "--scope", "write"))
    assert made.exit_code == 0
    # The key alone, for a script that takes it.
    text = made.stdout.removesuffix("\n")
    assert keys.FORM.fullmatch(text)
    assert made.stderr == "The key of erp (write). Keep it now: it is not shown again.\n"
    with shop.connection() as connection:
        key = keys.check_key(connection, text)
    assert key is not None
    assert (key.name, key.scope, key.made_by) == ("erp", "write", "command line")
    assert run("keys", "list").output == f"erp {text[: keys.SHOWN]}… (write), never used\n"
    told = json.loads(run("keys", "list", "--json").output)
    assert [(one["name"], one["scope"], one["revoked_at"]) for one in told] == [("erp", "write", None)]
    assert text not in str(told)
    assert run("keys", "revoke", "erp").output == f"The key of erp ({text[: keys.SHOWN]}…) is revoked.\n"
    assert ", revoked 2" in run("keys", "list").output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("add", "two words"), "A name has letters, digits"),
        (("add", "erp"), "There is a key erp already. Revoke it first, or choose another name."),
        (("add", "crm", "--scope", "everything"), "'everything' is not one of"),
        (("revoke", "crm"), "There is no key crm that could be used."),
    ],
)
def test_what_cannot_be_is_said(run: Run, shop: Database, arguments: tuple[str, ...], said: str) -> None:
    run("keys", "add", "erp")
    refused = run("keys", *arguments)
    assert refused.exit_code == 2
    assert said in refused.output
