"""The programs of Postgres that dump and restore: those of the embedded server, else those of this machine."""

import os
import re
import shutil
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from server.db.embedded import binaries
from server.errors import BackupError, DatabaseUnavailable

_MAJOR = re.compile(r"\(PostgreSQL\)\s+(\d+)")


@dataclass(frozen=True)
class Programs:
    """A folder with pg_dump, pg_restore and psql, and their major version."""

    folder: Path
    major: int

    def command(self, program: str, *arguments: str) -> list[str]:
        """A command line for subprocess."""
        return [str(self.folder / program), *arguments]


def find_programs(at_least: int) -> Programs:
    """Programs that are new enough. Raises BackupError with what to install."""
    for folder in _folders():
        major = _major(folder)
        if major is not None and major >= at_least:
            return Programs(folder, major)
    raise BackupError(
        f"This needs pg_dump, pg_restore and psql of PostgreSQL {at_least} or newer. Install its client programs "
        f"(package postgresql-client-{at_least})."
    )


def _folders() -> list[Path]:
    folders = []
    with suppress(DatabaseUnavailable):
        folders.append(binaries())
    found = shutil.which("pg_dump")
    if found is not None:
        folders.append(Path(found).parent)
    return folders


def _major(folder: Path) -> int | None:
    """Of the programs there; None where one is not, or does not start."""
    if not all((folder / program).is_file() for program in ("pg_dump", "pg_restore", "psql")):
        return None
    try:
        told = subprocess.run([str(folder / "pg_dump"), "--version"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    match = _MAJOR.search(told)
    return None if match is None else int(match[1])


def connect_by(url: str) -> tuple[str, dict[str, str]]:
    """A connection string without its password, and the environment that has it: `ps` shows arguments."""
    parts = conninfo_to_dict(url)
    password = parts.pop("password", None)
    environment = {**os.environ, "PGAPPNAME": "vitrine backup", "LC_ALL": "C", "PGCONNECT_TIMEOUT": "10"}
    if password is not None:
        environment["PGPASSWORD"] = str(password)
    return make_conninfo("", **parts), environment
