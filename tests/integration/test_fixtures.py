"""The fixtures themselves: what other tests lean on."""

from server.db.engine import Database
from tests.factories import add_image, add_product, unit_vector


def test_a_product_with_a_vector_can_be_put_into_the_database(database: Database) -> None:
    with database.connection() as connection:
        add_product(connection, "A-1", embedding=unit_vector(1))
        sha = add_image(connection, "ab" * 32)
        add_product(connection, "A-2", embedding=unit_vector(2), image_sha256=sha)
    with database.connection() as connection:
        rows = connection.execute("SELECT sku, embedding_source FROM product ORDER BY sku").fetchall()
    assert rows == [("A-1", "text"), ("A-2", "image")]


def test_every_test_starts_with_an_empty_database(database: Database) -> None:
    with database.connection() as connection:
        assert connection.execute("SELECT count(*) FROM product").fetchone() == (0,)
