"""An activation that is killed at any of six moments, and run again, ends like one that nobody disturbed.

The real command in a process of its own. Each moment is held by a lock that the test takes (a product's row, the
table), so that the kill falls exactly there, however fast the machine is.
"""

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest
from numpy.typing import NDArray
from pgvector.psycopg import register_vector
from PIL import Image

from server.activation.session import activation_session
from server.activation.slots import read_slots, take_slot
from server.db.engine import Database
from server.embedding.manifest import read_manifest
from server.embedding.registry import open_encoder
from server.search.query import Query
from server.services import Services, open_services
from server.settings import Settings, load_settings
from tests.databases import fresh_database
from tests.factories import noise
from tests.integration.activation.conftest import product
from tests.tiny_model import write_tiny_model

PRODUCTS = 150
LAST = f"K-{PRODUCTS - 1:03}"
MIDDLE = "K-100"
# The two differ in their pictures' preparation, which is enough for other vectors.
NEW_IMAGE = {"mean": [0.1, 0.2, 0.6], "std": [0.5, 0.2, 0.4]}


@pytest.fixture
def settings(migrated: Database, tmp_path: Path) -> Iterator[Settings]:
    """A shop of its own, whose model is `tiny`; `other` is installed beside it."""
    write_tiny_model(tmp_path / "models" / "tiny")
    write_tiny_model(tmp_path / "models" / "other", name="other", image=NEW_IMAGE)
    with fresh_database(migrated) as database:
        yield load_settings(_env_file=None, DATABASE_URL=database.url, VITRINE_DATA_DIR=tmp_path, VITRINE_MODEL="tiny")


@pytest.fixture
def shop(settings: Settings) -> Iterator[Services]:
    run(settings, "db", "upgrade")
    services = open_services(settings)
    services.catalog.upsert_many([(product(f"K-{n:03}"), noise(n) if n % 5 else None) for n in range(PRODUCTS)])
    yield services
    services.close()


def command(settings: Settings, *arguments: str, **options: Any) -> subprocess.Popen[bytes]:
    assert settings.database_url is not None
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("VITRINE_", "DATABASE_"))}
    environment |= {
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "VITRINE_DATA_DIR": str(settings.data_dir),
        "VITRINE_MODEL": "tiny",
        "VITRINE_TOWER_THREADS": "1",
        "VITRINE_PREPARE_THREADS": "1",
    }
    return subprocess.Popen([sys.executable, "-m", "server.cli", *arguments], env=environment, **options)


