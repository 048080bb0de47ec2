"""`vitrine sql`: views and functions for a data team, the role that may use them, and how to connect as it."""

from contextlib import closing
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import click
import orjson

from server.cli.db import find_psql, has_cluster, run_psql
from server.db.analyst_port import ADDRESS
from server.db.engine import Database, open_database
from server.errors import DatabaseNotReady, ModelError, VitrineError
from server.settings import Settings, load_settings

if TYPE_CHECKING:
    from server.embedding.manifest import Manifest
    from server.sql_surface.connect import Address
    from server.sql_surface.surface import Installed, Wanted


CHANGED_SINCE = (
    "Postgres does not take the password of {role} that is kept on this machine: it was changed since. "
    "`vitrine sql install --new-password` gives the role another one."
)


@click.group()
def sql() -> None:
    """Give a data team views, functions and a role of their own."""


@sql.command()
@click.option("--role", default=None, metavar="NAME", help="The role for analysts.  [default: vitrine_analyst]")
@click.option("--no-role", is_flag=True, help="Make none, and grant nothing: where only the owner will use it.")
@click.option("--new-password", is_flag=True, help="Give the role another password, and keep it here.")
def install(role: str | None, no_role: bool, new_password: bool) -> None:
    """Make the schema vitrine_sql, or make it again. Running it again changes nothing.

    Another --role takes the place of the one before, which goes where it was made here.

    The role may read this schema and nothing else. Its password is kept in the data directory; `vitrine sql dsn` tells
    it.
    """
    from server.sql_surface import connect, surface

    if no_role and (role is not None or new_password):
        raise click.UsageError("--no-role goes with neither --role nor --new-password.")
    settings = load_settings()
    with closing(open_database(settings)) as database:
        _check_current(database)
        wanted = _wanted(settings, database, role, no_role, new_password)
        with database.connection() as connection:
            before = surface.read_installed(connection)
        found = surface.install(database, wanted)
        if before is not None and before.role != found.role and not (found.made_role or new_password):
            # It was that of the role before.
            connect.forget_password(settings.data_dir)
        whose = "for its owner alone" if found.role is None else f"for the role {found.role}"
        click.echo(f"The schema vitrine_sql is installed {whose} (version {found.version}).")
        if before is not None and before.has_role and before.role != found.role:
            what = "is gone, and who connects as it fails" if before.made_role else "may not use it any more"
            click.echo(f"The role {before.role} {what}.")
        _warn(database, found)
    click.echo("`vitrine sql shell` opens it, and `vitrine sql dsn` tells how a notebook or a BI tool connects.")


@sql.command()
@click.confirmation_option(prompt="Views and functions of vitrine_sql will be gone, and who uses them fails. Go on?")
def remove() -> None:
    """Take the schema vitrine_sql away, and the role where `vitrine sql install` made it."""
    from server.sql_surface import connect, surface

    settings = load_settings()
    with closing(open_database(settings)) as database:
        found, is_gone = surface.remove(database)
    if is_gone:
        connect.forget_password(settings.data_dir)
    said = "The schema vitrine_sql is gone"
    if is_gone:
        said += f", and so is the role {found.role}"
    elif found.role is not None and found.has_role:
        said += f"; the role {found.role} stays, since it is known elsewhere too"
    click.echo(f"{said}.")


@sql.command()
@click.argument("name")
def grant(name: str) -> None:
    """Have somebody's own role use the schema vitrine_sql, with the analysts' rights and settings."""
    from server.sql_surface import members

    with closing(open_database(load_settings())) as database:
        role = members.grant(database, name)
    click.echo(f"{name} is a member of {role}. What it is set holds from its next login on.")


@sql.command()
@click.argument("name")
def revoke(name: str) -> None:
    """Take the schema vitrine_sql from a role that `vitrine sql grant` gave it to."""
    from server.sql_surface import members

    with closing(open_database(load_settings())) as database:
        role = members.revoke(database, name)
    click.echo(f"{name} is no member of {role} any more.")


