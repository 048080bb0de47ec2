"""`vitrine db`."""

import subprocess
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from server.cli import db
from server.db.embedded import binaries
from server.db.engine import Database
from tests.databases import fresh_database
from tests.factories import add_product, unit_vector
from tests.integration.cli.conftest import Run
from tests.tiny_model import DIMENSION


def test_upgrade_makes_the_schema_once_and_then_has_nothing_to_do(run: Run, empty: Database, named_model: Path) -> None:
    first, second = run("db", "upgrade"), run("db", "upgrade")
    assert first.exit_code == 0
    assert "is now at revision 0019 (it was empty)" in first.output
    assert second.exit_code == 0
    assert "at revision 0019 already" in second.output


def test_upgrade_without_a_model_says_which_are_there(
    run: Run, empty: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VITRINE_MODEL", "absent")
    result = run("db", "upgrade")
    assert result.exit_code == 2
    assert 'There is no model "absent"' in result.output


def test_status_fails_until_the_schema_is_current(run: Run, empty: Database, named_model: Path) -> None:
    before = run("db", "status")
    assert before.exit_code == 1
    assert "Revision: none (newest: 0019)" in before.output
    assert "vitrine db upgrade" in before.output
    run("db", "upgrade")
    after = run("db", "status")
    assert after.exit_code == 0
    assert "PostgreSQL 18" in after.output
    assert "pgvector 0.8" in after.output


def test_status_makes_no_embedded_database(run: Run, data_dir: Path) -> None:
    result = run("db", "status")
    assert result.exit_code == 1
    assert "There is no database" in result.output
    assert not data_dir.exists()


def test_status_of_the_embedded_database_says_how_to_connect(
    run: Run, migrated: Database, short_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VITRINE_DATA_DIR", str(short_dir))
    result = run("db", "status")
    assert result.exit_code == 0
    assert f"embedded, in {short_dir}" in result.output
    assert f"Connection: {migrated.url}" in result.output


def test_a_database_that_does_not_answer_is_a_sentence(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody:secret@127.0.0.1:1/nothing")
    result = run("db", "status")
    assert result.exit_code == 2
    assert "The database does not answer" in result.output
    assert "secret" not in result.output


@pytest.mark.parametrize("command", ["status", "shell"])
def test_a_url_that_is_none_is_a_sentence(run: Run, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.setenv("DATABASE_URL", "mysql://secret@somewhere")
    result = run("db", command)
    assert result.exit_code == 2
    assert "DATABASE_URL" in result.output
    assert "secret" not in result.output


def test_shell_runs_psql_on_a_given_database(run: Run, migrated: Database, capfd: pytest.CaptureFixture[str]) -> None:
    with fresh_database(migrated) as database, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", database.url)
        result = run("db", "shell", "-XAtc", "SELECT current_database(), 6 * 7")
    assert result.exit_code == 0
    name, answer = capfd.readouterr().out.strip().split("|")
    assert name.startswith("fresh_")
    assert answer == "42"


def test_shell_runs_psql_on_the_embedded_database(
    run: Run, migrated: Database, short_dir: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VITRINE_DATA_DIR", str(short_dir))
    assert run("db", "shell", "-XAtc", "SELECT current_user, count(*) FROM alembic_version").exit_code == 0
    assert capfd.readouterr().out.strip() == "vitrine|1"


def test_shell_ends_as_psql_ended(run: Run, empty: Database, capfd: pytest.CaptureFixture[str]) -> None:
    assert run("db", "shell", "-Xc", "SELECT nonsense").exit_code == 1
    assert "nonsense" in capfd.readouterr().err


def test_shell_keeps_the_password_out_of_the_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}

    def record(command: list[str], env: dict[str, str], **options: Any) -> CompletedProcess[str]:
        seen.update(command=command, env=env)
        return CompletedProcess(command, 0)

    monkeypatch.setattr(db.subprocess, "run", record)
    db.run_psql(Path("/bin/psql"), "postgresql://me:hunter2@db.example/shop?sslmode=require", ())
    assert "hunter2" not in " ".join(seen["command"])
    assert seen["env"]["PGPASSWORD"] == "hunter2"
    assert "sslmode=require" in " ".join(seen["command"])


def test_a_dump_is_restored_as_the_docs_say(
    run: Run, shop: Database, migrated: Database, tmp_path: Path, named_model: Path
) -> None:
    """docs/operations.md, 'Backups', and the way to a new major version of Postgres."""
    with shop.connection() as connection:
        add_product(connection, "A-1", embedding=unit_vector(1, dimension=DIMENSION))
    dump = tmp_path / "vitrine.sql"
    pg_dump = [str(binaries() / "pg_dump"), "--no-owner", f"--file={dump}", shop.url]
    subprocess.run(pg_dump, check=True)
    with fresh_database(migrated) as restored, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", restored.url)
        patch.setattr(db, "find_psql", lambda is_embedded: binaries() / "psql")
        assert run("db", "shell", "-q", "-v", "ON_ERROR_STOP=1", "-f", str(dump)).exit_code == 0
        assert "already" in run("db", "upgrade").output
        with restored.connection() as connection:
            assert connection.execute("SELECT sku, vector_dims(embedding) FROM product").fetchall() == [
                ("A-1", DIMENSION)
            ]
