"""`vitrine words`: the catalogue's own words, for corrections and suggestions."""

from contextlib import closing

import click

from server.db.engine import open_database
from server.search.words.refresh import refresh_words
from server.settings import load_settings


@click.group()
def words() -> None:
    """Compute the words that corrections and suggestions are made of."""


@words.command()
def refresh() -> None:
    """Compute them anew from the shop's products. Running servers take them over within half a minute."""
    with closing(open_database(load_settings())) as database, database.connection() as connection:
        done = refresh_words(connection)
    if done is None:
        click.echo("They are being computed already, by another process.")
        return
    changed = f"{done.changed:,} of these changed" if done.changed else "Nothing has changed"
    click.echo(
        f"{done.words:,} words, {done.phrases:,} phrases and names and {done.pairs:,} pairs of words of "
        f"{done.products:,} products, in {done.seconds:.1f} s. {changed}."
    )
