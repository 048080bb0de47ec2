"""`vitrine backup` and `vitrine restore`: a whole shop in one file, and back."""

import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from server.db.engine import open_database
from server.errors import BackupError, Conflict
from server.settings import Settings, load_settings

if TYPE_CHECKING:
    from server.backup.archive import Model


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--with-secret-key", is_flag=True, help="Put the key in that signs sessions and cursors.")
@click.option("--overwrite", is_flag=True, help="Replace FILE where it exists.")
@click.pass_context
def backup(ctx: click.Context, file: Path, with_secret_key: bool, overwrite: bool) -> None:
    """Write the whole shop into FILE, while it is open: the database and the pictures.

    Models and files of imports are not in it. Exits with 1 where pictures are lost: the backup is made without them.
    """
    from server.backup.make import make_backup
    from server.catalog.image_store import ImageStore

    settings = load_settings()
    if file.exists() and not overwrite:
        raise BackupError(f"{file} exists. Give another name, or --overwrite.")
    with closing(open_database(settings)) as database:
        key = settings.secret_key if with_secret_key else None
        made = make_backup(database.url, ImageStore(settings.image_dir), file, key)
    click.echo(
        f"{file}: {made.manifest.products:,} products and {made.pictures:,} pictures, {made.bytes / 1e6:,.1f} MB."
    )
    if made.manifest.model is not None:
        model = made.manifest.model
        click.echo(f"Its model is not in it: {model.name} {model.revision} has to be installed where it is restored.")
    if made.lost:
        some = ", ".join(made.some[:3]) + (", ..." if made.lost > 3 else "")
        click.echo(
            f"{made.lost:,} pictures are not in it, because their files are gone or damaged ({some}). `vitrine doctor` "
            "names products; import their pictures again.",
            err=True,
        )
        ctx.exit(1)


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--replace", is_flag=True, help="Replace a shop that is not empty, without asking.")
def restore(file: Path, replace: bool) -> None:
    """Put the shop of a backup in place of the one that is here, which has to be closed.

    All of FILE is checked first. The database is replaced as a whole or not at all.
    """
    from server.backup import restore as restoring
    from server.backup.archive import Archive
    from server.cli.sql import install_again

    settings = load_settings()
    click.echo("Checking the backup ...", err=True)
    found = restoring.check_backup(Archive(file))
    with closing(open_database(settings)) as database:
        target = restoring.look_at_target(database)
        if not target.is_empty and not replace:
            _ask(target.products, target.accounts)
        click.echo("Restoring ...", err=True)
        restoring.restore(found, database, settings)
        install_again(settings, database)
    click.echo(
        f"Restored {found.manifest.products:,} products and {found.end.pictures:,} pictures, as of "
        f"{found.manifest.made_at}."
    )
    if found.end.lost:
        click.echo(f"{found.end.lost:,} pictures were lost before the backup was made.", err=True)
    _tell_model(found.manifest.model, settings)


def _ask(products: int, accounts: int) -> None:
    """Raises Conflict where nobody can be asked, ends where they say no."""
    holds = f"The database holds {products:,} products and {accounts:,} accounts"
    if not sys.stdin.isatty():
        raise Conflict(f"{holds}. Give --replace to have the backup in their place.")
    click.confirm(f"{holds}, which will be gone, and so will tables of your own beside them. Go on?", abort=True)


def _tell_model(model: "Model | None", settings: Settings) -> None:
    """Say so where the model of the products is not installed here."""
    from server.embedding.current import ActiveModel, load_model
    from server.errors import ModelError

    if model is None:
        return
    try:
        load_model(settings, ActiveModel(model.name, model.revision, model.digest))
    except ModelError as exc:
        click.echo(exc.message, err=True)
