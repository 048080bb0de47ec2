"""An upgrade of the schema with the surface upon it: views are taken down first, as tables under them do not change."""

import logging

from server.db import migrate
from server.db.engine import Database
from server.db.migrate import MigrationStatus
from server.errors import DatabaseNotReady, VitrineError
from server.sql_surface import surface

log = logging.getLogger(__name__)


def upgrade(database: Database, dimension: int, currency: str | None) -> MigrationStatus:
    """As `migrate.upgrade`. An installed surface is away while migrations run, and then there as this version has it.

    currency: that a setting names for the shop, which price bounds of analysts are in. Raises DatabaseNotReady where
    the database is newer than this code, Conflict where others have built upon the surface; nothing was changed then.
    An upgrade that was killed is completed by another one.
    """
    before = migrate.status(database)
    if before.current is not None and not migrate.knows(before.current):
        raise DatabaseNotReady(
            f"This database is newer than this Vitrine, which does not know its revision {before.current}. Install the "
            "version that upgraded it, or a newer one."
        )
    if before.current is not None and before.current != before.newest:
        surface.take_down(database)
    try:
        after = migrate.upgrade(database, dimension)
    except BaseException:
        _put_back(database, currency)
        raise
    surface.renew(database, currency)
    return after


def keep_in_step(database: Database, currency: str | None) -> None:
    """Renew an installed surface where the schema is the newest already. What is in the way is a warning, no error."""
    _renew(database, currency, "The schema vitrine_sql stays as another version made it")


def _put_back(database: Database, currency: str | None) -> None:
    """Behind an upgrade that failed, whose own error is the one to be told."""
    _renew(database, currency, "The schema vitrine_sql stays away until an upgrade succeeds")


def _renew(database: Database, currency: str | None, otherwise: str) -> None:
    try:
        surface.renew(database, currency)
    except VitrineError as exc:
        log.warning("%s: %s", otherwise, exc.message)