def run(settings: Settings, *arguments: str) -> str:
    process = command(settings, *arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err.decode()
    return out.decode()


@contextmanager
def holding(settings: Settings, statement: str) -> Iterator[psycopg.Connection]:
    """A transaction that has run the statement, until the block ends."""
    assert settings.database_url is not None
    with psycopg.connect(settings.database_url.get_secret_value()) as connection:
        connection.execute(statement)
        yield connection
        connection.rollback()


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 90
    while not condition():
        assert process.poll() is None, "it ended before it was killed"
        assert time.monotonic() < deadline, "it did not come to the moment"
        time.sleep(0.02)


def ask(settings: Settings, query: str) -> Any:
    assert settings.database_url is not None
    with psycopg.connect(settings.database_url.get_secret_value(), autocommit=True) as connection:
        row = connection.execute(query).fetchone()
    return None if row is None else row[0]


SESSIONS = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'vitrine activate%'"
ROW = "SELECT FROM product WHERE sku = '{}' FOR UPDATE"
WAITS_FOR_ROWS = """SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database()
  AND application_name LIKE 'vitrine activate, waits for %'"""
WAITS = """SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name LIKE 'vitrine activate%'
  AND datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%{}%'"""
PHASE = "SELECT phase FROM activation ORDER BY id DESC LIMIT 1"
HNSW_IS_VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('product_embedding_other_hnsw')"


def hold_update_of(settings: Settings, sku: str) -> None:
    """Let a change of this product wait for an advisory lock."""
    change(
        settings,
        "CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS "
        "'BEGIN PERFORM pg_advisory_xact_lock_shared(1); RETURN NEW; END'",
        f"CREATE TRIGGER hold BEFORE UPDATE ON product FOR EACH ROW WHEN (NEW.sku = '{sku}') EXECUTE FUNCTION hold()",
    )


def release_updates(settings: Settings) -> None:
    change(settings, "DROP FUNCTION hold CASCADE")


def change(settings: Settings, *statements: str) -> None:
    assert settings.database_url is not None
    with psycopg.connect(settings.database_url.get_secret_value()) as connection:
        for statement in statements:
            connection.execute(statement)


def kill_in_fill(settings: Settings, start: Callable[..., subprocess.Popen[bytes]]) -> None:
    # A trigger holds the write of the second batch in its middle.
    with holding(settings, "SELECT pg_advisory_xact_lock(1)"):
        hold_update_of(settings, MIDDLE)
        process = start()
        wait_for(lambda: bool(ask(settings, WAITS.format("name: fill"))), process)
        assert ask(settings, "SELECT count(embedding_other) FROM product") == 64
        kill(process)
    release_updates(settings)


def kill_while_rows_are_held(settings: Settings, start: Callable[..., subprocess.Popen[bytes]]) -> None:
    with holding(settings, ROW.format(MIDDLE)):
        process = start()
        wait_for(lambda: bool(ask(settings, WAITS_FOR_ROWS)), process)
        assert ask(settings, "SELECT count(embedding_other) FROM product") == PRODUCTS - 1
        kill(process)


def kill_before_index(settings: Settings, start: Callable[..., subprocess.Popen[bytes]]) -> None:
    with holding(settings, ROW.format(LAST)) as fill:
        process = start()
        wait_for(lambda: bool(ask(settings, WAITS_FOR_ROWS)), process)
        # Constraints are validated before the index is begun.
        with holding(settings, "LOCK TABLE product IN SHARE UPDATE EXCLUSIVE MODE"):
            fill.rollback()
            wait_for(lambda: bool(ask(settings, WAITS.format("VALIDATE"))), process)
            assert ask(settings, "SELECT count(embedding_other) FROM product") == PRODUCTS
            kill(process)
    assert ask(settings, HNSW_IS_VALID) is None


def kill_in_index(settings: Settings, start: Callable[..., subprocess.Popen[bytes]]) -> None:
    with holding(settings, ROW.format(LAST)) as fill:
        process = start()
        wait_for(lambda: bool(ask(settings, WAITS_FOR_ROWS)), process)
        # An index that is built beside writers waits for those that have begun.
        with holding(settings, "LOCK TABLE product IN ROW EXCLUSIVE MODE"):
            fill.rollback()
            wait_for(lambda: ask(settings, HNSW_IS_VALID) is False, process)
            kill(process)
            # Its session learns of that within a second, and would else finish the index once the table is let go.
            wait_until_gone(settings)
    assert ask(settings, HNSW_IS_VALID) is False


def kill_before_switch(settings: Settings, start: Callable[..., subprocess.Popen[bytes]]) -> None:
    with holding(settings, ROW.format(LAST)) as fill:
        process = start()
        wait_for(lambda: bool(ask(settings, WAITS_FOR_ROWS)), process)
        with holding(settings, "SELECT FROM product LIMIT 1"):
            fill.rollback()
            wait_for(lambda: bool(ask(settings, WAITS.format("ACCESS EXCLUSIVE"))), process)
            assert ask(settings, PHASE) == "switch"
            kill(process)
    assert ask(settings, HNSW_IS_VALID) is True


def kill_after_switch(settings: Settings, start: Callable[..., subprocess.Popen[bytes]]) -> None:
    # Nobody reads what it prints, and the pipe is full: it cannot end.
    reading, writing = os.pipe()
    try:
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
        os.write(writing, b"x" * fcntl.fcntl(writing, fcntl.F_GETPIPE_SZ))
        process = start(stdout=writing)
        wait_for(lambda: ask(settings, "SELECT name FROM embedding_model WHERE state = 'active'") == "other", process)
        kill(process)
    finally:
        os.close(reading)
        os.close(writing)


def kill(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGKILL)
    assert process.wait(timeout=60) == -signal.SIGKILL


def wait_until_gone(settings: Settings) -> None:
    """Until the database has ended the session of a killed run."""
    deadline = time.monotonic() + 30
    while ask(settings, SESSIONS):
        assert time.monotonic() < deadline, "its session goes on"
        time.sleep(0.05)


@pytest.mark.parametrize(
    "kill_at",
    [kill_in_fill, kill_while_rows_are_held, kill_before_index, kill_in_index, kill_before_switch, kill_after_switch],
)
def test_a_killed_activation_run_again_ends_like_an_undisturbed_one(
    settings: Settings, shop: Services, kill_at: Callable[..., None]
) -> None:
    def start(**options: Any) -> subprocess.Popen[bytes]:
        options = {"stdout": subprocess.DEVNULL, **options}
        return command(settings, "models", "activate", "other", "--json", stderr=subprocess.DEVNULL, **options)

    # A transaction that holds a row keeps the columns from being made; so they are made before it begins.
    with activation_session(shop.database) as connection:
        take_slot(connection, read_slots(connection), read_manifest(settings.models_dir / "other"))
    kill_at(settings, start)
    # The shop goes on with one model or the other, whole.
    page = shop.search.by_text("Thing K-005", Query(limit=PRODUCTS))
    assert len(page.hits) == page.total == PRODUCTS
    told = json.loads(run(settings, "models", "activate", "other", "--json"))
    assert told["was_active"] == (kill_at is kill_after_switch)
    assert_like_new(settings)
    after = shop.search.by_text("Thing K-005", Query())
    assert after.model is not None
    assert after.model.name == "other"


def assert_like_new(settings: Settings) -> None:
    """All products have the vectors that the model makes, in a whole index; and nothing is under way."""
    assert settings.database_url is not None
    encoder = open_encoder(read_manifest(settings.models_dir / "other"), settings)
    expected: dict[str, NDArray[np.float32]] = {}
    with psycopg.connect(settings.database_url.get_secret_value()) as connection:
        register_vector(connection)
        rows = connection.execute("SELECT sku, title, image_sha256, embedding::halfvec, m.name FROM product "
                                  "JOIN embedding_model m ON m.id = embedding_model").fetchall()  # fmt: skip
        broken = connection.execute("SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid").fetchall()
        names = connection.execute("SELECT name, state FROM embedding_model ORDER BY name").fetchall()
        phases = connection.execute("SELECT phase FROM activation").fetchall()
    assert broken == []
    assert names == [("other", "active"), ("tiny", "previous")]
    assert phases == [("done",)]
    assert len(rows) == PRODUCTS
    for sku, title, sha256, vector, name in rows:
        assert name == "other"
        if sha256 is None:
            expected[sku] = encoder.place_text(title)
        else:
            path = settings.image_dir / sha256[:2] / sha256[2:4] / f"{sha256}.png"
            with Image.open(path) as image:
                expected[sku] = encoder.embed_image(image.convert("RGB"))
        np.testing.assert_allclose(np.asarray(vector.to_numpy(), np.float32), expected[sku], atol=3e-3)
