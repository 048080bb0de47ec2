"""A backup into a database and a data directory: looked at as a whole first, then put in, then brought up to date."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO

import psycopg

from server.backup.archive import Archive, End, Manifest
from server.backup.load import load_dump
from server.backup.programs import find_programs
from server.backup.restore_sql import SQL
from server.catalog.image_store import MEDIA_TYPES, ImageStore
from server.db import migrate
from server.db.engine import CONNECT_SECONDS, Database, check_versions, translated_errors
from server.errors import BackupError, Conflict, NotFound
from server.settings import Settings

RESERVE_BYTES = 100 * 1024 * 1024


@dataclass(frozen=True)
class Target:
    """What is in the way: products and accounts that would be lost."""

    products: int
    accounts: int

    @property
    def is_empty(self) -> bool:
        return not (self.products or self.accounts)


@dataclass(frozen=True)
class Backup:
    """A backup that is whole and that this version can restore."""

    archive: Archive
    manifest: Manifest
    end: End


def check_backup(archive: Archive) -> Backup:
    """Look at all of it, before anything is changed. Raises BackupError."""
    manifest = archive.manifest()
    if not migrate.knows(manifest.revision):
        raise BackupError(
            f"The backup was made by Vitrine {manifest.vitrine}, whose database is newer than this version knows "
            f"(revision {manifest.revision}). Install that version or a newer one, and restore with it."
        )
    find_programs(manifest.programs)
    return Backup(archive, manifest, archive.verify())


def look_at_target(database: Database) -> Target:
    """What a restore would replace. Raises BackupError where it may not, Conflict where the shop is open."""
    with translated_errors(), psycopg.connect(database.url, connect_timeout=CONNECT_SECONDS) as connection:
        check_versions(connection)
        tables, is_ours = connection.execute(SQL["tables"]).fetchone() or (0, False)
        if tables and not is_ours:
            raise BackupError(
                f"The database holds {tables} tables that are not Vitrine's. Give Vitrine a database of its own."
            )
        (users,) = connection.execute(SQL["users"]).fetchone() or (0,)
        if users:
            raise Conflict(
                "The shop is open: servers, workers or commands of Vitrine are connected to this database. Stop them, "
                "and restore again."
            )
        return Target(*(_count(connection, table, name) for table, name in COUNTED))


COUNTED = (("product", "products"), ("staff", "accounts"))


def _count(connection: psycopg.Connection, table: str, statement: str) -> int:
    (is_there,) = connection.execute(SQL["has"], {"table": f"public.{table}"}).fetchone() or (False,)
    if not is_there:
        return 0
    (number,) = connection.execute(SQL[statement]).fetchone() or (0,)
    return int(number)


def restore(backup: Backup, database: Database, settings: Settings) -> None:
    """Put it in place of what is there. Raises BackupError, StorageUnavailable; nothing was changed then.

    The database is brought to the newest revision afterwards.
    """
    _check_room(backup.archive, settings)
    programs = find_programs(backup.manifest.programs)
    with _pictures_put(backup.archive, ImageStore(settings.image_dir)):
        load_dump(database.url, programs, backup.archive.database)
    migrate.upgrade(database, 0)
    with database.connection() as connection:
        connection.execute(SQL["end_imports"])
        connection.execute(SQL["forget_thumbnails"])
    database.refresh_statistics()
    _put_secret_key(backup.archive, settings)


def _check_room(archive: Archive, settings: Settings) -> None:
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    store = ImageStore(settings.image_dir)
    missing = sum(size for sha256, _, size in archive.listed_pictures() if not store.holds(sha256))
    free, needed = shutil.disk_usage(settings.data_dir).free, missing + RESERVE_BYTES
    if free < needed:
        raise BackupError(
            f"The pictures need {needed // 1_000_000:,} MB in {settings.image_dir}, and {free // 1_000_000:,} MB are "
            "free. Make room, and try again; nothing was changed."
        )


@contextmanager
def _pictures_put(archive: Archive, store: ImageStore) -> Iterator[None]:
    """Store all pictures; those that were not there before go again where what follows fails."""
    with tempfile.TemporaryFile("w+", encoding="ascii") as added:
        try:
            for sha256, extension, data in archive.pictures():
                _forget_damaged(store, sha256, MEDIA_TYPES[extension])
                if store.put(sha256, MEDIA_TYPES[extension], data):
                    added.write(f"{sha256} {extension}\n")
            yield
        except BaseException:
            _remove(added, store)
            raise


def _forget_damaged(store: ImageStore, sha256: str, media_type: str) -> None:
    """A file that is not what its name says makes room for the one that is."""
    with suppress(NotFound):
        if hashlib.sha256(store.read(sha256, media_type)).hexdigest() != sha256:
            store.path(sha256, media_type).unlink()


def _remove(added: IO[str], store: ImageStore) -> None:
    added.seek(0)
    for line in added:
        sha256, extension = line.split()
        with suppress(OSError):
            store.path(sha256, MEDIA_TYPES[extension]).unlink()


def _put_secret_key(archive: Archive, settings: Settings) -> None:
    """The backup's key in place of the data directory's own."""
    key = archive.secret_key()
    if key is None:
        return
    draft = settings.data_dir / f".secret_key.{os.getpid()}"
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(key.strip() + "\n")
    draft.replace(settings.data_dir / "secret_key")
