"""What the database refuses comes out as a sentence that says what to do, without the driver's text."""

import pytest

from server.db.engine import Database
from server.errors import DatabaseNotReady, DatabaseUnavailable


@pytest.mark.parametrize(
    ("statements", "error", "sentence"),
    [
        (
            ("SET LOCAL ROLE pg_monitor", "DELETE FROM product"),
            DatabaseNotReady,
            "role that Vitrine connects as may not do this",
        ),
        (
            ("SET LOCAL statement_timeout = '20ms'", "SELECT pg_sleep(5)"),
            DatabaseUnavailable,
            "stopped a statement that took longer than statement_timeout allows, or that somebody cancelled",
        ),
        (
            ("SET TRANSACTION READ ONLY", "DELETE FROM product"),
            DatabaseUnavailable,
            "The database takes no changes now",
        ),
    ],
    ids=["privilege", "timeout", "read only"],
)
def test_what_the_database_refuses_is_a_sentence(
    migrated: Database, statements: tuple[str, ...], error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        run(migrated, statements)


def run(database: Database, statements: tuple[str, ...]) -> None:
    with database.connection() as connection:
        for statement in statements:
            connection.execute(statement)
