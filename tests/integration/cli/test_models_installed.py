"""`vitrine models show`, `verify` and `remove`."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from server.db.engine import Database
from server.embedding.files import sha256_of
from server.embedding.manifest import read_manifest
from server.errors import ModelError
from server.model_store import add, calibration, checkpoints, verify
from server.model_store.draft import Draft
from server.model_store.sources import Fetched
from tests.integration.cli.conftest import Run
from tests.ready_models import write_transformers_js


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_transformers_js(tmp_path / "source/pair")


@pytest.fixture(autouse=True)
def small_calibration_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(add, "draw_set", lambda: calibration.draw_set(20))


@pytest.fixture
def model(run: Run, data_dir: Path, source: Path) -> Path:
    """The folder of an installed model in float32."""
    assert run("models", "add", str(source), "--precision", "float32").exit_code == 0
    return data_dir / "models/pair"


def checks(run: Run, *arguments: str, exit_code: int = 0) -> dict[str, dict[str, Any]]:
    result = run("models", "verify", "pair", "--json", *arguments)
    assert result.exit_code == exit_code
    answer = json.loads(result.stdout)
    assert answer["ok"] == (exit_code == 0)
    return {check["name"]: check for check in answer["checks"]}


def test_show_tells_all_that_the_manifest_says(run: Run, model: Path) -> None:
    shown = json.loads(run("models", "show", "pair", "--json").stdout)
    manifest = read_manifest(model)
    assert shown["digest"] == manifest.digest
    assert shown["image"]["mean"] == [0.5, 0.4, 0.3]
    assert shown["sizes"]["text.onnx"] == (model / "text.onnx").stat().st_size
    table = run("models", "show", "pair").stdout
    assert "text.end_token" in table
    assert "<|endoftext|>" in table


def test_show_of_a_model_that_is_not_there_lists_those_that_are(run: Run, model: Path) -> None:
    result = run("models", "show", "absent")
    assert result.exit_code == 2
    assert 'No model "absent" is installed. There are: default, pair.' in result.stderr


def test_a_model_that_is_as_it_was_installed_passes(run: Run, model: Path) -> None:
    found = checks(run)
    assert found["golden texts"]["value"] == pytest.approx(1, abs=1e-6)
    assert found["golden pictures"]["value"] == pytest.approx(1, abs=1e-6)
    assert found["golden token ids"]["ok"]
    assert "ok" in run("models", "verify", "pair").stdout


def test_verify_compares_with_a_source(run: Run, model: Path, source: Path) -> None:
    found = checks(run, "--against", str(source))
    assert found["original, text"]["value"] > 0.99999
    assert found["original, image"]["value"] > 0.99999


def test_what_a_killed_verification_left_goes_with_the_next(
    run: Run, model: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Path] = []
    original = verify.make_draft

    def make_draft(fetched: Fetched, name: str, into: Path) -> Draft:
        made.append(into)
        return original(fetched, name, into)

    monkeypatch.setattr(verify, "make_draft", make_draft)
    checks(run, "--against", str(source))
    assert made[0].parent == model.parent
    # A kill lets go of the lock and removes nothing.
    made[0].mkdir()
    (made[0] / ".lock").touch()
    (made[0] / "text.onnx").write_bytes(b"large")
    checks(run, "--against", str(source))
    assert not any(folder.exists() for folder in made)


def test_a_ready_pair_is_compared_with_its_folder_also_without_torch(
    run: Run, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "EXTRA", ("torch_that_is_not_there",))
    assert checks(run)["original, text"]["value"] > 0.99999


@pytest.mark.parametrize("change", ["emptied", "removed", "changed"])
def test_an_original_that_is_no_longer_what_was_installed_is_not_at_hand(
    run: Run, model: Path, source: Path, change: str
) -> None:
    if change == "changed":
        write_transformers_js(source, pads_matter=True)
    else:
        shutil.rmtree(source)
    if change == "emptied":
        source.mkdir()
    found = checks(run)["original"]
    assert found["ok"] is None
    assert "not at hand" in found["note"]


def test_an_original_that_cannot_be_unpacked_makes_no_model_wrong(
    run: Run, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> Draft:
        raise ModelError("The checkpoint cannot be converted.")

    monkeypatch.setattr(verify, "make_draft", fail)
    assert checks(run)["original"] == {
        "name": "original", "ok": None, "value": None, "least": None, "note": "The checkpoint cannot be converted.",
    }  # fmt: skip


def test_an_int8_pair_is_judged_by_what_it_was_when_it_was_installed(run: Run, data_dir: Path, source: Path) -> None:
    assert run("models", "add", str(source), "--name", "small", "--precision", "int8").exit_code == 0
    measured = read_manifest(data_dir / "models/small").measured
    result = json.loads(run("models", "verify", "small", "--json").stdout)
    found = {check["name"]: check for check in result["checks"]}
    for tower in ("text", "image"):
        check = found[f"original, {tower}"]
        assert check["least"] == pytest.approx(measured[f"parity_{tower}"] - 0.005, abs=1e-6)
        assert check["ok"]


def test_verify_notices_another_original(run: Run, model: Path, tmp_path: Path) -> None:
    other = write_transformers_js(tmp_path / "other", pads_matter=True)
    found = checks(run, "--against", str(other), exit_code=2)
    assert found["original, text"]["ok"] is False
    assert found["original, image"]["ok"] is True


@pytest.mark.parametrize("name", ["text.onnx", "image.onnx", "tokenizer.json"])
def test_verify_notices_a_changed_file(run: Run, model: Path, name: str) -> None:
    with (model / name).open("ab") as file:
        file.write(b" ")
    assert checks(run, exit_code=2)[f"sha256 of {name}"]["ok"] is False
    assert "its SHA-256 differs" in run("models", "verify", "pair").stderr


def test_verify_notices_graphs_that_say_something_else(run: Run, model: Path) -> None:
    """As a runtime with a mistake would: the files are those of the manifest, the vectors are not the golden ones."""
    text = (model / "manifest.toml").read_text(encoding="utf-8")
    before = read_manifest(model)
    assert before.golden is not None
    first = str(before.golden.text_vectors[0][0])
    (model / "manifest.toml").write_text(text.replace(first, "0.9", 1), encoding="utf-8")
    found = checks(run, exit_code=2)
    assert found["golden texts"]["ok"] is False
    assert found["golden pictures"]["ok"] is True


def test_verify_notices_a_tokenizer_that_cuts_otherwise(run: Run, model: Path) -> None:
    text = (model / "manifest.toml").read_text(encoding="utf-8")
    (model / "manifest.toml").write_text(
        text.replace("token_ids = [\n  [1, ", "token_ids = [\n  [2, "), encoding="utf-8"
    )
    assert checks(run, exit_code=2)["golden token ids"]["ok"] is False


def test_verify_notices_a_graph_that_does_not_load(run: Run, model: Path) -> None:
    """The manifest describes the broken file exactly, so that its digest is right."""
    graph = model / "text.onnx"
    text = (model / "manifest.toml").read_text(encoding="utf-8")
    before = read_manifest(model).text.sha256
    graph.write_bytes(graph.read_bytes()[:4000])
    (model / "manifest.toml").write_text(text.replace(before, sha256_of(graph)), encoding="utf-8")
    assert checks(run, exit_code=2)["tokenizer"]["ok"] is False


def test_a_model_without_golden_vectors_is_not_called_wrong(run: Run, tiny_model: Path) -> None:
    result = run("models", "verify", "tiny", "--json")
    assert result.exit_code == 0
    rows = {check["name"]: check["ok"] for check in json.loads(result.stdout)["checks"]}
    assert rows["golden vectors"] is None


def test_remove_deletes_the_folder(run: Run, model: Path) -> None:
    assert run("models", "remove", "pair").exit_code == 0
    assert not model.exists()
    assert run("models", "remove", "pair").exit_code == 2


def test_a_broken_model_can_be_removed(run: Run, data_dir: Path) -> None:
    (data_dir / "models/broken").mkdir(parents=True)
    assert run("models", "remove", "broken").exit_code == 0


def test_the_bundled_model_stays(run: Run) -> None:
    result = run("models", "remove", "default")
    assert result.exit_code == 2
    assert "bundled" in result.stderr


@pytest.mark.parametrize("state", ["active", "previous", "candidate"])
def test_a_model_whose_vectors_the_database_holds_stays(run: Run, model: Path, shop: Database, state: str) -> None:
    manifest = read_manifest(model)
    with shop.connection() as connection:
        connection.execute(
            "INSERT INTO embedding_model (name, revision, precision, dimension, digest, state) "
            "VALUES ('pair', '1', 'float32', 32, %s, %s)",
            (manifest.digest, state),
        )
    result = run("models", "remove", "pair")
    assert result.exit_code == 2
    assert f"the {state} model of the database" in result.stderr
    assert model.is_dir()


def test_a_database_without_tables_holds_no_vectors(
    run: Run, model: Path, empty: Database, caplog: pytest.LogCaptureFixture
) -> None:
    result = run("models", "remove", "pair")
    assert (result.exit_code, result.stderr, caplog.records) == (0, "", [])
    assert not model.exists()


def test_a_database_of_an_older_version_is_said_not_to_have_been_asked(
    run: Run, model: Path, empty: Database, caplog: pytest.LogCaptureFixture
) -> None:
    with empty.connection() as connection:
        connection.execute("CREATE TABLE embedding_model (name text)")
    result = run("models", "remove", "pair")
    assert "was not asked whether it uses the model: The database is not ready" in result.stderr
    assert caplog.records == []


def test_a_database_that_does_not_answer_is_not_asked(run: Run, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:9/none?connect_timeout=1")
    result = run("models", "remove", "pair")
    assert result.exit_code == 0
    assert "was not asked" in result.stderr
    assert not model.exists()
