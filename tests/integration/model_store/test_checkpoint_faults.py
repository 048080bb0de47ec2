"""Checkpoints that must not be converted: each is refused in a sentence."""

import importlib.util
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="needs torch: pip install 'vitrine[models]'")
pytest.importorskip("transformers", reason="needs transformers: pip install 'vitrine[models]'")

from safetensors.torch import load_file, save_file

from server.errors import ModelError
from server.model_store import checkpoints
from server.model_store.add import make_draft
from server.model_store.checkpoints import convert_checkpoint, loading
from server.model_store.sources import fetch
from tests.reference_models import SMALL_CLIP, write_clip_checkpoint, write_json, write_siglip_checkpoint


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("faults") / "clip"
    write_clip_checkpoint(folder, config=SMALL_CLIP)
    return folder


@pytest.fixture(scope="module")
def siglip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("faults") / "siglip"
    write_siglip_checkpoint(folder)
    return folder


def edit(folder: Path, name: str, change: Callable[[dict[str, Any]], object]) -> None:
    data = json.loads((folder / name).read_text(encoding="utf-8"))
    change(data)
    write_json(folder / name, data)


def lose_a_weight(folder: Path) -> None:
    state = load_file(folder / "model.safetensors")
    del state["visual_projection.weight"]
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})


