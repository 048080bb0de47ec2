"""Erasing what people searched for: when its time is over, and when somebody asks."""

import psycopg

from server.events.event import normalised
from server.events.log import SQL


def forget_older(connection: psycopg.Connection, days: int) -> int:
    """Erase searches of more than so many days ago, with their clicks; how many. 0 days: all of them."""
    return connection.execute(SQL["forget_older"], {"days": days}).rowcount


def forget_query(connection: psycopg.Connection, text: str) -> int:
    """Erase all searches for a text, whatever its capitals and blanks; how many. For a blank one: none."""
    if not text.strip():
        return 0
    return connection.execute(SQL["forget_query"], {"normalised": normalised(text)}).rowcount


def forget_all(connection: psycopg.Connection) -> int:
    """Erase every search; how many."""
    return connection.execute(SQL["forget_all"]).rowcount
