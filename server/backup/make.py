"""Making a backup, while the shop is open: one snapshot of the database, then the pictures that it names."""

import datetime
import hashlib
import logging
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psycopg

from server import __version__
from server.backup.archive import FORMAT, MANIFEST, SECRET_KEY, Manifest, Model, Writer
from server.backup.programs import Programs, connect_by, find_programs
from server.catalog.image_store import EXTENSIONS, ImageStore
from server.db.engine import CONNECT_SECONDS, translated_errors
from server.db.named_sql import load
from server.errors import BackupError, DatabaseNotReady, NotFound

SQL = load(__file__, "backup.sql")
# Filled by searches and logins, and of no worth elsewhere.
WITHOUT_ROWS = ("public.query_embedding", "public.login_try")
LOCK_WAIT = "60s"
MOST_NAMED = 20

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Made:
    """What is in a backup. lost: pictures whose files are gone or damaged; some: of the first few, their digests."""

    manifest: Manifest
    pictures: int
    bytes: int
    lost: int
    some: list[str]


def make_backup(url: str, images: ImageStore, path: Path, secret_key: str | None = None) -> Made:
    """Write a backup to `path`, whole or not at all; another file there is replaced.

    Raises BackupError, and DatabaseNotReady where there is no schema.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        # It holds the hashes of passwords: for its owner alone.
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            made = _write(url, images, file, secret_key)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as exc:
        raise BackupError(f"{path} cannot be written: {exc.strerror or exc}. No backup was made.") from exc
    finally:
        draft.unlink(missing_ok=True)
    return made


def _write(url: str, images: ImageStore, file: IO[bytes], secret_key: str | None) -> Made:
    writer = Writer(file)
    with tempfile.TemporaryFile("w+", encoding="ascii") as listed:
        # The transaction ends before the pictures are copied, which may take hours: it would keep old rows alive.
        with translated_errors(), psycopg.connect(url, connect_timeout=CONNECT_SECONDS) as connection:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.read_only = True
            connection.execute(SQL["patience"])
            programs = find_programs(connection.info.server_version // 10_000)
            manifest = _describe(connection, programs)
            writer.put_small(MANIFEST, manifest.model_dump_json(indent=2).encode())
            if secret_key is not None:
                writer.put_small(SECRET_KEY, secret_key.encode())
            _list_pictures(connection, listed)
            _dump(connection, url, programs, writer)
        listed.seek(0)
        lost = [sha256 for sha256, kept in _put_pictures(writer, images, listed) if not kept]
    end = writer.end(len(lost))
    return Made(manifest, end.pictures, file.tell(), len(lost), lost[:MOST_NAMED])


def _describe(connection: psycopg.Connection, programs: Programs) -> Manifest:
    schema = connection.execute(SQL["schema"]).fetchone()
    if schema is None:
        raise DatabaseNotReady()
    if schema[0] != "public":
        raise BackupError(
            f"Vitrine's tables lie in the schema {schema[0]}, and this command knows those in public alone. Use "
            "pg_dump, as docs/operations.md says."
        )
    (revision,) = connection.execute(SQL["revision"]).fetchone() or ("",)
    (products,) = connection.execute(SQL["products"]).fetchone() or (0,)
    model = connection.execute(SQL["model"]).fetchone()
    return Manifest(
        format=FORMAT,
        vitrine=__version__,
        made_at=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        revision=revision,
        postgres=connection.info.server_version // 10_000,
        programs=programs.major,
        products=products,
        model=None if model is None else Model(name=model[0], revision=model[1], digest=model[2]),
    )


def _dump(connection: psycopg.Connection, url: str, programs: Programs, writer: Writer) -> None:
    (snapshot,) = connection.execute(SQL["snapshot"]).fetchone() or ("",)
    dbname, environment = connect_by(url)
    command = programs.command(
        "pg_dump", "--format=custom", "--schema=public", "--no-owner", "--no-privileges", f"--snapshot={snapshot}",
        f"--lock-wait-timeout={LOCK_WAIT}", *(f"--exclude-table-data={table}" for table in WITHOUT_ROWS),
        f"--dbname={dbname}",
    )  # fmt: skip
    with tempfile.TemporaryFile() as errors, _running(command, environment, errors) as process:
        assert process.stdout is not None  # noqa: S101  (it is a pipe)
        writer.put_database(process.stdout)
        if process.wait() != 0:
            errors.seek(0)
            log.error("pg_dump failed: %s", errors.read().decode(errors="replace"))
            raise BackupError("The database could not be read as a whole (pg_dump failed; see the log).")


@contextmanager
def _running(command: list[str], environment: dict[str, str], errors: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """A program that does not outlive us."""
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=errors) as process:
        try:
            yield process
        except BaseException:
            process.kill()
            raise


def _list_pictures(connection: psycopg.Connection, listed: IO[str]) -> None:
    """Into a file: a million of them take 80 MB."""
    with connection.cursor(name="pictures") as cursor:
        for sha256, media_type in cursor.execute(SQL["pictures"]):
            listed.write(f"{sha256} {media_type}\n")


def _put_pictures(writer: Writer, images: ImageStore, listed: IO[str]) -> Iterator[tuple[str, bool]]:
    """Each picture's digest, and whether it is in the backup now."""
    for line in listed:
        sha256, media_type = line.split()
        try:
            data = images.read(sha256, media_type)
        except NotFound:
            yield sha256, False
            continue
        if hashlib.sha256(data).hexdigest() != sha256:
            yield sha256, False
            continue
        writer.put_picture(f"{sha256[:2]}/{sha256[2:4]}/{sha256}.{EXTENSIONS[media_type]}", data)
        yield sha256, True
