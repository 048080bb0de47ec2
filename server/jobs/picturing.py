"""Pictures that no thumbnail can be made of: each stands once among the jobs that were given up, until it is mended."""

from collections.abc import Callable

import orjson
import psycopg

from server.catalog import thumbnails
from server.catalog.thumbnails import Made, Told, Unreadable
from server.db.named_sql import load
from server.jobs.names import QUEUE, THUMBNAILS_OF
from server.services import Services

SQL = load(__file__, "jobs.sql")


def make_missing(services: Services, go_on: Callable[[], bool], rest: Callable[[float], object]) -> Made:
    """Make all thumbnails that are missing; see `thumbnails.make_missing`."""
    return thumbnails.make_missing(services.database, services.images, Told(give_up, settle), go_on, rest)


def give_up(connection: psycopg.Connection, picture: Unreadable) -> None:
    """Note a picture among the failed jobs. Tried again there, it gets its thumbnails, or another reason."""
    told = {"args": orjson.dumps({"sha256": picture.sha256}).decode(), "reason": picture.reason}
    lock = f"{THUMBNAILS_OF}:{picture.sha256}"
    connection.execute(SQL["give_up"], {"queue": QUEUE, "name": THUMBNAILS_OF, "lock": lock, **told})


def settle(connection: psycopg.Connection, sha256: str) -> None:
    """The picture has its thumbnails after all."""
    connection.execute(SQL["settle"], {"name": THUMBNAILS_OF, "sha256": sha256})


def tidy(services: Services, go_on: Callable[[], bool]) -> int:
    """Remove thumbnails whose picture is gone, and failures of pictures that no product shows; how many files."""
    with services.database.connection() as connection:
        connection.execute(SQL["settle_unshown"], {"name": THUMBNAILS_OF})
    return thumbnails.remove_orphans(services.database, services.images, go_on)
