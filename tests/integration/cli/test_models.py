"""`vitrine models list`."""

import json
from pathlib import Path

import pytest

from server.db.engine import Database
from server.embedding.manifest import read_manifest
from tests.factories import add_model
from tests.integration.cli.conftest import Run
from tests.tiny_model import DIMENSION


def listed(run: Run) -> dict[str, dict[str, object]]:
    result = run("models", "list", "--json")
    assert result.exit_code == 0
    return {row["name"]: row for row in json.loads(result.output)}


def test_a_model_is_listed_with_its_dimension_precision_and_size(run: Run, tiny_model: Path) -> None:
    row = listed(run)["tiny"]
    assert (row["dimension"], row["precision"], row["problem"], row["chosen"]) == (DIMENSION, "fp32", None, True)
    files = [tiny_model / name for name in ("text.onnx", "image.onnx", "tokenizer.json")]
    assert row["size_bytes"] == sum(file.stat().st_size for file in files)


def test_a_model_without_its_files_is_listed_with_what_is_missing(run: Run, named_model: Path) -> None:
    assert "image.onnx missing" in str(listed(run)["paper"]["problem"])


def test_the_bundled_model_is_always_listed(run: Run) -> None:
    assert "default" in listed(run)


def test_a_model_that_the_settings_name_and_is_not_there_is_no_failure(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VITRINE_MODEL", "absent")
    assert not any(row["chosen"] for row in listed(run).values())


def test_the_table_marks_the_model_of_the_settings(run: Run, tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    result = run("models", "list")
    assert result.exit_code == 0
    (line,) = (line for line in result.output.splitlines() if "tiny" in line)
    assert line.strip().startswith("*")
    assert str(DIMENSION) in line


@pytest.mark.parametrize("state", ["active", "previous", "candidate", "retired"])
def test_what_the_database_does_with_a_model_is_listed(
    run: Run, tiny_model: Path, shop: Database, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with shop.connection() as connection:
        add_model(connection, name="tiny", digest=read_manifest(tiny_model).digest, dimension=DIMENSION, state=state)
    expected = None if state == "retired" else state
    assert {name: row["state"] for name, row in listed(run).items()} == {"default": None, "tiny": expected}
    monkeypatch.setenv("COLUMNS", "200")
    (line,) = (line for line in run("models", "list").output.splitlines() if "tiny" in line)
    assert (state in line.split()) == (expected is not None)


def test_a_listing_needs_no_database(run: Run, tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert listed(run)["tiny"]["state"] is None
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:9/none?connect_timeout=1")
    result = run("models", "list")
    assert result.exit_code == 0
    assert "tiny" in result.stdout
    assert "The database was not asked which models it uses" in result.stderr


def test_a_listing_needs_no_tables(run: Run, tiny_model: Path, empty: Database) -> None:
    result = run("models", "list")
    assert (result.exit_code, result.stderr, "tiny" in result.stdout) == (0, "", True)
