"""`vitrine models add` with ready pairs of graphs, which need no torch, and what can go wrong on the way."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from server.embedding.clip import ClipEncoder
from server.embedding.encoder import Vectors
from server.embedding.manifest import Manifest, read_manifest
from server.embedding.ort import open_tower
from server.errors import ModelError
from server.model_store import add, calibration, checkpoints, precision, ready
from tests.integration.cli.conftest import Run
from tests.ready_models import DIMENSION, SIZE, image_graph, text_graph, write_immich, write_transformers_js
from tests.tiny_model import CONTEXT, END, manifest_data, write_manifest, write_tiny_model

TEXTS = [
    "a",
    "red leather handbag",
    "blue shirt with stripes and more words than the context of twelve tokens can hold",
]


@pytest.fixture(autouse=True)
def small_calibration_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """Random weights are at chance on any number of pictures, and twenty are drawn in no time."""
    monkeypatch.setattr(add, "draw_set", lambda: calibration.draw_set(20))


@pytest.fixture
def pair(tmp_path: Path) -> Path:
    """A source in the layout of transformers.js."""
    return write_transformers_js(tmp_path / "source/Some-CLIP")


def installed(data_dir: Path, name: str) -> Manifest:
    return read_manifest(data_dir / "models" / name)


def names_in(folder: Path) -> list[str]:
    """What the models folder shows and hides, but for the lock of installations."""
    return sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []


def refused(run: Run, data_dir: Path, *arguments: str) -> str:
    """The sentence of a command that fails, after which no model is there."""
    before = names_in(data_dir / "models")
    result = run("models", "add", *arguments)
    assert result.exit_code == 2
    assert names_in(data_dir / "models") == before
    message = result.stderr.splitlines()[-1]
    assert message.startswith("Error: ")
    return message


def padded(encoder: ClipEncoder, graph: Path, text: str, **inputs: str) -> np.ndarray:
    """The text's unit vector as the source's own graph gives it, padded to the context and alone."""
    spec = encoder.manifest.text
    ids = encoder._ids(text)
    row = np.array([ids + [spec.pad_id] * (CONTEXT - len(ids))])
    feed = {inputs["name"]: row}
    if "mask" in inputs:
        feed[inputs["mask"]] = (np.arange(CONTEXT) < len(ids)).astype(np.int64)[None]
    vector = open_tower(graph, threads=1, inputs=tuple(feed), output=inputs["output"]).run(feed)[0]
    unit: np.ndarray = vector / np.linalg.norm(vector)
    return unit


def test_a_pair_for_transformers_js_is_installed_with_all_that_it_means(run: Run, data_dir: Path, pair: Path) -> None:
    result = run("models", "add", str(pair))
    assert result.exit_code == 0
    assert "Installed some-clip (32 numbers, int8)" in result.output
    model = installed(data_dir, "some-clip")
    assert (model.dimension, model.licence, model.source) == (DIMENSION, "mit", str(pair))
    assert (model.text.context_length, model.text.causal, model.text.end_token) == (CONTEXT, True, END)
    assert (model.image.size, model.image.resize, model.image.precision, model.text.precision) == (
        SIZE,
        "crop",
        "int8",
        "int8",
    )
    assert model.calibration is not None
    assert model.golden is not None
    assert {"recall", "recall_float32", "agreement", "chance"} <= set(model.measured)
    assert names_in(data_dir / "models") == ["some-clip"]
    assert {path.name for path in model.folder.iterdir()} == {
        "manifest.toml", "tokenizer.json", "text-int8.onnx", "image-int8.onnx",
    }  # fmt: skip


def test_in_float32_it_says_what_its_graphs_say(run: Run, data_dir: Path, pair: Path) -> None:
    assert run("models", "add", str(pair), "--precision", "float32", "--name", "exact").exit_code == 0
    encoder = ClipEncoder(installed(data_dir, "exact"))
    for text in TEXTS:
        right = padded(encoder, pair / "onnx/text_model.onnx", text, name="input_ids", output="text_embeds")
        assert float(right @ encoder.embed_text(text)) > 0.99999
    picture = Image.effect_noise((40, 30), 90).convert("RGB")
    tower = open_tower(pair / "onnx/vision_model.onnx", threads=1, inputs=("pixel_values",), output="image_embeds")
    vector = tower.run({"pixel_values": encoder.prepare(picture)[None]})[0]
    assert float(vector / np.linalg.norm(vector) @ encoder.embed_image(picture)) > 0.99999


def test_a_pair_of_immich_runs_padded_to_its_fixed_context(run: Run, data_dir: Path, tmp_path: Path) -> None:
    source = write_immich(tmp_path / "ViT-B-32__tiny")
    assert run("models", "add", str(source), "--precision", "float32").exit_code == 0
    encoder = ClipEncoder(installed(data_dir, "vit-b-32__tiny"))
    assert (encoder.manifest.text.causal, encoder.manifest.text.input) == (False, "text")
    for text in TEXTS:
        right = padded(encoder, source / "textual/model.onnx", text, name="text", output="text_embedding")
        assert float(right @ encoder.embed_text(text)) > 0.99999


def test_a_fixed_batch_of_one_is_filled_one_by_one(run: Run, data_dir: Path, tmp_path: Path) -> None:
    source = write_transformers_js(tmp_path / "one", batch=1, length=CONTEXT, image_batch=1)
    assert run("models", "add", str(source), "--precision", "float32").exit_code == 0
    encoder = ClipEncoder(installed(data_dir, "one"))
    assert (encoder.manifest.text.batch, encoder.manifest.image.batch, encoder.manifest.text.causal) == (1, 1, False)
    together = encoder.embed_texts(TEXTS)
    assert np.allclose(together, [encoder.embed_text(text) for text in TEXTS], atol=1e-6)
    pixels = [encoder.prepare(Image.effect_noise((20, 20), spread).convert("RGB")) for spread in (20, 60, 90)]
    assert np.allclose(encoder.embed_pixels(pixels), [encoder.embed_pixels([one])[0] for one in pixels], atol=1e-6)


def test_a_fixed_batch_of_more_is_filled_up(run: Run, data_dir: Path, tmp_path: Path) -> None:
    source = write_transformers_js(tmp_path / "four", batch=4, image_batch=4)
    assert run("models", "add", str(source), "--precision", "float32").exit_code == 0
    encoder = ClipEncoder(installed(data_dir, "four"))
    assert np.allclose(encoder.embed_texts(TEXTS * 2)[3:], [encoder.embed_text(text) for text in TEXTS], atol=1e-6)


def test_a_tower_with_a_mask_is_padded_and_gets_it(run: Run, data_dir: Path, tmp_path: Path) -> None:
    source = write_transformers_js(tmp_path / "masked", kind="siglip", causal=False)
    assert run("models", "add", str(source), "--precision", "float32").exit_code == 0
    encoder = ClipEncoder(installed(data_dir, "masked"))
    assert (encoder.manifest.text.causal, encoder.manifest.text.mask) == (False, "attention_mask")
    names = {"name": "input_ids", "mask": "attention_mask", "output": "text_embeds"}
    for text, together in zip(TEXTS, encoder.embed_texts(TEXTS), strict=True):
        right = padded(encoder, source / "onnx/text_model.onnx", text, **names)
        assert float(right @ encoder.embed_text(text)) > 0.99999
        assert float(right @ together) > 0.99999


def test_a_tower_that_only_claims_to_be_causal_is_padded(run: Run, data_dir: Path, tmp_path: Path) -> None:
    source = write_transformers_js(tmp_path / "claims", kind="clip", causal=False)
    text_graph(source / "onnx/text_model.onnx", 400, output="text_embeds", pads_matter=True)
    assert run("models", "add", str(source), "--precision", "float32").exit_code == 0
    assert not installed(data_dir, "claims").text.causal


def test_weights_beside_a_graph_are_kept_and_checked(run: Run, data_dir: Path, tmp_path: Path) -> None:
    source = write_transformers_js(tmp_path / "outside", external=True)
    assert run("models", "add", str(source), "--precision", "float32").exit_code == 0
    model = installed(data_dir, "outside")
    assert set(model.files) == {"text_model.onnx_data"}
    ClipEncoder(model).embed_text("mug")
    (model.folder / "text_model.onnx_data").write_bytes(b"other")
    with pytest.raises(ModelError, match=r"text_model\.onnx_data.*SHA-256 differs"):
        ClipEncoder(model).embed_text("mug")


def test_weights_of_a_graph_that_became_int8_do_not_stay(run: Run, data_dir: Path, tmp_path: Path) -> None:
    source = write_transformers_js(tmp_path / "outside", external=True)
    assert run("models", "add", str(source), "--precision", "int8").exit_code == 0
    model = installed(data_dir, "outside")
    assert model.files == {}
    assert not (model.folder / "text_model.onnx_data").exists()
    assert ClipEncoder(model).embed_text("mug").shape == (DIMENSION,)


def test_graphs_that_are_published_as_int8_stay_as_they_are(run: Run, data_dir: Path, tmp_path: Path) -> None:
    source = write_transformers_js(tmp_path / "small", variant="_quantized")
    assert run("models", "add", str(source)).exit_code == 0
    model = installed(data_dir, "small")
    assert (model.precision, model.text.file, model.text.precision) == ("int8", "text.onnx", "int8")
    assert (model.folder / "text.onnx").read_bytes() == (source / "onnx/text_model_quantized.onnx").read_bytes()


@pytest.mark.parametrize("digests", [True, False])
def test_any_pair_with_a_manifest_is_installed(run: Run, data_dir: Path, tmp_path: Path, digests: bool) -> None:
    source = write_tiny_model(tmp_path / "mine", licence="CC0")
    if not digests:
        write_manifest(
            source,
            manifest_data(source) | {"licence": "CC0"},
            {"sha256": None, "tokenizer_sha256": None},
            {"sha256": None},
        )
    assert run("models", "add", str(source), "--name", "other").exit_code == 0
    model = installed(data_dir, "other")
    assert (model.name, model.licence, model.revision) == ("other", "CC0", "1")


def test_a_digest_that_the_sources_manifest_gives_is_checked(run: Run, data_dir: Path, tmp_path: Path) -> None:
    source = write_tiny_model(tmp_path / "mine")
    with (source / "image.onnx").open("ab") as file:
        file.write(b"\0")
    assert "its SHA-256 differs" in refused(run, data_dir, str(source))


def test_without_onnx_a_ready_pair_stays_as_it_is(
    run: Run, data_dir: Path, pair: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precision, "can_quantise", lambda: False)
    result = run("models", "add", str(pair))
    assert "int8 needs the package onnx" in result.stderr
    assert installed(data_dir, "some-clip").precision == "float32"
    assert "vitrine[models]" in refused(run, data_dir, str(pair), "--precision", "int8", "--name", "again")


def test_a_checkpoint_without_the_extra_is_a_sentence(
    run: Run, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "EXTRA", ("torch_that_is_not_there",))
    (tmp_path / "checkpoint").mkdir()
    for name in ("config.json", "model.safetensors"):
        (tmp_path / "checkpoint" / name).write_text("{}", encoding="utf-8")
    assert "pip install 'vitrine[models]'" in refused(run, data_dir, str(tmp_path / "checkpoint"))


def test_a_truncated_graph_is_a_sentence(run: Run, data_dir: Path, pair: Path) -> None:
    graph = pair / "onnx/vision_model.onnx"
    graph.write_bytes(graph.read_bytes()[:5000])
    assert "image.onnx is not an ONNX graph" in refused(run, data_dir, str(pair))


def test_the_tokenizer_of_another_model_is_noticed(run: Run, data_dir: Path, pair: Path) -> None:
    text_graph(pair / "onnx/text_model.onnx", 5000, output="text_embeds")
    assert "but the text tower knows 5,000" in refused(run, data_dir, str(pair))
    text_graph(pair / "onnx/text_model.onnx", 200, output="text_embeds")
    assert "the tokenizer is that of another model" in refused(run, data_dir, str(pair))


def test_towers_of_two_models_are_noticed(run: Run, data_dir: Path, pair: Path) -> None:
    image_graph(pair / "onnx/vision_model.onnx", output="image_embeds", dimension=8)
    assert "do not belong together" in refused(run, data_dir, str(pair))


def test_a_preprocessor_of_another_size_is_noticed(run: Run, data_dir: Path, pair: Path) -> None:
    config = json.loads((pair / "preprocessor_config.json").read_text())
    sizes = {"size": {"shortest_edge": 20}, "crop_size": {"height": 20, "width": 20}}
    (pair / "preprocessor_config.json").write_text(json.dumps(config | sizes))
    assert "They do not belong together" in refused(run, data_dir, str(pair))


@pytest.mark.parametrize("missing", ["tokenizer.json", "preprocessor_config.json", "tokenizer_config.json"])
def test_a_missing_file_is_a_sentence(run: Run, data_dir: Path, pair: Path, missing: str) -> None:
    (pair / missing).unlink()
    assert missing in refused(run, data_dir, str(pair))


def test_a_folder_of_no_known_layout_lists_what_is_understood(run: Run, data_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "textual/model.onnx" in refused(run, data_dir, str(tmp_path / "empty"))


def test_a_name_is_given_once(run: Run, data_dir: Path, pair: Path) -> None:
    assert run("models", "add", str(pair)).exit_code == 0
    assert "vitrine models remove some-clip" in refused(run, data_dir, str(pair))
    assert "bundled model" in refused(run, data_dir, str(pair), "--name", "default")


@pytest.mark.parametrize("module", [ready, add])
def test_a_full_disk_leaves_nothing(
    run: Run, data_dir: Path, pair: Path, module: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    if module is ready:
        monkeypatch.setattr(shutil, "copyfile", full)
    else:
        monkeypatch.setattr(add, "write_manifest", full)
    assert "The disk is full" in refused(run, data_dir, str(pair))


class OtherModel:
    """The original of something else: implements `Original` with vectors of its own."""

    def token_ids(self, text: str) -> list[int]:
        return []

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        return np.eye(len(texts), DIMENSION, dtype=np.float32) + np.float32(0.1)

    def embed_images(self, images: Sequence[Image.Image]) -> Vectors:
        return np.eye(len(images), DIMENSION, dtype=np.float32) + np.float32(0.1)


def test_graphs_that_differ_from_their_original_are_not_installed(
    run: Run, data_dir: Path, pair: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = add.make_draft
    monkeypatch.setattr(add, "make_draft", lambda *given: replace(make(*given), original=OtherModel()))
    assert "differ from the checkpoint" in refused(run, data_dir, str(pair))


def test_what_a_killed_run_left_is_removed_by_the_next_one(run: Run, data_dir: Path, pair: Path) -> None:
    environment = os.environ | {"VITRINE_DATA_DIR": str(data_dir)}
    command = [sys.executable, "-m", "server.cli", "models", "add", str(pair), "--name", "killed"]
    folder = data_dir / "models"
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 60
        while not list(folder.glob(".installing-killed-*/text.onnx")):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
    (left,) = folder.glob(".installing-killed-*")
    rows = json.loads(run("models", "list", "--json").output)
    assert [row["name"] for row in rows] == ["default"]
    assert run("models", "add", str(pair), "--name", "second").exit_code == 0
    assert not left.exists()
    assert names_in(folder) == ["second"]


def test_a_run_that_lives_keeps_its_folder(run: Run, data_dir: Path, pair: Path) -> None:
    with add.staging(data_dir / "models", "slow") as stage:
        assert run("models", "add", str(pair)).exit_code == 0
        assert stage.folder.is_dir()
    assert names_in(data_dir / "models") == ["some-clip"]
