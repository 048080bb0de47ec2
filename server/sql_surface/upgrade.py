"""An upgrade of the schema with the surface upon it: views are taken down first, as tables under them do not change."""

from server.db import migrate
from server.db.engine import Database
from server.db.migrate import MigrationStatus
from server.sql_surface import surface


def upgrade(database: Database, dimension: int) -> MigrationStatus:
    """As `migrate.upgrade`. An installed surface is away while migrations run, and then there as this version has it.

    Raises Conflict where others have built views upon it. An upgrade that was killed is completed by another one.
    """
    before = migrate.status(database)
    if before.current is not None and before.current != before.newest:
        surface.take_down(database)
    after = migrate.upgrade(database, dimension)
    surface.renew(database)
    return after
