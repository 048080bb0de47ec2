from pathlib import Path

import pytest

from server import resources
from server.embedding.registry import find_model, list_models, load_encoder
from server.errors import ModelError
from server.settings import Settings, load_settings
from tests.tiny_model import write_tiny_model


@pytest.fixture(autouse=True)
def bundled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "bundled"
    monkeypatch.setattr(resources, "DEFAULT_MODEL", folder)
    return folder


def settings_for(tmp_path: Path, model: str = "default") -> Settings:
    return load_settings(VITRINE_DATA_DIR=tmp_path / "data", VITRINE_MODEL=model, VITRINE_TOWER_THREADS=1)


def test_default_is_the_bundled_model_even_beside_a_folder_of_that_name(tmp_path: Path, bundled: Path) -> None:
    write_tiny_model(bundled)
    write_tiny_model(tmp_path / "data/models/default")
    assert find_model(settings_for(tmp_path)) == bundled
    assert [model.name for model in list_models(settings_for(tmp_path))] == ["default"]


def test_a_name_is_looked_for_in_the_models_folder(tmp_path: Path) -> None:
    folder = write_tiny_model(tmp_path / "data/models/large")
    assert find_model(settings_for(tmp_path, "large")) == folder


def test_a_path_is_taken_as_it_is(tmp_path: Path) -> None:
    folder = write_tiny_model(tmp_path / "elsewhere/mine")
    assert find_model(settings_for(tmp_path, str(folder))) == folder


def test_a_model_that_is_not_there_lists_those_that_are(tmp_path: Path, bundled: Path) -> None:
    write_tiny_model(bundled)
    write_tiny_model(tmp_path / "data/models/large")
    (tmp_path / "data/models/empty").mkdir()
    with pytest.raises(ModelError, match=r'There is no model "huge"\. There are: default, large\. Set VITRINE_MODEL'):
        find_model(settings_for(tmp_path, "huge"))


def test_without_any_model_the_sentence_says_so(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="No model is installed"):
        find_model(settings_for(tmp_path))


def test_the_list_shows_what_is_wrong_with_each_model(tmp_path: Path, bundled: Path) -> None:
    models = tmp_path / "data/models"
    write_tiny_model(bundled)
    write_tiny_model(models / "good")
    write_tiny_model(models / "half")
    (models / "half/image.onnx").unlink()
    (models / "empty").mkdir()
    (models / ".installing").mkdir()
    rows = {row.name: row for row in list_models(settings_for(tmp_path))}
    assert list(rows) == ["default", "empty", "good", "half"]
    assert rows["good"].manifest is not None
    assert rows["good"].problem is None
    assert rows["half"].manifest is None
    assert "image.onnx missing" in (rows["half"].problem or "")
    assert "There is no manifest.toml" in (rows["empty"].problem or "")


def test_the_encoder_of_the_settings_embeds(tmp_path: Path, bundled: Path) -> None:
    write_tiny_model(bundled)
    encoder = load_encoder(settings_for(tmp_path))
    assert encoder.embed_text("blue shirt").shape == (encoder.manifest.dimension,)


def test_an_incomplete_model_is_refused_before_the_first_query(tmp_path: Path, bundled: Path) -> None:
    write_tiny_model(bundled)
    (bundled / "text.onnx").unlink()
    with pytest.raises(ModelError, match=r"not complete: text\.onnx missing"):
        load_encoder(settings_for(tmp_path))
