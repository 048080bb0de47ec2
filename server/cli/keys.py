"""`vitrine keys`: keys for programs that call the API."""

from contextlib import closing
from dataclasses import asdict

import click
import orjson

from server.db.engine import open_database
from server.settings import load_settings

SCOPES = ("read", "write", "admin")


@click.group()
def keys() -> None:
    """Manage the keys for programs that call the API."""


@keys.command()
@click.argument("name")
@click.option("--scope", type=click.Choice(SCOPES), default="read", show_default=True, help="What the key may do.")
def add(name: str, scope: str) -> None:
    """Make a key for NAME, and print it, once.

    `read` searches and reads products, which takes a key where VITRINE_API_READS=keyed; `write` changes products too;
    `admin` may do all that the API does. The key alone goes to standard output.
    """
    from server.staff.accounts import COMMAND_LINE
    from server.staff.keys import Scope, add_key

    with closing(open_database(load_settings())) as database, database.connection() as connection:
        key, text = add_key(connection, name, Scope(scope), COMMAND_LINE)
    click.echo(f"The key of {key.name} ({key.scope}). Keep it now: it is not shown again.", err=True)
    click.echo(text)


@keys.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_command(as_json: bool) -> None:
    """Print all keys, by what they begin with."""
    from server.staff.keys import list_keys

    with closing(open_database(load_settings())) as database, database.connection() as connection:
        found = list_keys(connection)
    if as_json:
        click.echo(orjson.dumps([asdict(one) for one in found], option=orjson.OPT_INDENT_2).decode())
        return
    for one in found:
        used = f"last used {one.last_used_at:%Y-%m-%d %H:%M}" if one.last_used_at else "never used"
        revoked = f", revoked {one.revoked_at:%Y-%m-%d %H:%M}" if one.revoked_at else ""
        click.echo(f"{one.name} {one.beginning}… ({one.scope}), {used}{revoked}")
    if not found:
        click.echo("There are no keys. `vitrine keys add NAME --scope write` makes one.")


@keys.command()
@click.argument("name")
def revoke(name: str) -> None:
    """Let no request in by the key of NAME any more. It cannot be taken back."""
    from server.staff.accounts import COMMAND_LINE
    from server.staff.keys import find_key, revoke_key

    with closing(open_database(load_settings())) as database, database.connection() as connection:
        key = revoke_key(connection, find_key(connection, name).id, COMMAND_LINE)
    click.echo(f"The key of {key.name} ({key.beginning}…) is revoked.")
