"""`vitrine doctor`: a sound shop, and each thing that can be wrong with one."""

import json
from collections import namedtuple
from pathlib import Path

import pytest

from server.catalog.image_store import ImageStore
from server.cli import checks
from server.db.engine import Database
from server.embedding.manifest import read_manifest
from tests.factories import add_image, add_model, add_product, noise, unit_vector
from tests.integration.cli.conftest import Run
from tests.tiny_model import DIMENSION, write_tiny_model

SHA = "ab" * 32
Usage = namedtuple("Usage", "total used free")


def examined(run: Run, exit_code: int) -> dict[str, tuple[str, str]]:
    """Check -> (status, message)."""
    result = run("doctor", "--json")
    assert result.exit_code == exit_code, result.output
    report = json.loads(result.output)
    assert report["healthy"] == (exit_code == 0)
    return {finding["check"]: (finding["status"], finding["message"]) for finding in report["checks"]}


def failed(report: dict[str, tuple[str, str]]) -> dict[str, str]:
    return {check: message for check, (status, message) in report.items() if status == "failed"}


def test_a_sound_shop_is_healthy(run: Run, shop: Database, tiny_model: Path, data_dir: Path) -> None:
    picture = noise(1)
    ImageStore(data_dir / "images").put(SHA, "image/png", picture)
    with shop.connection() as connection:
        model = add_model(connection, digest=read_manifest(tiny_model).digest, dimension=DIMENSION)
        add_image(connection, SHA, media_type="image/png", bytes=len(picture))
        add_product(connection, "A-1", image_sha256=SHA, embedding=unit_vector(1, DIMENSION), embedding_model=model)
    report = examined(run, 0)
    assert set(report) == {"settings", *checks.CHECKS}
    assert {check for check, (status, _) in report.items() if status != "ok"} <= {"free disk", "shared memory"}
    assert report["model runs"][1] == "Both towers run on cpu and give unit vectors."
    assert report["embeddings"][1] == "All 1 live products have one."
    assert report["pictures"][1] == "1 products looked at, every picture's file is there."


def test_the_report_for_people_has_a_line_for_each_check(run: Run, shop: Database, tiny_model: Path) -> None:
    lines = run("doctor").output.splitlines()
    assert len(lines) == len(checks.CHECKS) + 1
    assert lines[0].split() == ["ok", "settings", "All", "are", "valid."]


def test_bad_settings_end_it_with_what_to_set(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VITRINE_PORT", "eighty")
    report = examined(run, 1)
    assert list(report) == ["settings"]
    assert "VITRINE_PORT" in report["settings"][1]


def test_a_database_that_does_not_answer_leaves_the_other_checks_to_be_made(
    run: Run, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody:secret@127.0.0.1:1/nothing")
    report = examined(run, 1)
    assert list(failed(report)) == ["database"]
    assert "Check DATABASE_URL" in report["database"][1]
    assert "secret" not in report["database"][1]
    assert report["schema"] == ("skipped", "Not looked at, because the database was not reached.")
    assert report["model runs"][0] == "ok"


def test_an_empty_database_needs_an_upgrade(run: Run, empty: Database, tiny_model: Path) -> None:
    report = examined(run, 1)
    assert list(failed(report)) == ["schema"]
    assert "vitrine db upgrade" in report["schema"][1]
    assert report["embeddings"][0] == "skipped"


def test_a_damaged_model_file_is_named(run: Run, shop: Database, tiny_model: Path) -> None:
    with (tiny_model / "image.onnx").open("ab") as file:
        file.write(b"x")
    report = examined(run, 1)
    assert "image.onnx" in failed(report)["model files"]
    assert report["model runs"][0] == "skipped"


def test_a_missing_model_is_named(run: Run, shop: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VITRINE_MODEL", "absent")
    assert 'no model "absent"' in failed(examined(run, 1))["model files"]


def test_a_catalogue_whose_model_is_not_installed_names_it(run: Run, shop: Database, tiny_model: Path) -> None:
    with shop.connection() as connection:
        add_model(connection, name="older", digest="another", dimension=DIMENSION)
    report = failed(examined(run, 1))
    assert "embedded by the model older (1), which is not installed here" in report["model files"]


def test_the_databases_model_is_used_whatever_the_settings_name(
    run: Run, shop: Database, tiny_model: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tiny_model(data_dir / "models" / "large", name="large", image={"mean": [0.1, 0.1, 0.1]})
    with shop.connection() as connection:
        add_model(connection, name="tiny", digest=read_manifest(tiny_model).digest, dimension=DIMENSION)
    monkeypatch.setenv("VITRINE_MODEL", "large")
    report = examined(run, 0)
    assert report["model files"][1].startswith("tiny 1,")
    assert report["catalogue's model"][0] == "warning"
    assert "embedded by tiny (1), which is used" in report["catalogue's model"][1]
    assert "`vitrine models activate large`" in report["catalogue's model"][1]


def test_a_column_of_another_dimension_is_told(
    run: Run, migrated: Database, database: Database, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", migrated.url)
    assert f"vectors of {DIMENSION} numbers" in failed(examined(run, 1))["catalogue's model"]


def test_live_products_that_no_words_find_are_counted(run: Run, shop: Database, tiny_model: Path) -> None:
    with shop.connection() as connection:
        add_product(connection, "A-1")
        add_product(connection, "A-2", status="draft")
    assert failed(examined(run, 1))["embeddings"].startswith("1 of 1 live products have no embedding")


def test_lost_picture_files_are_told_with_their_products(run: Run, shop: Database, tiny_model: Path) -> None:
    with shop.connection() as connection:
        model = add_model(connection, digest=read_manifest(tiny_model).digest, dimension=DIMENSION)
        add_image(connection, SHA)
        for number in range(5):
            vector = unit_vector(number, DIMENSION)
            add_product(connection, f"A-{number}", image_sha256=SHA, embedding=vector, embedding_model=model)
    message = failed(examined(run, 1))["pictures"]
    assert message.startswith("5 of 5 products looked at have lost their picture's file (A-")
    assert ", ...)" in message


def test_a_data_directory_that_cannot_be_written_is_named(
    run: Run, shop: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("VITRINE_DATA_DIR", str(tmp_path / "file" / "data"))
    report = failed(examined(run, 1))
    assert "VITRINE_DATA_DIR" in report["data directory"]
    assert "cannot be written" in report["image store"]


def test_a_full_disk_is_a_warning(run: Run, shop: Database, tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks.shutil, "disk_usage", lambda path: Usage(10**10, 10**10, 5 * 10**8))
    status, message = examined(run, 0)["free disk"]
    assert status == "warning"
    assert message.startswith("Only 0.5 GB are free")


def test_the_shared_memory_of_a_container_is_looked_at_where_the_database_is_embedded(
    run: Run, migrated: Database, database: Database, short_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VITRINE_DATA_DIR", str(short_dir))
    monkeypatch.setattr(checks, "LEAST_SHARED_MEMORY", 10**18)
    result = run("doctor", "--json")
    report = {finding["check"]: finding for finding in json.loads(result.output)["checks"]}
    assert report["database"]["status"] == "ok"
    assert report["shared memory"]["status"] == "warning"
    assert "--shm-size=1g" in report["shared memory"]["message"]
