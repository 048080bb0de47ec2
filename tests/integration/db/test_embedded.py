"""The embedded Postgres: who stops it, what happens when it dies, who may come in, how it is set up."""

import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from server.db import tuning
from server.db.embedded import EmbeddedPostgres, binaries
from server.errors import DatabaseUnavailable

NOBODY = 65534


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short folder, as in production: a socket's path may have 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="vt-", ignore_cleanup_errors=True) as name:
        yield Path(name)


@pytest.fixture(scope="module")
def running() -> Iterator[EmbeddedPostgres]:
    """One server for the tests that only look."""
    with tempfile.TemporaryDirectory(prefix="vt-", ignore_cleanup_errors=True) as name:
        embedded = EmbeddedPostgres(Path(name))
        embedded.start()
        yield embedded
        embedded.release()


def ask(embedded: EmbeddedPostgres, question: str) -> str:
    with psycopg.connect(embedded.url(), connect_timeout=10) as connection:
        row = connection.execute(question).fetchone()
    assert row is not None
    return str(row[0])


def keep_answer(embedded: EmbeddedPostgres) -> None:
    with psycopg.connect(embedded.url(), connect_timeout=10) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")


def wait_until(condition: Callable[[], bool], seconds: float = 30) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


def test_the_last_of_two_users_stops_it(folder: Path) -> None:
    first, second = EmbeddedPostgres(folder), EmbeddedPostgres(folder)
    first.start()
    second.start()
    first.release()
    assert ask(second, "SELECT 1") == "1"
    second.release()
    assert not second.is_running()


