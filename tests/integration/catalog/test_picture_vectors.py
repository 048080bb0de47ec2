"""Further pictures of products get vectors of their own, once, and lose them with the picture."""

import zipfile
from pathlib import Path

import psycopg
import pytest

from server.catalog import coverage, picture_vectors
from server.catalog.gallery import read_gallery, store_picture, write_gallery
from server.catalog.image_store import ImageStore
from server.catalog.product import ProductInput
from server.catalog.products import Catalog
from server.db.engine import Database
from server.jobs.names import EMBED_PICTURES
from server.jobs.worker import CHANNELS
from server.settings import Settings
from tests.factories import noise
from tests.integration.catalog.conftest import Run


@pytest.fixture
def pictures(
    database: Database, catalog: Catalog, image_store: ImageStore, settings: Settings
) -> tuple[str, list[str]]:
    """A product with a picture, and the digests of three that are stored beside it."""
    catalog.put(ProductInput(sku="A-1", title="A bag"), noise(0))
    with database.connection() as connection:
        stored = [store_picture(connection, noise(seed), image_store, settings) for seed in (1, 2, 3)]
    first = catalog.get("A-1").image_sha256
    assert first is not None
    write(database, [first, *stored])
    return first, stored


def write(database: Database, sha256s: list[str], alt: str = "") -> None:
    with database.connection() as connection:
        write_gallery(connection, "A-1", [(sha256, alt) for sha256 in sha256s])


def embedded(database: Database) -> dict[str, str]:
    """Digest of the picture -> its vector as text."""
    with database.connection() as connection:
        return dict(connection.execute("SELECT sha256, embedding::text FROM picture_embedding").fetchall())


@pytest.fixture(autouse=True)
def _no_index_left(database: Database) -> object:
    yield
    with database.connection() as connection:
        names = connection.execute(
            "SELECT indexname FROM pg_indexes WHERE indexname LIKE 'picture_embedding_hnsw%'"
        ).fetchall()
        for (name,) in names:
            connection.execute(f"DROP INDEX {name}")


def test_each_gets_a_vector_once(database: Database, catalog: Catalog, pictures: tuple[str, list[str]]) -> None:
    _, stored = pictures
    with database.connection() as connection:
        assert coverage.read_coverage(connection).pictures_missing == 3
    done = coverage.repair_pictures(catalog)
    assert (done.pictures, done.left) == (3, [])
    assert set(embedded(database)) == set(stored)
    assert coverage.repair_pictures(catalog).pictures == 0
    with database.connection() as connection:
        found = coverage.read_coverage(connection)
        index = connection.execute("SELECT count(*) FROM pg_indexes WHERE indexname LIKE 'picture_embedding_hnsw%'")
        assert index.fetchone() == (1,)
    assert (found.pictures, found.pictures_missing, found.is_whole) == (3, 0, True)


def test_an_import_that_brings_a_further_picture_as_the_first_loses_none(
    tmp_path: Path, run: Run, database: Database, catalog: Catalog, pictures: tuple[str, list[str]]
) -> None:
    first, stored = pictures
    coverage.repair_pictures(catalog)
    with zipfile.ZipFile(tmp_path / "pictures.zip", "w") as archive:
        archive.writestr("A-1.png", noise(2))
    assert run(tmp_path / "pictures.zip").updated == 1
    with database.connection() as connection:
        found = [shown.sha256 for shown in read_gallery(connection, "A-1")]
    assert found == [stored[1], stored[0], first, stored[2]]
    assert coverage.repair_pictures(catalog).pictures == 1
    assert {first, stored[0], stored[2]} <= embedded(database).keys()
    with database.connection() as connection:
        assert coverage.read_coverage(connection).pictures_missing == 0


def test_what_stays_keeps_its_vector_and_what_goes_loses_it(
    database: Database, catalog: Catalog, pictures: tuple[str, list[str]]
) -> None:
    first, stored = pictures
    coverage.repair_pictures(catalog)
    before = embedded(database)
    write(database, [first, stored[2], stored[0]], alt="from behind")
    assert embedded(database) == {sha256: before[sha256] for sha256 in (stored[0], stored[2])}
    catalog.rename("A-1", "A-2")
    assert set(embedded(database)) == {stored[0], stored[2]}
    catalog.delete("A-2")
    assert embedded(database) == {}


