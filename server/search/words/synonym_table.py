"""Synonyms as the database holds them: read, added, removed."""

from collections.abc import Sequence

import psycopg

from server.db.named_sql import load
from server.errors import Conflict, InvalidInput, NotFound
from server.search.words.synonyms import MOST_REPLACEMENTS, Synonym, Synonyms, plain_words

SQL = load(__file__, "synonyms.sql")

LARGEST_ID = 2**31 - 1


def read_synonyms(connection: psycopg.Connection) -> Synonyms:
    """All of them, ready for queries. Of version 0 where nobody ever added one."""
    version = connection.execute(SQL["version"]).fetchone()
    return Synonyms(list_synonyms(connection), 0 if version is None else version[0])


def list_synonyms(connection: psycopg.Connection) -> list[Synonym]:
    """All lines, in the order in which they were added."""
    return [_synonym(row) for row in connection.execute(SQL["all"]).fetchall()]


def add_synonym(connection: psycopg.Connection, words: str, replacements: Sequence[str], two_way: bool) -> Synonym:
    """Store a line; what is given is brought to lower case and single blanks, and said once.

    Raises InvalidInput where there is nothing to replace or to replace it with, Conflict where the words have a line.
    """
    plain = plain_words(words)
    others = tuple(dict.fromkeys(other for each in replacements if (other := plain_words(each)) != plain))
    if not others:
        raise InvalidInput(f"'{plain}' needs other words that stand for it.")
    if len(others) > MOST_REPLACEMENTS:
        raise InvalidInput(f"'{plain}' has {len(others)} replacements; the most is {MOST_REPLACEMENTS}.")
    parameters = {"words": plain, "replacements": list(others), "two_way": two_way}
    added = connection.execute(SQL["add"], parameters).fetchone()
    if added is None:
        known = [_synonym(row) for row in connection.execute(SQL["of_words"], {"words": plain}).fetchall()]
        told = next((f" (number {each.id})" for each in known if each.two_way is two_way), "")
        raise Conflict(f"'{plain}' has synonyms already{told}. Remove them, and add all that it shall have.")
    return Synonym(added[0], plain, others, two_way)


def remove_synonym(connection: psycopg.Connection, which: str) -> list[Synonym]:
    """Remove the line of a number, or else the lines of some words; returns what was removed. Raises NotFound."""
    rows: list[tuple[int, str, list[str], bool]] = []
    if which.isascii() and which.isdigit() and int(which) <= LARGEST_ID:
        rows = connection.execute(SQL["remove_id"], {"id": int(which)}).fetchall()
    if not rows:
        rows = connection.execute(SQL["remove_words"], {"words": plain_words(which)}).fetchall()
    if not rows:
        raise NotFound(f"There is no synonym with the number or the words '{plain_words(which)}'.")
    return [_synonym(row) for row in rows]


def _synonym(row: tuple[int, str, list[str], bool]) -> Synonym:
    number, words, replacements, two_way = row
    return Synonym(number, words, tuple(replacements), two_way)
