"""What bounds the benchmark over HTTP runs on the schema as it is: the walk of the index, and the least server."""

import pytest

from benchmarks.engine import least_server, walk_alone
from server.db.engine import Database
from tests.factories import add_model, add_product, unit_vector


def test_the_walk_alone_is_counted_and_leaves_nothing(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk_alone, "SECONDS", 1)
    with database.connection() as connection:
        model = add_model(connection)
        for number in range(30):
            add_product(connection, f"P-{number}", embedding=unit_vector(number), embedding_model=model)
    row = walk_alone.walk_alone(database, 2)
    assert row["clients"] == 2
    assert row["per_second"] > 0
    assert row["mean_ms"] > 0
    with database.connection() as connection:
        assert connection.execute("SELECT to_regclass('walk_alone') IS NULL").fetchone() == (True,)


def test_the_least_server_answers_with_products(database: Database) -> None:
    with database.connection() as connection:
        model = add_model(connection)
        for number in range(30):
            add_product(connection, f"P-{number}", embedding=unit_vector(number), embedding_model=model)
    assert least_server.least_server(database, 1, 1, requests=5, clients=[1]) == []
    with database.connection() as connection:
        connection.execute(
            "INSERT INTO query_embedding (model, text_hash, embedding) "
            "SELECT embedding_model, sha256(sku::bytea), embedding FROM product"
        )
    (row,) = least_server.least_server(database, 1, 1, requests=5, clients=[1])
    assert row["requests"] == 5
    assert row["p50_ms"] > 0