def cut_off(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def lose_the_tokenizer(folder: Path) -> None:
    for name in ("tokenizer.json", "vocab.json", "merges.txt", "tokenizer_config.json"):
        (folder / name).unlink()


FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "another kind": (lambda f: edit(f, "config.json", lambda d: d.update(model_type="blip")), 'type "blip" cannot be'),
    "no kind": (
        lambda f: edit(f, "config.json", lambda d: d.pop("model_type")),
        "does not say of which type the model is",
    ),
    "own code for the model": (
        lambda f: edit(f, "config.json", lambda d: d.update(auto_map={"AutoModel": "theirs.Theirs"})),
        r"needs Python code that it brings along \(auto_map in config\.json\)",
    ),
    "own code for pictures": (
        lambda f: edit(
            f,
            "preprocessor_config.json",
            lambda d: d.update(image_processor_type="Theirs", auto_map={"AutoImageProcessor": "theirs.Theirs"}),
        ),
        r"auto_map in preprocessor_config\.json",
    ),
    "own code for texts": (
        lambda f: edit(
            f,
            "tokenizer_config.json",
            lambda d: d.update(tokenizer_class="Theirs", auto_map={"AutoTokenizer": ["theirs.Theirs", None]}),
        ),
        r"auto_map in tokenizer_config\.json",
    ),
    "NaFlex": (lambda f: edit(f, "config.json", lambda d: d.update(model_type="siglip2")), "NaFlex"),
    "no config": (lambda f: (f / "config.json").unlink(), "has no config.json"),
    "no JSON": (lambda f: (f / "config.json").write_text("{"), "config.json is not JSON that can be read"),
    "no weights": (lambda f: (f / "model.safetensors").unlink(), "weights cannot be read"),
    "half the weights": (cut_off, "weights cannot be read"),
    "a weight missing": (lose_a_weight, "lacks 1 of the model's weights, visual_projection.weight"),
    "no tokenizer": (lose_the_tokenizer, "has no tokenizer"),
    "no preprocessor": (lambda f: (f / "preprocessor_config.json").unlink(), "has no preprocessor_config.json"),
    "pixels of another": (
        lambda f: edit(f, "preprocessor_config.json", lambda d: d.update(size={"shortest_edge": 32}, crop_size=32)),
        "prepares pictures of 32 pixels for a tower that takes 64",
    ),
    "padding left": (
        lambda f: edit(f, "tokenizer_config.json", lambda d: d.update(padding_side="left")),
        "pads texts on the left",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_damaged_or_foreign_checkpoint_is_refused_in_a_sentence(fault: str, clip: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(clip, tmp_path / "clip")
    (tmp_path / "onnx").mkdir()
    damage, words = FAULTS[fault]
    damage(folder)
    with pytest.raises(ModelError, match=words) as caught:
        convert_checkpoint(folder, "transformers", tmp_path / "onnx")
    assert caught.value.message.endswith(".")
    assert list((tmp_path / "onnx").iterdir()) == []


def test_the_tokenizer_of_another_model_is_refused(clip: Path, siglip: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(clip, tmp_path / "clip")
    for name in ("tokenizer.json", "vocab.json", "merges.txt", "tokenizer_config.json"):
        (folder / name).unlink()
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(siglip / name, folder / name)
    with pytest.raises(ModelError, match="ends a text with token 1, but its text tower reads it at token"):
        convert_checkpoint(folder, "transformers", tmp_path)
    folder = shutil.copytree(siglip, tmp_path / "siglip")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(clip / name, folder / name)
    with pytest.raises(ModelError, match="but its text tower knows 1,200: the tokenizer is that of another model"):
        convert_checkpoint(folder, "transformers", tmp_path)


def test_modules_behind_the_towers_are_refused(clip: Path, tmp_path: Path) -> None:
    shutil.copytree(clip, tmp_path / "0_CLIPModel")
    modules = [
        {"path": "0_CLIPModel", "type": "sentence_transformers.models.CLIPModel"},
        {"path": "1_Dense", "type": "sentence_transformers.models.Dense"},
    ]
    (tmp_path / "modules.json").write_text(json.dumps(modules), encoding="utf-8")
    with pytest.raises(ModelError, match="puts Dense behind its towers"):
        convert_checkpoint(tmp_path, "sentence-transformers", tmp_path)
    modules = [{"path": "../elsewhere", "type": "sentence_transformers.models.CLIPModel"}]
    (tmp_path / "modules.json").write_text(json.dumps(modules), encoding="utf-8")
    with pytest.raises(ModelError, match="points outside its own folder"):
        convert_checkpoint(tmp_path, "sentence-transformers", tmp_path)


@pytest.mark.parametrize("first", ["custom_st.Transformer", "sentence_transformers.models.Pooling"])
def test_a_first_module_that_holds_no_towers_is_refused(clip: Path, tmp_path: Path, first: str) -> None:
    shutil.copytree(clip, tmp_path / "clip")
    (tmp_path / "clip/modules.json").write_text(json.dumps([{"path": "", "type": first}]), encoding="utf-8")
    with pytest.raises(ModelError, match=f"modules.json begins with {first}"):
        convert_checkpoint(tmp_path / "clip", "sentence-transformers", tmp_path)


def test_modules_are_read_where_they_stand_beside_the_checkpoint(clip: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(clip, tmp_path / "clip")
    modules = [
        {"path": "", "type": "sentence_transformers.models.CLIPModel"},
        {"path": "1_Dense", "type": "sentence_transformers.models.Dense"},
    ]
    (folder / "modules.json").write_text(json.dumps(modules), encoding="utf-8")
    with pytest.raises(ModelError, match="puts Dense behind its towers"):
        make_draft(fetch(str(folder)), "clip", tmp_path)
    (folder / "modules.json").write_text(json.dumps(modules[:1]), encoding="utf-8")
    assert make_draft(fetch(str(folder)), "clip", tmp_path).manifest["text"]["causal"]


def test_no_code_of_a_source_is_run_nor_asked_for(clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the configuration that names the code is not one of those that are looked at."""
    folder = shutil.copytree(clip, tmp_path / "clip")
    (folder / "theirs.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass Theirs: pass\n", encoding="utf-8")
    edit(folder, "preprocessor_config.json", lambda d: d.update(auto_map={"AutoImageProcessor": "theirs.Theirs"}))
    edit(folder, "preprocessor_config.json", lambda d: d.update(image_processor_type="Theirs"))
    monkeypatch.setattr(loading, "refuse_own_code", lambda _: None)
    monkeypatch.setattr("builtins.input", lambda *_: pytest.fail("asked whether to run the code"))
    with pytest.raises(ModelError, match="image processor cannot be loaded"):
        convert_checkpoint(folder, "transformers", tmp_path)
    assert not (tmp_path / "ran").exists()


def test_a_tokenizer_file_that_says_something_else_than_the_tokenizer_gives_way_to_it(
    clip: Path, tmp_path: Path
) -> None:
    """transformers reads vocabulary and merges of tokenizer.json, and sets the rest up as CLIP's."""
    folder = shutil.copytree(clip, tmp_path / "clip")
    edit(folder, "tokenizer.json", lambda data: data.update(normalizer=None))
    (tmp_path / "onnx").mkdir()
    draft = convert_checkpoint(folder, "transformers", tmp_path / "onnx")
    assert json.loads((draft.folder / "tokenizer.json").read_text(encoding="utf-8"))["normalizer"] is not None


def test_a_tokenizer_that_no_file_repeats_is_refused_with_the_text_that_shows_it(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from server.model_store.checkpoints.original import TorchOriginal

    own = TorchOriginal.token_ids
    monkeypatch.setattr(TorchOriginal, "token_ids", lambda self, text: [*own(self, text), *([7] * ("&amp;" in text))])
    with pytest.raises(ModelError, match=r"cannot be repeated exactly: the text '<b>sale</b> &amp; more"):
        convert_checkpoint(clip, "transformers", tmp_path)
    assert not (tmp_path / "tokenizer.json").exists()


def test_without_the_extra_a_sentence_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def find_spec(name: str) -> object:
        return None if name == "torch" else importlib.util.find_spec(name)

    monkeypatch.setattr(checkpoints, "find_spec", find_spec)
    with pytest.raises(ModelError, match=r"needs torch: pip install 'vitrine\[models\]'\."):
        convert_checkpoint(tmp_path, "transformers", tmp_path)
