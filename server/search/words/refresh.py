"""Computes the catalogue's words anew from its live products."""

import time
from dataclasses import dataclass
from typing import Any

import psycopg

from server.db.named_sql import load
from server.search.words import splitting

# Any number that nothing else in the database takes as an advisory lock; server/activation has the one before it.
REFRESH_LOCK = 7_346_110_253
# What a process keeps of a catalogue: the rest occurs once or twice and is of little help. With all of them at these
# limits a process reads them in some seconds and keeps them in about 200 MB.
MOST_WORDS = 200_000
MOST_PHRASES = 100_000
MOST_TITLES = 20_000
MOST_NAMES = 20_000
MOST_PAIRS = 300_000
LONGEST_PHRASE = 80
# Of what a product is called so many words are paired: brand, kind, and all but the most talkative titles.
FIRST_WORDS = 24
# A phrase is one where at least this share of its occurrences ends a part of a title. On 39,865 fashion products it
# keeps "casual shoes" (0.98) and drops "men black" (0.02).
ENDING_SHARE = 0.15
# In a catalogue of so many products a phrase of one product alone is chance, and in larger ones not worth its place.
LARGE, VERY_LARGE = 2_000, 200_000

_FILE = load(__file__, "words.sql")


def _compose(name: str) -> str:
    """A statement with the shared parts put in. All are code of words.sql, never values."""
    tokens, called = _FILE["tokens"], _FILE["called"]
    texts = {
        "{tokens_of_all}": "concat_ws(' ', p.title, p.brand, p.category)",
        "{tokens_of_called}": called,
        "{tokens_of_title}": "regexp_replace(p.title, %(ends_of_parts)s, ' - ', 'g')",
    }
    statement = _FILE[name]
    for place, text in texts.items():
        statement = statement.replace(place, tokens.replace("{text}", text))
    return statement


SQL = {name: _compose(name) for name in _FILE if name not in ("tokens", "called")}


@dataclass(frozen=True)
class Refreshed:
    """What a refresh found. changed: rows that differ from before, of all kinds; with none the version stays."""

    version: int
    products: int
    words: int
    phrases: int
    pairs: int
    changed: int
    seconds: float


def refresh_words(connection: psycopg.Connection) -> Refreshed | None:
    """Compute words, phrases and pairs from the live products, in the connection's transaction; write what differs.

    None where another session is at it. Readers see the old ones until the transaction ends, and wait for nothing.
    """
    started = time.perf_counter()
    if not _one(connection, "try_lock", {"key": REFRESH_LOCK})[0]:
        return None
    _one(connection, "settings", {})
    (live,) = _one(connection, "count_live", {})
    shared = {
        "fancy": splitting.FANCY,
        "plain": splitting.PLAIN,
        "separators": splitting.SEPARATORS,
        "longest": splitting.LONGEST_WORD,
        "edgeless": sorted(splitting.EDGELESS),
        "least": 1 if live < LARGE else 2 if live < VERY_LARGE else 3,
    }
    for_phrases = {
        "ends_of_parts": splitting.ENDS_OF_PARTS,
        "ending": sorted(splitting.ENDING),
        "ending_share": ENDING_SHARE,
        "longest_phrase": LONGEST_PHRASE,
        "most_phrases": MOST_PHRASES,
        "most_titles": MOST_TITLES,
        "most_names": MOST_NAMES,
    }
    words, changed_words = _one(connection, "refresh_words", {**shared, "most": MOST_WORDS})
    phrases, changed_phrases = _one(connection, "refresh_phrases", shared | for_phrases)
    pairs, changed_pairs = _one(connection, "refresh_pairs", {**shared, "most": MOST_PAIRS, "first_words": FIRST_WORDS})
    changed = changed_words + changed_phrases + changed_pairs
    seconds = time.perf_counter() - started
    (version,) = _one(connection, "note_refresh", {"changed": changed > 0, "products": live, "seconds": seconds})
    return Refreshed(version, live, words, phrases, pairs, changed, seconds)


def _one(connection: psycopg.Connection, name: str, parameters: dict[str, Any]) -> tuple[Any, ...]:
    row = connection.execute(SQL[name], parameters).fetchone()
    assert row is not None, name  # noqa: S101  (each of these statements has one row)
    return tuple(row)
