"""What SQL cannot compute is refused in a sentence, never approximated."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tokenizers import normalizers

from server.embedding.manifest import Manifest
from server.embedding.registry import read_complete
from server.errors import ModelError
from server.sql_tower.architecture import read_tower
from server.sql_tower.tokens import read_tokens
from tests.tiny_model import write_tiny_model


def normalise(text: str, form: str) -> str:
    """A database whose Unicode is the library's."""
    made: str = getattr(normalizers, form)().normalize_str(text)
    return made


def changed(folder: Path, into: Path, change: Callable[[dict[str, Any]], object]) -> Manifest:
    """The bundled model with another tokenizer.json."""
    shutil.copytree(folder, into)
    path = into / "tokenizer.json"
    said = json.loads(path.read_text(encoding="utf-8"))
    change(said)
    path.write_text(json.dumps(said), encoding="utf-8")
    return read_complete(into)


CHANGES: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "normaliser": (lambda said: said.update(normalizer={"type": "StripAccents"}), "StripAccents"),
    "regex": (
        lambda said: said["normalizer"]["normalizers"][2].update(pattern={"Regex": "[a-f]+"}),
        r"regular expression that is not known here \(\[a-f\]\+\)",
    ),
    "cut": (lambda said: said.update(pre_tokenizer={"type": "Whitespace"}), "does not cut texts into bytes"),
    "dropout": (lambda said: said["model"].update(ignore_merges=True), "it uses ignore_merges"),
    "frame": (lambda said: said.update(post_processor=None), "frames texts in a way that is not known"),
    "words": (
        lambda said: said["added_tokens"].append(said["added_tokens"][0] | {"content": "zz", "special": False}),
        "added tokens that are words",
    ),
    "order": (lambda said: said["model"]["merges"].reverse(), "not in the order in which they were learned"),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_a_tokenizer_with_an_unknown_part(bundled_folder: Path, tmp_path: Path, name: str) -> None:
    change, sentence = CHANGES[name]
    manifest = changed(bundled_folder, tmp_path / "model", change)
    with pytest.raises(ModelError, match=rf"^The tokenizer of vitrine-small cannot be computed in SQL: .*{sentence}"):
        read_tokens(manifest, normalise)


def test_a_tower_that_is_not_causal_or_takes_a_mask(bundled_folder: Path) -> None:
    manifest = read_complete(bundled_folder)
    for spec, sentence in (({"causal": False}, "padded"), ({"mask": "attention_mask"}, "takes a mask")):
        with pytest.raises(ModelError, match=f"text tower of vitrine-small cannot be computed in SQL: .*{sentence}"):
            read_tower(replace(manifest, text=replace(manifest.text, **spec)))


def test_a_tower_of_another_architecture(tmp_path: Path) -> None:
    manifest = read_complete(write_tiny_model(tmp_path / "tiny"))
    with pytest.raises(ModelError, match="text tower of tiny cannot be computed in SQL: its output is no product"):
        read_tower(manifest)


def test_a_tower_whose_weights_do_not_give_the_graph_s_vectors(
    bundled_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.sql_tower.tower.TextTower._attend", lambda self, inward: inward[:, : self.width])
    with pytest.raises(ModelError, match="computed from its weights, vectors differ from the graph's"):
        read_tower(read_complete(bundled_folder))


def test_what_is_no_graph(bundled_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(bundled_folder, tmp_path / "model")
    (tmp_path / "model" / "text.onnx").write_bytes(b"no graph at all")
    with pytest.raises(ModelError, match=r"text.onnx cannot be read as an ONNX graph"):
        read_tower(read_complete(tmp_path / "model"))


def test_a_graph_whose_nodes_lack_what_they_should_have(bundled_folder: Path, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx", reason="needs the package onnx: pip install 'vitrine[models]'")
    shutil.copytree(bundled_folder, tmp_path / "model")
    path = tmp_path / "model" / "text.onnx"
    graph = onnx.load(str(path))
    for node in graph.graph.node:
        if node.op_type == "LayerNormalization":
            del node.input[1:]
    onnx.save(graph, str(path))
    with pytest.raises(ModelError, match="laid out in a way that is not known here"):
        read_tower(read_complete(tmp_path / "model"))
