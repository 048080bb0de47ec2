"""`vitrine synonyms`: what shoppers say for what the catalogue says."""

from contextlib import closing
from dataclasses import asdict

import click
import orjson

from server.db.engine import open_database
from server.search.words.synonym_table import add_synonym, list_synonyms, remove_synonym
from server.search.words.synonyms import Synonym
from server.settings import load_settings


@click.group()
def synonyms() -> None:
    """Keep a list of words that stand for others in a search."""


@synonyms.command()
@click.argument("words")
@click.argument("replacements", nargs=-1, required=True)
@click.option("--one-way", is_flag=True, help="Search for REPLACEMENTS too where WORDS are asked for, not vice versa.")
def add(words: str, replacements: tuple[str, ...], one_way: bool) -> None:
    """Let WORDS and REPLACEMENTS stand for each other: `add sneakers trainers "running shoes"`."""
    with closing(open_database(load_settings())) as database, database.connection() as connection:
        added = add_synonym(connection, words, replacements, two_way=not one_way)
    click.echo(f"Added {_told(added)}")


@synonyms.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_command(as_json: bool) -> None:
    """Print all, with the number of each."""
    with closing(open_database(load_settings())) as database, database.connection() as connection:
        found = list_synonyms(connection)
    if as_json:
        click.echo(orjson.dumps([asdict(each) for each in found], option=orjson.OPT_INDENT_2).decode())
    elif not found:
        click.echo("There are no synonyms. `vitrine synonyms add sneakers trainers` adds some.")
    else:
        for each in found:
            click.echo(_told(each))


@synonyms.command()
@click.argument("which")
def remove(which: str) -> None:
    """Remove those of WHICH: a number that `list` prints, or the words."""
    with closing(open_database(load_settings())) as database, database.connection() as connection:
        removed = remove_synonym(connection, which)
    for each in removed:
        click.echo(f"Removed {_told(each)}")


def _told(synonym: Synonym) -> str:
    arrow = "<->" if synonym.two_way else "->"
    return f"{synonym.id}: {synonym.words} {arrow} {', '.join(synonym.replacements)}"
