"""`vitrine backup` and `vitrine restore`: the same shop somewhere else."""

import hashlib
import io
import threading
import tracemalloc
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from server.backup.archive import Archive, Writer
from server.catalog.product import ProductInput
from server.cli import main
from server.db import migrate
from server.db.engine import Database, open_database
from server.imports import runs
from server.jobs.queue import queue_import
from server.settings import load_settings
from tests.databases import fresh_database, upgrade_to
from tests.factories import DIMENSION, add_product, noise, unit_vector
from tests.integration.backup.conftest import TITLES, Run, Shop


def test_a_restored_shop_answers_as_the_one_that_was_backed_up(
    shop: Shop, other: Shop, vitrine: Run, tmp_path: Path
) -> None:
    before = shop.answers()
    assert len(before[""][0]) == len(TITLES)
    file = tmp_path / "shop.backup"
    made = vitrine(shop, "backup", file)
    assert made.exit_code == 0
    assert "6 products and 5 pictures" in made.output
    assert "fake 1 has to be installed" in made.output
    assert file.stat().st_mode & 0o777 == 0o600
    restored = vitrine(other, "restore", file)
    assert restored.exit_code == 0, restored.output
    assert "Restored 6 products and 5 pictures" in restored.output
    assert "which is not installed here" in restored.output
    assert other.answers() == before


def test_an_empty_embedded_database_is_made_for_it(file: Path, shop: Shop, short_dir: Path) -> None:
    folder = short_dir / "embedded"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VITRINE_DATA_DIR", str(folder))
        restored = CliRunner().invoke(main, ["restore", str(file)])
        assert restored.exit_code == 0, restored.output
        with closing(open_database(load_settings())) as database:
            assert Shop(database, folder).answers() == shop.answers()


def test_an_older_backup_is_upgraded(migrated: Database, other: Shop, vitrine: Run, tmp_path: Path) -> None:
    file = tmp_path / "old.backup"
    with fresh_database(migrated) as old:
        upgrade_to(old, "0009", DIMENSION)
        with old.connection() as connection:
            add_product(connection, "A-1", embedding=unit_vector(1))
        assert vitrine(Shop(old, tmp_path / "old"), "backup", file).exit_code == 0
    assert Archive(file).manifest().revision == "0009"
    assert vitrine(other, "restore", file).exit_code == 0
    assert migrate.status(other.database).is_current
    assert other.services.catalog.get("A-1").title == "Product A-1"


def test_lost_and_damaged_pictures_are_told_and_the_rest_is_there(
    shop: Shop, other: Shop, vitrine: Run, tmp_path: Path
) -> None:
    pictures = sorted(path for path in shop.data_dir.rglob("*.png"))
    pictures[0].unlink()
    pictures[1].write_bytes(b"rotten")
    file = tmp_path / "shop.backup"
    made = vitrine(shop, "backup", file)
    assert made.exit_code == 1
    assert "2 pictures are not in it" in made.output
    assert pictures[0].stem in made.output
    restored = vitrine(other, "restore", file)
    assert restored.exit_code == 0
    assert "2 pictures were lost before the backup was made." in restored.output
    kept = {path.name: path.read_bytes() for path in other.data_dir.rglob("*.png")}
    assert kept == {path.name: path.read_bytes() for path in pictures[2:]}


def test_a_restore_mends_pictures_that_are_damaged(file: Path, shop: Shop, vitrine: Run) -> None:
    pictures = sorted(path for path in shop.data_dir.rglob("*.png"))
    whole = pictures[0].read_bytes()
    pictures[0].write_bytes(b"x" * len(whole))
    migrate._forget_connections(shop.database)
    assert vitrine(shop, "restore", file, "--replace").exit_code == 0
    assert pictures[0].read_bytes() == whole


