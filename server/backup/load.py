"""A dump into a database, in one transaction: pg_restore makes SQL of it, psql sends that, and COMMIT comes last."""

import logging
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import IO

from server.backup.programs import Programs, connect_by
from server.backup.restore_sql import SQL
from server.errors import BackupError, VitrineError

COPY_BYTES = 1024 * 1024
# Entries of the dump that are not made: who restores may own neither, and both are there.
NOT_MADE = (" SCHEMA - public ", " COMMENT - SCHEMA public ", " EXTENSION - ", " COMMENT - EXTENSION ")
# A server before 17 does not know it, and it is what it is set to.
UNKNOWN_BEFORE_17 = b"SET transaction_timeout = 0;\n"

log = logging.getLogger(__name__)

Dump = Callable[[], Iterable[bytes]]


def load_dump(url: str, programs: Programs, dump: Dump) -> None:
    """Put the dump in place of what is in the schema public. dump: its pieces, from the beginning at every call.

    Raises BackupError; nothing was changed then.
    """
    with tempfile.TemporaryDirectory(prefix="vitrine-restore-") as folder, tempfile.TemporaryFile() as errors:
        contents = Path(folder) / "contents"
        contents.write_bytes(_contents(programs, dump, errors))
        dbname, environment = connect_by(url)
        psql = programs.command("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", f"--dbname={dbname}")
        restore = programs.command(
            "pg_restore", "--file=-", f"--use-list={contents}", "--no-owner", "--no-privileges", "--no-publications",
            "--no-subscriptions",
        )  # fmt: skip
        with (
            subprocess.Popen(
                psql, env=environment, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=errors
            ) as target,
            subprocess.Popen(restore, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors) as source,
        ):
            try:
                is_done = _copy(source, target, dump)
            except BaseException:
                source.kill()
                _end_without_commit(target)
                raise
        if not is_done:
            raise _failure(errors)


def _contents(programs: Programs, dump: Dump, errors: IO[bytes]) -> bytes:
    """The dump's list of entries, without those that are not made."""
    command = programs.command("pg_restore", "--list")
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors) as process:
        feeder = _Feeder(process, dump)
        assert process.stdout is not None  # noqa: S101  (it is a pipe)
        listed = process.stdout.read()
        feeder.end()
    if process.returncode != 0:
        raise _failure(errors)
    lines = listed.splitlines(keepends=True)
    return b"".join(line for line in lines if not any(entry.encode() in line for entry in NOT_MADE))


def _copy(source: "subprocess.Popen[bytes]", target: "subprocess.Popen[bytes]", dump: Dump) -> bool:
    """From one program to the other; whether it was committed."""
    assert source.stdout is not None  # noqa: S101  (pipes)
    assert target.stdin is not None  # noqa: S101
    feeder = _Feeder(source, dump)
    try:
        target.stdin.write(f"BEGIN;\n{SQL['clear']};\nCREATE EXTENSION IF NOT EXISTS vector;\n".encode())
        head = source.stdout.read(COPY_BYTES)
        target.stdin.write(head.replace(UNKNOWN_BEFORE_17, b"", 1))
        while piece := source.stdout.read(COPY_BYTES):
            target.stdin.write(piece)
        feeder.end()
        if source.wait() != 0:
            _end_without_commit(target)
            return False
        target.stdin.write(b"\nCOMMIT;\n")
        target.stdin.close()
    except BrokenPipeError:
        # psql is gone, and has said why.
        source.kill()
        _end_without_commit(target)
    return target.wait() == 0


def _end_without_commit(target: "subprocess.Popen[bytes]") -> None:
    """Nothing of what it did stays. What it did not take yet is lost."""
    assert target.stdin is not None  # noqa: S101  (it is a pipe)
    with suppress(BrokenPipeError):
        target.stdin.close()
    # It rolls back and ends; one that is in the middle of COPY sees no end of it.
    if target.poll() is None:
        target.kill()


class _Feeder:
    """Writes a dump into a program, in a thread beside the one that reads what comes of it."""

    def __init__(self, process: "subprocess.Popen[bytes]", dump: Dump) -> None:
        self._process = process
        self._dump = dump
        self._problem: VitrineError | None = None
        self._thread = threading.Thread(target=self._feed, daemon=True)
        self._thread.start()

    def _feed(self) -> None:
        assert self._process.stdin is not None  # noqa: S101  (it is a pipe)
        try:
            with self._process.stdin as stdin:
                for piece in self._dump():
                    stdin.write(piece)
        except BrokenPipeError:
            # It has read what it needs, or it failed and says so itself.
            log.debug("A program of Postgres read only the beginning of the dump.")
        except VitrineError as exc:
            # Half a dump is taken for the whole by nobody: pg_restore knows where it ends.
            self._problem = exc

    def end(self) -> None:
        """Raises what stopped it."""
        self._thread.join()
        if self._problem is not None:
            raise self._problem


def _failure(errors: IO[bytes]) -> BackupError:
    errors.seek(0)
    said = errors.read().decode(errors="replace")
    log.error("The restore failed: %s", said)
    if "No space left on device" in said:
        return BackupError("The disk of the database is full. Make room, and try again; nothing was changed.")
    if "permission denied" in said or "must be owner" in said:
        return BackupError(
            "The role that Vitrine connects as may not do this in the database. Connect as the role that owns it, and "
            "have an administrator run CREATE EXTENSION vector where that is what it may not; nothing was changed."
        )
    return BackupError("The database did not take the backup (see the log); nothing was changed.")
