"""`vitrine staff`: the accounts of those who look after the shop."""

import sys
from contextlib import closing
from dataclasses import asdict
from typing import Any

import click
import orjson

from server.db.engine import open_database
from server.errors import InvalidInput
from server.settings import load_settings

ROLES = ("viewer", "editor", "admin")
ONE_TIME = click.option(
    "--one-time", is_flag=True, help="Make a password and print it; whoever logs in with it has to choose another one."
)


@click.group()
def staff() -> None:
    """Manage the accounts for the pages under /admin."""


@staff.command()
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), default="viewer", show_default=True, help="What the account may do.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input, one line.")
@ONE_TIME
def add(name: str, role: str, password_stdin: bool, one_time: bool) -> None:
    """Make an account NAME; asks for its password.

    A viewer sees how the shop is, an editor changes it, an admin manages accounts too.
    """
    from server.staff import accounts

    password = _password(password_stdin, one_time)
    with closing(open_database(load_settings())) as database, database.connection() as connection:
        added = accounts.add_account(connection, name, accounts.Role(role), password, accounts.COMMAND_LINE, one_time)
    click.echo(f"Added {added.name} ({added.role}), who can log in at /admin.", err=one_time)
    _tell(password, one_time)


@staff.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_command(as_json: bool) -> None:
    """Print all accounts."""
    from server.staff import accounts

    with closing(open_database(load_settings())) as database, database.connection() as connection:
        found = accounts.list_accounts(connection)
    if as_json:
        told = [{key: value for key, value in asdict(one).items() if key != "session_key"} for one in found]
        click.echo(orjson.dumps(told, option=orjson.OPT_INDENT_2).decode())
        return
    for one in found:
        until = f", one-time password until {one.opens_until:%Y-%m-%d}" if one.opens_until else ""
        state = f"{', disabled' if one.disabled else ''}{until}"
        seen = f"last login {one.last_login_at:%Y-%m-%d %H:%M}" if one.last_login_at else "never logged in"
        click.echo(f"{one.name} ({one.role}{state}), {seen}")
    if not found:
        click.echo("There are no accounts. `vitrine staff add NAME --role admin` makes one.")


@staff.command()
@click.argument("name")
@click.argument("role", type=click.Choice(ROLES))
def role(name: str, role: str) -> None:
    """Give the account NAME another ROLE."""
    from server.staff.accounts import Role

    _change(name, role=Role(role))
    click.echo(f"{name} is {role} now.")


@staff.command()
@click.argument("name")
def disable(name: str) -> None:
    """Keep the account NAME from logging in; its sessions end."""
    _change(name, disabled=True)
    click.echo(f"{name} cannot log in any more.")


@staff.command()
@click.argument("name")
def enable(name: str) -> None:
    """Let the account NAME log in again."""
    _change(name, disabled=False)
    click.echo(f"{name} can log in.")


@staff.command()
@click.argument("name")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input, one line.")
@ONE_TIME
def password(name: str, password_stdin: bool, one_time: bool) -> None:
    """Give the account NAME another password; its sessions end."""
    from server.staff import accounts

    given = _password(password_stdin, one_time)
    with closing(open_database(load_settings())) as database, database.connection() as connection:
        account = accounts.find_account(connection, name)
        accounts.set_password(connection, account, given, accounts.COMMAND_LINE, one_time)
    click.echo(f"{name} has the new password.", err=one_time)
    _tell(given, one_time)


@staff.command()
@click.argument("name")
def logout(name: str) -> None:
    """End every session of the account NAME."""
    from server.staff import accounts

    with closing(open_database(load_settings())) as database, database.connection() as connection:
        accounts.log_out_everywhere(connection, accounts.find_account(connection, name), accounts.COMMAND_LINE)
    click.echo(f"Every session of {name} has ended.")


def _change(name: str, **what: Any) -> None:
    from server.staff import accounts

    with closing(open_database(load_settings())) as database, database.connection() as connection:
        accounts.change_role(connection, accounts.find_account(connection, name), accounts.COMMAND_LINE, **what)


def _tell(password: str, one_time: bool) -> None:
    """A password that was made here, alone on standard output."""
    if one_time:
        click.echo("It opens nothing but the page where another one is chosen, and is not shown again:", err=True)
        click.echo(password)


def _password(from_stdin: bool, one_time: bool) -> str:
    if from_stdin and one_time:
        raise click.UsageError("Say either --password-stdin or --one-time.")
    if one_time:
        from server.staff import passwords

        return passwords.make_one_time()
    if from_stdin:
        given = sys.stdin.readline().rstrip("\n")
        if not given:
            raise InvalidInput("There is no password on standard input.")
        return given
    given: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)  # type: ignore[no-redef]
    return given
