"""What searches know of a catalogue as a whole, brought up to date: sketches, words, and Postgres's own statistics."""

from dataclasses import dataclass

import psycopg

from server.db.engine import Database, translated_errors
from server.search.basis import refresh_basis
from server.search.words.refresh import Refreshed, refresh_words


@dataclass(frozen=True)
class SearchRefreshed:
    """sketched: every product that has a vector has a sketch. words: None where another process is at them."""

    sketched: bool
    words: Refreshed | None


def refresh_search(database: Database, anew: bool = False) -> SearchRefreshed:
    """Sketch what has no sketch, count the catalogue's words, and vacuum. Searches and imports go on meanwhile.

    anew: by new axes, though the old ones fit.
    """
    sketched = refresh_basis(database, anew)
    with translated_errors(), psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute("SET statement_timeout = 0")
        words = refresh_words(connection)
    database.refresh_statistics()
    return SearchRefreshed(sketched, words)