@sql.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--url", "only_url", is_flag=True, help="Print the URL alone.")
def dsn(as_json: bool, only_url: bool) -> None:
    """Tell how to connect as the analyst: to psql, a notebook, a BI tool. The password is among it."""
    settings = load_settings()
    with closing(open_database(settings)) as database:
        address, is_embedded = _address(settings, database), database.embedded is not None
        port = _port_of(database)
    by_port = None if port is None else replace(address, host=ADDRESS, port=port)
    if as_json:
        told = {**asdict(address), "url": address.url, "sqlalchemy_url": address.sqlalchemy_url}
        told["port_url"] = None if by_port is None else by_port.url
        told["port_sqlalchemy_url"] = None if by_port is None else by_port.sqlalchemy_url
        click.echo(orjson.dumps(told, option=orjson.OPT_INDENT_2).decode())
        return
    if only_url:
        click.echo(address.url)
        return
    _tell_address(address)
    if is_embedded:
        _tell_port(by_port)


@sql.command(context_settings={"ignore_unknown_options": True})
@click.argument("psql_arguments", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def shell(ctx: click.Context, psql_arguments: tuple[str, ...]) -> None:
    """Open psql as the analyst. What follows goes to psql: `vitrine sql shell -c "SELECT count(*) FROM products"`."""
    from server.sql_surface import connect

    settings = load_settings()
    program = find_psql(is_embedded=settings.database_url is None)
    with closing(open_database(settings)) as database:
        address = _address(settings, database)
        if address.password is None:
            raise DatabaseNotReady(
                f"The password of {address.user} is not kept on this machine. Run `vitrine sql install --new-password` "
                "to give it another one, or connect with psql yourself."
            )
        if connect.is_refused(address):
            raise DatabaseNotReady(CHANGED_SINCE.format(role=address.user))
        # Its messages are whole sentences; what functions they came through tells an analyst nothing.
        code = run_psql(program, address.conninfo, ("-v", "SHOW_CONTEXT=never", *psql_arguments))
    ctx.exit(code)


@sql.command()
@click.pass_context
def status(ctx: click.Context) -> None:
    """Say what is installed, for whom, and what the role may do beside it (exit status 1 where something is amiss)."""
    settings = load_settings()
    if settings.database_url is None and not has_cluster(settings):
        click.echo(f"There is no database in {settings.data_dir} yet. `vitrine db upgrade` makes it.")
        ctx.exit(1)
    from server.sql_surface import surface

    with closing(open_database(settings)) as database:
        with database.connection() as connection:
            found = surface.read_installed(connection)
            is_current = found is not None and surface.is_current(connection, found)
        if found is None:
            click.echo("The schema vitrine_sql is not installed. `vitrine sql install` makes it.")
            ctx.exit(1)
        click.echo(f"Schema: vitrine_sql, version {found.version}" + ("" if is_current else ", not of this Vitrine"))
        click.echo(f"Role: {found.role or 'none'}" + ("" if found.has_role or found.role is None else " (is gone)"))
        if found.currency != settings.fixed_currency:
            kept, wanted = (one or "the catalogue's" for one in (found.currency, settings.fixed_currency))
            click.echo(f"Currency of price bounds: {kept}; by VITRINE_CURRENCY it is to be {wanted}")
            is_current = False
        amiss = [*_warn(database, found), *_tell_members(settings, database, found)]
        is_well = is_current and not amiss
    if not is_current:
        click.echo("Run `vitrine db upgrade`.")
    if found.role is not None and not found.has_role:
        click.echo("Run `vitrine sql install`.")
        is_well = False
    ctx.exit(0 if is_well else 1)


def install_again(settings: Settings, database: Database) -> None:
    """Behind a restore: the same for what is in the database now. Nothing happens where nothing was installed.

    What keeps it from being made is said, and keeps nobody from the shop.
    """
    from server.sql_surface import surface

    with database.connection() as connection:
        found = surface.read_installed(connection)
    if found is None:
        return
    try:
        surface.install(database, _wanted(settings, database, found.role, found.role is None, new_password=False))
    except VitrineError as exc:
        click.echo(f"The schema vitrine_sql could not be made again. {exc.message}", err=True)


def _wanted(settings: Settings, database: Database, role: str | None, no_role: bool, new_password: bool) -> "Wanted":
    from server.embedding.registry import list_models
    from server.sql_surface import connect, surface, tower
    from server.sql_surface.role import DEFAULT, find

    with database.connection() as connection:
        before = surface.read_installed(connection)
        if role is None and not no_role:
            role = DEFAULT if before is None or before.role is None else before.role
        # In the embedded database nobody else could have given it a password.
        is_lost = database.embedded is not None and connect.read_password(settings.data_dir) is None
        if role is not None and is_lost and find(connection, role) is not None:
            new_password = True
    manifest = _active_manifest(settings, database)
    return surface.Wanted(
        role=role,
        keep_password=lambda: connect.keep_password(settings.data_dir, new=new_password),
        new_password=new_password,
        currency=settings.fixed_currency,
        put_up_tower=lambda connection: tower.put_up(connection, manifest),
        models=tuple(one.manifest for one in list_models(settings) if one.manifest is not None),
    )


def _active_manifest(settings: Settings, database: Database) -> "Manifest | None":
    """Of the database's model, else of the settings'; None where it is not installed on this machine."""
    from server.catalog.active_model import find_active_model
    from server.embedding.current import load_model
    from server.embedding.registry import load_encoder

    try:
        active = find_active_model(database)
        encoder = load_encoder(settings) if active is None else load_model(settings, active)
    except ModelError:
        return None
    return encoder.manifest


def _check_current(database: Database) -> None:
    """Raises DatabaseNotReady where the tables are not those of this version."""
    from server.db import migrate

    if not migrate.status(database).is_current:
        raise DatabaseNotReady


def _address(settings: Settings, database: Database) -> "Address":
    """Raises DatabaseNotReady where nothing is installed, or for nobody."""
    from server.sql_surface import connect, surface

    with database.connection() as connection:
        found = surface.read_installed(connection)
    if found is None:
        raise DatabaseNotReady("The schema vitrine_sql is not installed in this database. Run `vitrine sql install`.")
    if found.role is None:
        raise DatabaseNotReady(
            "vitrine_sql was installed without a role. Connect as the owner with `vitrine db shell`, or run "
            "`vitrine sql install --role NAME`."
        )
    return connect.address_of(database.url, found.role, connect.read_password(settings.data_dir))


def _port_of(database: Database) -> int | None:
    """Of the embedded Postgres as it runs, whatever the settings say by now; None where it has none."""
    if database.embedded is None:
        return None
    asked = "SELECT current_setting('port')::integer WHERE current_setting('listen_addresses') <> ''"
    with database.connection() as connection:
        row = connection.execute(asked).fetchone()
    return None if row is None else int(row[0])


def _tell_address(address: "Address") -> None:
    click.echo(f"Host: {address.host}" + (" (a Unix socket)" if address.is_socket else ""))
    click.echo(f"Port: {address.port}")
    click.echo(f"Database: {address.database}")
    click.echo(f"User: {address.user}")
    click.echo(f"Password: {address.password or 'not kept on this machine'}")
    for name, value in address.options.items():
        click.echo(f"{name}: {value}")
    click.echo(f"URL: {address.url}")
    click.echo(f"SQLAlchemy: {address.sqlalchemy_url}")


def _tell_port(address: "Address | None") -> None:
    click.echo(
        "The embedded Postgres runs while Vitrine does. Its socket is for this account and root alone: do not "
        "forward it."
    )
    if address is None:
        click.echo(
            "For a tool that knows no sockets, or from elsewhere: set VITRINE_SQL_PORT to a free port, stop Vitrine "
            "and start it again."
        )
        return
    click.echo(f"For a tool that knows no sockets: {address.url}")
    click.echo(f"The same for SQLAlchemy: {address.sqlalchemy_url}")
    click.echo(
        f"From elsewhere: ssh -N -L {address.port}:{address.host}:{address.port} THIS-MACHINE, and then the same there."
    )


def _tell_members(settings: Settings, database: Database, found: "Installed") -> list[str]:
    """Say who uses the surface beside its role; what is amiss with them, said and as a list."""
    from server.sql_surface import connect, members

    if found.role is None or not found.has_role:
        return []
    with database.connection() as connection:
        told = members.read(connection, found.role)
    if told.names:
        click.echo(f"Members: {', '.join(told.names)}")
    amiss = [
        f"{name} has not the analysts' settings in this database. Run `vitrine sql "
        + ("install`." if name == found.role else f"grant {name}`.")
        for name in told.without_settings
    ]
    address = connect.address_of(database.url, found.role, connect.read_password(settings.data_dir))
    if address.password is not None and connect.is_refused(address):
        amiss.append(CHANGED_SINCE.format(role=found.role))
    for what in amiss:
        click.echo(what, err=True)
    return amiss


def _warn(database: Database, found: "Installed") -> list[str]:
    """Say what the role may do beside the surface; the same as a list."""
    from server.sql_surface.role import excess

    if found.role is None or not found.has_role:
        return []
    with database.connection() as connection:
        too_much = excess(connection, found.role)
    for what in too_much[:10]:
        click.echo(f"The role {found.role} may also {what}.", err=True)
    return too_much