def test_a_lost_picture_keeps_no_other_out_and_is_named(
    database: Database, catalog: Catalog, image_store: ImageStore, pictures: tuple[str, list[str]]
) -> None:
    _, stored = pictures
    image_store.path(stored[1], "image/png").unlink()
    done = coverage.repair_pictures(catalog)
    assert done.pictures == 2
    assert [gap.sku for gap in done.left] == ["A-1"]
    assert "further picture" in done.left[0].reason
    with database.connection() as connection:
        assert not coverage.read_coverage(connection).is_whole


def test_a_worker_hears_of_a_further_picture(
    database: Database, pictures: tuple[str, list[str]], catalog: Catalog
) -> None:
    first, stored = pictures
    (channel,) = (name for name, task in CHANNELS.items() if task == EMBED_PICTURES)
    with psycopg.connect(database.url, autocommit=True) as listening:
        listening.execute(f"LISTEN {channel}")
        write(database, [first], alt="said anew")
        assert list(listening.notifies(timeout=0.2, stop_after=1)) == []
        write(database, [first, stored[0]])
        assert [notice.channel for notice in listening.notifies(timeout=5, stop_after=1)] == [channel]


def test_vectors_of_a_retired_model_go(database: Database, catalog: Catalog, pictures: tuple[str, list[str]]) -> None:
    coverage.repair_pictures(catalog)
    with psycopg.connect(database.url, autocommit=True) as connection:
        picture_vectors.forget_retired(connection)
        assert len(embedded(database)) == 3
        connection.execute("UPDATE product SET embedding = NULL, embedding_model = NULL, embedding_source = NULL")
        connection.execute("UPDATE embedding_model SET state = 'retired'")
        picture_vectors.forget_retired(connection)
        left = connection.execute("SELECT count(*) FROM pg_indexes WHERE indexname LIKE 'picture_embedding_hnsw%'")
        assert left.fetchone() == (0,)
    assert embedded(database) == {}


def test_an_index_that_somebody_is_building_is_left_alone(
    database: Database, catalog: Catalog, pictures: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An old transaction keeps a CREATE INDEX CONCURRENTLY waiting; who comes meanwhile does not wait behind it."""
    monkeypatch.setattr(picture_vectors, "PATIENCE", "200ms")
    with database.connection() as connection:
        row = connection.execute("SELECT id, dimension FROM embedding_model WHERE state = 'active'").fetchone()
    assert row is not None
    key = {"key": picture_vectors.INDEX_LOCK, "model": row[0]}
    with psycopg.connect(database.url, autocommit=True) as building:
        building.execute("SELECT pg_try_advisory_lock(%(key)s::integer, %(model)s)", key)
        assert coverage.repair_pictures(catalog).pictures == 3
        with database.connection() as connection:
            (name,) = connection.execute("SELECT to_regclass(%s)", [picture_vectors.index_name(row[0])]).fetchone() or (
                "",
            )
        assert name is None


def test_an_index_that_waits_for_an_old_transaction_is_given_up_and_made_later(
    database: Database, catalog: Catalog, pictures: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picture_vectors, "PATIENCE", "200ms")
    monkeypatch.setattr(picture_vectors, "FEW", -1)
    with psycopg.connect(database.url) as old, psycopg.connect(database.url, autocommit=True) as connection:
        old.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        old.execute("SELECT count(*) FROM product")
        row = connection.execute("SELECT id, dimension FROM embedding_model WHERE state = 'active'").fetchone()
        assert row is not None
        picture_vectors.ensure_index(connection, *row)
        state = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)"
        name = [picture_vectors.index_name(row[0])]
        assert connection.execute(state, name).fetchone() == (False,)
        old.rollback()
        picture_vectors.ensure_index(connection, *row)
        assert connection.execute(state, name).fetchone() == (True,)