def test_a_user_that_was_killed_does_not_keep_it_up_and_its_data_stays(folder: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from server.db.embedded import EmbeddedPostgres\n"
        "EmbeddedPostgres(Path(sys.argv[1])).start(); print('up', flush=True); sys.stdin.read()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with other:
        assert other.stdout is not None
        assert other.stdout.readline() == "up\n"
        embedded = EmbeddedPostgres(folder)
        embedded.start()
        keep_answer(embedded)
        other.kill()
    embedded.release()
    assert not embedded.is_running()
    embedded.start()
    assert ask(embedded, "SELECT answer FROM kept") == "42"
    embedded.release()


def test_a_server_that_was_killed_is_started_again(folder: Path) -> None:
    embedded = EmbeddedPostgres(folder)
    embedded.start()
    embedded.supervise(every_seconds=0.1)
    try:
        keep_answer(embedded)
        os.kill(int((embedded.cluster / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
        assert wait_until(lambda: not embedded.is_running(), 5)
        assert wait_until(embedded.is_running)
        assert ask(embedded, "SELECT answer FROM kept") == "42"
    finally:
        embedded.release()
    time.sleep(0.3)
    assert not embedded.is_running()


def test_a_long_path_gets_a_short_private_folder_for_the_socket(folder: Path) -> None:
    embedded = EmbeddedPostgres(folder / ("long" * 25))
    embedded.start()
    try:
        assert len(str(embedded.socket_dir)) < 60
        assert stat.S_IMODE(embedded.socket_dir.stat().st_mode) == 0o700
        assert ask(embedded, "SELECT 1") == "1"
    finally:
        embedded.release()
        embedded.socket_dir.rmdir()


def test_a_foreign_folder_in_the_place_of_the_socket_is_refused(folder: Path) -> None:
    embedded = EmbeddedPostgres(folder / ("long" * 25))
    embedded.socket_dir.symlink_to(folder)
    try:
        with pytest.raises(DatabaseUnavailable, match="belongs to another account"):
            embedded.start()
    finally:
        embedded.socket_dir.unlink()


def test_a_start_that_failed_can_be_tried_again(folder: Path) -> None:
    embedded = EmbeddedPostgres(folder)
    embedded.cluster.mkdir()
    version = embedded.cluster / "PG_VERSION"
    version.write_text("17\n")
    for _ in range(2):
        with pytest.raises(DatabaseUnavailable, match=r"was made by PostgreSQL 17.*A new major version of Postgres"):
            embedded.start()
    version.unlink()
    embedded.cluster.rmdir()
    embedded.start()
    assert ask(embedded, "SELECT 1") == "1"
    embedded.release()


def test_a_folder_that_cannot_be_used_is_named(folder: Path) -> None:
    (folder / "file").touch()
    with pytest.raises(DatabaseUnavailable, match=r"cannot use .*/file.* set VITRINE_DATA_DIR"):
        EmbeddedPostgres(folder / "file" / "data").start()


def test_nobody_else_can_reach_the_socket_or_the_files(running: EmbeddedPostgres) -> None:
    assert stat.S_IMODE(running.cluster.stat().st_mode) == 0o700
    assert stat.S_IMODE((running.cluster / ".s.PGSQL.5432").stat().st_mode) == 0o700
    assert ask(running, "SHOW listen_addresses") == ""
    rules = ask(running, "SELECT string_agg(auth_method, ' ' ORDER BY rule_number) FROM pg_hba_file_rules")
    assert rules == "peer scram-sha-256"
    if os.geteuid() == 0:
        refused = psql_as_nobody(running)
        assert refused.returncode != 0
        assert "Permission denied" in refused.stderr


def test_another_account_is_refused_even_at_an_open_socket(running: EmbeddedPostgres) -> None:
    """The account is the second lock. Without root, only the rules can be looked at."""
    owners = ask(running, "SELECT string_agg(sys_name || '>' || pg_username, ' ') FROM pg_ident_file_mappings")
    assert "nobody" not in owners
    if os.geteuid() != 0:
        return
    socket = running.cluster / ".s.PGSQL.5432"
    running.cluster.chmod(0o755)
    socket.chmod(0o777)
    try:
        refused = psql_as_nobody(running)
    finally:
        socket.chmod(0o700)
        running.cluster.chmod(0o700)
    assert refused.returncode != 0
    assert "Peer authentication failed" in refused.stderr


def psql_as_nobody(embedded: EmbeddedPostgres) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(binaries() / "psql"), embedded.url(), "-c", "SELECT 1"],
        user=NOBODY, group=NOBODY, extra_groups=[], cwd="/", capture_output=True, text=True, check=False,
        env={"LC_ALL": "C", "HOME": "/"},
    )  # fmt: skip


def test_its_text_is_utf8_and_sorts_alike_on_every_machine(running: EmbeddedPostgres) -> None:
    assert ask(running, "SHOW server_encoding") == "UTF8"
    provider = "SELECT datlocprovider::text || ' ' || datlocale FROM pg_database WHERE datname = current_database()"
    assert ask(running, provider) == "b C.UTF-8"
    assert ask(running, "SELECT upper('é')") == "É"


def test_it_is_tuned_to_the_machine_and_its_own_settings_win(running: EmbeddedPostgres) -> None:
    lines = dict(
        line.split(" = ", 1)
        for line in tuning.configuration(running.socket_dir).splitlines()
        if not line.startswith("#")
    )
    megabytes = {name: value.removesuffix("MB") for name, value in lines.items()}
    assert ask(running, "SELECT pg_size_bytes(current_setting('shared_buffers')) >> 20") == megabytes["shared_buffers"]
    assert ask(running, "SELECT pg_size_bytes(current_setting('work_mem')) >> 20") == megabytes["work_mem"]
    assert ask(running, "SHOW max_parallel_maintenance_workers") == lines["max_parallel_maintenance_workers"]
    assert ask(running, "SHOW jit") == "off"


def test_pgvector_is_there(running: EmbeddedPostgres) -> None:
    version = ask(running, "SELECT default_version FROM pg_available_extensions WHERE name = 'vector'")
    assert tuple(map(int, version.split("."))) >= (0, 8)


@pytest.mark.parametrize("call", ["pg_advisory_lock(7346110251)", "pg_try_advisory_xact_lock(1, 2)", "lo_create(0)"])
def test_locks_by_number_and_large_objects_are_the_owners(running: EmbeddedPostgres, call: str) -> None:
    with psycopg.connect(running.url()) as connection:
        connection.execute("CREATE ROLE somebody")
        connection.execute("SET ROLE somebody")
        with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
            connection.execute(f"SELECT {call}")
        connection.execute("RESET ROLE")
        connection.execute(f"SELECT {call}")
        connection.rollback()
