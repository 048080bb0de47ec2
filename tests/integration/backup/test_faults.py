"""What is wrong with a backup or with where it goes is said in a sentence, and nothing is half done."""

import resource
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import psycopg
import pytest

from server.backup.archive import END, MANIFEST, Archive, Manifest, Writer
from server.backup.programs import find_programs
from server.db import migrate
from server.errors import BackupError
from tests.factories import add_product
from tests.integration.backup.conftest import Run, Shop


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """A disk on which no file gets larger. Programs that run already are not held to it."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def files_of(shop: Shop) -> list[Path]:
    return [path for path in shop.data_dir.rglob("*") if path.is_file()]


def tables_of(shop: Shop) -> int:
    with psycopg.connect(shop.database.url) as connection:
        row = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
    assert row is not None
    return int(row[0])


def assert_untouched(shop: Shop) -> None:
    assert tables_of(shop) == 0
    assert files_of(shop) == []


def places(file: Path) -> dict[str, tuple[int, int]]:
    """Where the bytes of the first member of each kind lie: offset of its header and of its middle."""
    found: dict[str, tuple[int, int]] = {}
    with tarfile.open(file) as tar:
        for member in tar:
            found.setdefault(member.name.split("/")[0], (member.offset, member.offset_data + member.size // 2))
    return found


def test_one_flipped_bit_anywhere_is_found_before_anything_changes(
    file: Path, other: Shop, vitrine: Run, tmp_path: Path
) -> None:
    whole, damaged = file.read_bytes(), tmp_path / "damaged.backup"
    found = places(file)
    assert set(found) == {MANIFEST, "database", "images", END}
    for header, middle in found.values():
        for place in (header + 5, middle):
            data = bytearray(whole)
            data[place] ^= 1
            damaged.write_bytes(data)
            refused = vitrine(other, "restore", damaged)
            assert refused.exit_code == 2, place
            assert "damaged" in refused.output
            assert_untouched(other)


def test_a_file_that_is_cut_off_is_refused_wherever_it_is_cut(file: Path, other: Shop, vitrine: Run) -> None:
    whole, last = file.read_bytes(), places(file)[END][1]
    for length in (*range(600, last, last // 23), last - 600, last):
        file.write_bytes(whole[:length])
        refused = vitrine(other, "restore", file)
        assert refused.exit_code == 2, length
        assert "was not copied as a whole" in refused.output
    assert_untouched(other)


def test_a_picture_that_was_taken_out_is_missed(file: Path, other: Shop, vitrine: Run, tmp_path: Path) -> None:
    thinner = tmp_path / "thinner.backup"
    with tarfile.open(file) as tar, tarfile.open(thinner, "w") as copy:
        dropped = next(member.name for member in tar if member.name.startswith("images/"))
        for member in tar:
            if member.name != dropped:
                copy.addfile(member, tar.extractfile(member))
    refused = vitrine(other, "restore", thinner)
    assert refused.exit_code == 2
    assert "its parts are not those that it was made of" in refused.output
    assert_untouched(other)


def test_other_files_are_refused(other: Shop, vitrine: Run, tmp_path: Path) -> None:
    text, archive, tar, empty = (tmp_path / name for name in ("a.txt", "a.zip", "a.tar", "empty"))
    text.write_text("sku,title\n" * 200)
    empty.touch()
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("a", "b")
    with tarfile.open(tar, "w") as other_tar:
        other_tar.addfile(tarfile.TarInfo("images"), BytesIO())
    for file, said in (
        (text, "is not a backup of Vitrine"),
        (archive, "is not a backup of Vitrine"),
        (tar, "is not a backup of Vitrine"),
        (empty, "its end is not there"),
        (tmp_path, "cannot be read: Is a directory"),
        (tmp_path / "none", "cannot be read: No such file"),
    ):
        refused = vitrine(other, "restore", file)
        assert (refused.exit_code, said in refused.output) == (2, True), refused.output
    assert_untouched(other)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE])
def test_only_plain_files_are_read(file: Path, other: Shop, vitrine: Run, kind: bytes) -> None:
    with tarfile.open(file, "a") as tar:
        member = tarfile.TarInfo("../secret")
        member.type, member.linkname = kind, "/etc/passwd"
        tar.addfile(member)
    data = file.read_bytes()
    # In front of the end, where it is read.
    end = places(file)[END][0]
    added = data.index(b"../secret")
    file.write_bytes(data[:end] + data[added : added + 512] + data[end:])
    refused = vitrine(other, "restore", file)
    assert refused.exit_code == 2
    assert "is no plain file" in refused.output
    assert_untouched(other)


def made_by_hand(path: Path, **changes: object) -> Path:
    """A backup without a database."""
    manifest = {
        "format": 1, "vitrine": "99.0", "made_at": "2031-01-01", "revision": "0001", "postgres": 18, "programs": 18,
        "products": 0, "model": None,
    } | changes  # fmt: skip
    with path.open("wb") as file:
        writer = Writer(file)
        writer.put_small(MANIFEST, Manifest.model_validate(manifest).model_dump_json().encode())
        writer.put_database(BytesIO(b"no dump"))
        writer.end(0)
    return path


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"revision": "9999"}, "was made by Vitrine 99.0, whose database is newer"),
        ({"format": 2}, "was made by a newer Vitrine"),
        ({"programs": 99}, "Install its client programs (package postgresql-client-99)"),
        ({}, "The database did not take the backup"),
    ],
)
def test_what_this_version_cannot_restore_is_said(
    other: Shop, vitrine: Run, tmp_path: Path, changes: dict[str, object], said: str
) -> None:
    refused = vitrine(other, "restore", made_by_hand(tmp_path / "newer.backup", **changes))
    assert refused.exit_code == 2
    assert said in refused.output
    assert_untouched(other)


def test_programs_that_are_too_old_are_not_taken() -> None:
    with pytest.raises(BackupError, match="PostgreSQL 99 or newer"):
        find_programs(99)


def test_a_full_disk_leaves_no_backup(shop: Shop, vitrine: Run, tmp_path: Path) -> None:
    file = tmp_path / "folder" / "shop.backup"
    file.parent.mkdir()
    with largest_file(30_000):
        refused = vitrine(shop, "backup", file)
    assert refused.exit_code == 2
    assert "cannot be written" in refused.output
    assert "No backup was made" in refused.output
    assert list(file.parent.iterdir()) == []


def test_a_full_disk_leaves_nothing_of_a_restore(file: Path, other: Shop, vitrine: Run) -> None:
    with largest_file(5_000):
        refused = vitrine(other, "restore", file)
    assert refused.exit_code == 2
    assert "The picture cannot be stored" in refused.output
    assert_untouched(other)


def test_too_little_room_is_said_before(file: Path, other: Shop, vitrine: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from server.backup import restore

    monkeypatch.setattr(restore, "RESERVE_BYTES", 10**18)
    refused = vitrine(other, "restore", file)
    assert refused.exit_code == 2
    assert "Make room, and try again; nothing was changed." in refused.output
    assert_untouched(other)


def test_a_database_that_fails_half_way_is_as_before(
    file: Path, other: Shop, vitrine: Run, caplog: pytest.LogCaptureFixture
) -> None:
    with psycopg.connect(other.database.url) as connection:
        # The last things that a dump makes are triggers: all else is there by then.
        connection.execute(
            "CREATE FUNCTION pg_temp.no() RETURNS event_trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'no more'; END$$"
        )
        connection.execute("CREATE SCHEMA guard")
        connection.execute(
            "CREATE FUNCTION guard.no() RETURNS event_trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'no more'; END$$"
        )
        connection.execute(
            "CREATE EVENT TRIGGER guard ON ddl_command_start WHEN TAG IN ('CREATE TRIGGER') EXECUTE FUNCTION guard.no()"
        )
    refused = vitrine(other, "restore", file)
    assert refused.exit_code == 2
    assert "The database did not take the backup (see the log); nothing was changed." in refused.output
    assert "no more" in caplog.text
    assert_untouched(other)


def test_a_database_of_somebody_else_is_left_alone(file: Path, other: Shop, vitrine: Run) -> None:
    with psycopg.connect(other.database.url) as connection:
        connection.execute("CREATE TABLE product (id integer)")
    refused = vitrine(other, "restore", file, "--replace")
    assert refused.exit_code == 2
    assert "1 tables that are not Vitrine's" in refused.output
    assert tables_of(other) == 1


def test_an_open_shop_is_not_restored_into(file: Path, other: Shop, vitrine: Run) -> None:
    with psycopg.connect(other.database.url, application_name="vitrine"):
        refused = vitrine(other, "restore", file)
    assert refused.exit_code == 2
    assert "The shop is open" in refused.output
    assert_untouched(other)


def test_a_shop_is_replaced_only_where_that_is_said(file: Path, shop: Shop, other: Shop, vitrine: Run) -> None:
    before = shop.answers()
    assert vitrine(other, "restore", file).exit_code == 0
    with psycopg.connect(other.database.url) as connection:
        add_product(connection, "LATER")
        connection.execute("CREATE VIEW dear AS SELECT sku FROM product WHERE price > 20")
    refused = vitrine(other, "restore", file)
    assert refused.exit_code == 2
    assert "holds 7 products and 3 accounts. Give --replace" in refused.output
    replaced = vitrine(other, "restore", file, "--replace")
    assert replaced.exit_code == 0, replaced.output
    assert other.answers() == before


def test_an_empty_shop_needs_no_asking(file: Path, other: Shop, vitrine: Run) -> None:
    migrate.upgrade(other.database, 8)
    migrate._forget_connections(other.database)
    assert vitrine(other, "restore", file).exit_code == 0


def test_a_backup_does_not_replace_another_unasked(file: Path, shop: Shop, vitrine: Run) -> None:
    before = file.read_bytes()
    refused = vitrine(shop, "backup", file)
    assert refused.exit_code == 2
    assert "exists. Give another name, or --overwrite." in refused.output
    assert file.read_bytes() == before
    assert vitrine(shop, "backup", file, "--overwrite").exit_code == 0
    assert Archive(file).verify().pictures == 5


def test_an_empty_database_has_nothing_to_back_up(other: Shop, vitrine: Run, tmp_path: Path) -> None:
    refused = vitrine(other, "backup", tmp_path / "none.backup")
    assert refused.exit_code == 2
    assert "vitrine db upgrade" in refused.output
    assert not (tmp_path / "none.backup").exists()