def test_the_secret_key_goes_along_only_where_it_is_wanted(
    file: Path, shop: Shop, other: Shop, vitrine: Run, tmp_path: Path
) -> None:
    key = load_settings(_env_file=None, VITRINE_DATA_DIR=shop.data_dir).secret_key
    assert Archive(file).secret_key() is None
    assert key.encode() not in file.read_bytes()
    with_key = tmp_path / "key.backup"
    assert vitrine(shop, "backup", with_key, "--with-secret-key").exit_code == 0
    assert vitrine(other, "restore", with_key).exit_code == 0
    kept = other.data_dir / "secret_key"
    assert kept.read_text().strip() == key
    assert kept.stat().st_mode & 0o777 == 0o600


def test_thumbnails_are_in_no_backup_and_made_again(shop: Shop, other: Shop, vitrine: Run, tmp_path: Path) -> None:
    with shop.database.connection() as connection:
        connection.execute("UPDATE image SET thumbnails_at = now()")
    assert vitrine(shop, "backup", tmp_path / "a").exit_code == 0
    assert vitrine(other, "restore", tmp_path / "a").exit_code == 0
    with other.database.connection() as connection:
        due = connection.execute("SELECT count(*) FROM image WHERE thumbnails_at IS NULL").fetchone()
    assert due == (5,)


def test_imports_that_were_under_way_are_over_and_say_why(
    shop: Shop, other: Shop, vitrine: Run, tmp_path: Path
) -> None:
    with shop.database.connection() as connection:
        for name in ("half.csv", "waiting.csv", "done.csv"):
            runs.create(connection, name, 100, "ann")
        connection.execute("UPDATE import_run SET state = 'waiting' WHERE name = 'waiting.csv'")
        connection.execute("UPDATE import_run SET state = 'done', error_file = 'x.csv' WHERE name = 'done.csv'")
        queue_import(connection, 2)
    assert vitrine(shop, "backup", tmp_path / "a").exit_code == 0
    assert vitrine(other, "restore", tmp_path / "a").exit_code == 0
    with other.database.connection() as connection:
        found = {run.name: (run.state, run.error_file, run.problem or "") for run in runs.newest(connection, 9)}
    assert found["done.csv"] == ("done", None, "")
    for name in ("half.csv", "waiting.csv"):
        assert found[name][0] == "failed"
        assert "which has no files of imports. Send it again." in found[name][2]


def test_an_open_shop_is_backed_up_as_it_was_at_one_moment(
    shop: Shop, other: Shop, vitrine: Run, tmp_path: Path
) -> None:
    services, is_over, written = shop.services, threading.Event(), []

    def go_on_writing() -> None:
        while not is_over.is_set():
            number = len(written)
            record = ProductInput(sku=f"NEW-{number}", title=f"New {number}", price=5)
            services.catalog.put(record, noise(1000 + number))
            written.append(number)

    writer = threading.Thread(target=go_on_writing)
    writer.start()
    try:
        made = [vitrine(shop, "backup", tmp_path / f"{number}") for number in range(3)]
    finally:
        is_over.set()
        writer.join()
    assert [one.exit_code for one in made] == [0, 0, 0]
    assert vitrine(other, "restore", tmp_path / "2").exit_code == 0
    with other.database.connection() as connection:
        pictures = connection.execute("SELECT sha256, media_type FROM image").fetchall()
        new = connection.execute("SELECT count(*) FROM product WHERE sku LIKE 'NEW%'").fetchone()
    assert new is not None
    assert 0 < new[0] <= len(written)
    assert len(pictures) == 5 + new[0]
    for sha256, media_type in pictures:
        assert hashlib.sha256(other.services.images.read(sha256, media_type)).hexdigest() == sha256


def test_a_large_shop_takes_no_more_memory_than_a_small_one(tmp_path: Path) -> None:
    """The list of members that a tar keeps would be 20 MB here."""
    file = tmp_path / "large"
    tracemalloc.start()
    try:
        with file.open("wb") as target:
            writer = Writer(target)
            for number in range(20_000):
                data = number.to_bytes(4, "big")
                digest = hashlib.sha256(data).hexdigest()
                writer.put_picture(f"{digest[:2]}/{digest[2:4]}/{digest}.png", data)
            writer.put_database(io.BytesIO(b""))
            writer.end(0)
        assert Archive(file).verify().pictures == 20_000
        assert tracemalloc.get_traced_memory()[1] < 3_000_000
    finally:
        tracemalloc.stop()
