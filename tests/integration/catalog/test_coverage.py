"""Products that somebody wrote in SQL get the vector that they lack."""

from pathlib import Path

import pytest

from server.catalog.coverage import Coverage, Gap, find_gaps, read_coverage, repair
from server.catalog.product import ProductInput
from server.catalog.products import Catalog
from server.db.engine import Database
from tests.factories import picture
from tests.fakes import FakeEncoder


@pytest.fixture
def shop(database: Database, catalog: Catalog) -> Database:
    """A product with a picture and one without, and four that SQL wrote: two live, a draft and a hidden one."""
    catalog.put(ProductInput(sku="A-picture", title="Red"), picture("red"))
    catalog.put(ProductInput(sku="A-title", title="Blue mug"))
    with database.connection() as connection:
        for sku, status in (("B-1", "live"), ("B-2", "live"), ("B-3", "draft"), ("B-4", "hidden")):
            connection.execute(
                "INSERT INTO product (sku, title, currency, status) VALUES (%s, %s, 'USD', %s)",
                (sku, f"Mug {sku}", status),
            )
    return database


def coverage(database: Database) -> Coverage:
    with database.connection() as connection:
        return read_coverage(connection)


def gaps(database: Database) -> dict[str, str]:
    with database.connection() as connection:
        return {gap.sku: gap.reason for gap in find_gaps(connection, 100)}


def test_what_sql_wrote_is_told_and_repaired(shop: Database, catalog: Catalog) -> None:
    assert coverage(shop) == Coverage(live=4, covered=2, without_vector=2, outdated=0)
    assert coverage(shop).share == 0.5
    assert gaps(shop) == {"B-1": "no vector", "B-2": "no vector"}
    done = repair(shop, catalog)
    assert (done.filled, done.left) == (2, [])
    assert coverage(shop) == Coverage(4, 4, 0, 0)
    assert repair(shop, catalog).filled == 0


def test_an_empty_shop_is_covered(database: Database) -> None:
    assert coverage(database) == Coverage(0, 0, 0, 0)
    assert coverage(database).share == 1.0


def test_a_changed_title_is_embedded_again(shop: Database, catalog: Catalog) -> None:
    repair(shop, catalog)
    with shop.connection() as connection:
        connection.execute("UPDATE product SET title = 'Green mug' WHERE sku IN ('A-title', 'A-picture')")
    # What has a picture is found by it, whatever it is called.
    assert gaps(shop) == {"A-title": "the title was changed"}
    assert repair(shop, catalog).filled == 1
    with shop.connection() as connection:
        row = connection.execute("SELECT embedded_text FROM product WHERE sku = 'A-title'").fetchone()
    assert row == ("Green mug",)


def test_a_stored_picture_is_embedded_again(shop: Database, catalog: Catalog) -> None:
    with shop.connection() as connection:
        before = connection.execute("SELECT embedding::text FROM product WHERE sku = 'A-picture'").fetchone()
        connection.execute(
            "UPDATE product SET embedding = NULL, embedding_model = NULL, embedding_source = NULL "
            "WHERE sku = 'A-picture'"
        )
    assert repair(shop, catalog).filled == 3
    with shop.connection() as connection:
        after = connection.execute("SELECT embedding::text FROM product WHERE sku = 'A-picture'").fetchone()
    assert after == before != (None,)


def test_a_lost_picture_is_left_and_told(shop: Database, catalog: Catalog, tmp_path: Path) -> None:
    for file in (tmp_path / "data" / "images").rglob("*.jpg"):
        file.unlink()
    with shop.connection() as connection:
        connection.execute(
            "UPDATE product SET embedding = NULL, embedding_model = NULL, embedding_source = NULL "
            "WHERE sku = 'A-picture'"
        )
    done = repair(shop, catalog, batch=1)
    assert done.filled == 2
    assert done.left == [Gap("A-picture", "its picture cannot be read")]


def test_it_stops_between_two_batches(shop: Database, catalog: Catalog) -> None:
    go_on = iter((True, False))
    assert repair(shop, catalog, lambda: next(go_on), batch=1).filled == 1
    assert coverage(shop).without_vector == 1


def test_a_vector_is_never_kept_for_another_title(
    shop: Database, catalog: Catalog, encoder: FakeEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    embed = encoder.place_text

    def slow(text: str) -> object:
        with shop.connection() as connection:
            connection.execute("UPDATE product SET title = 'Other' WHERE sku = 'B-1' AND title <> 'Other'")
        return embed(text)

    monkeypatch.setattr(encoder, "place_text", slow)
    repair(shop, catalog)
    with shop.connection() as connection:
        row = connection.execute("SELECT title, embedded_text FROM product WHERE sku = 'B-1'").fetchone()
    assert row == ("Other", "Other")
