"""`vitrine models add`: what can go wrong on the way. A sentence each, and nothing half installed."""

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
from huggingface_hub import constants
from PIL import Image

from server.embedding.encoder import Vectors
from server.embedding.manifest import read_manifest
from server.model_store import add, calibration, checkpoints, install, precision, ready
from tests.hub_server import serve_hub
from tests.integration.cli.conftest import Run
from tests.ready_models import DIMENSION, image_graph, text_graph, write_transformers_js
from tests.tiny_model import write_tiny_model


@pytest.fixture(autouse=True)
def small_calibration_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(add, "draw_set", lambda: calibration.draw_set(20))


@pytest.fixture
def pair(tmp_path: Path) -> Path:
    """A source in the layout of transformers.js."""
    return write_transformers_js(tmp_path / "source/Some-CLIP")


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


def test_a_digest_that_the_sources_manifest_gives_is_checked(run: Run, data_dir: Path, tmp_path: Path) -> None:
    source = write_tiny_model(tmp_path / "mine")
    with (source / "image.onnx").open("ab") as file:
        file.write(b"\0")
    assert "its SHA-256 differs" in refused(run, data_dir, str(source))


def test_a_sources_manifest_that_is_not_valid_is_named_after_the_model(
    run: Run, data_dir: Path, tmp_path: Path
) -> None:
    source = write_tiny_model(tmp_path / "mine", image={"resize": "stretch"})
    message = refused(run, data_dir, str(source))
    assert 'manifest.toml of the model "mine" is not valid' in message
    assert ".installing" not in message


def test_a_precision_that_no_manifest_may_have_is_refused(run: Run, data_dir: Path, tmp_path: Path) -> None:
    source = write_tiny_model(tmp_path / "mine", precision="int8 dynamic")
    assert "Write float32, float16 or int8" in refused(run, data_dir, str(source))


def test_a_manifest_that_cannot_be_read_again_is_not_installed(
    run: Run, data_dir: Path, pair: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(add, "precision_in_words", lambda _: "")
    assert 'manifest.toml of the model "some-clip" is not valid' in refused(run, data_dir, str(pair))


def test_without_onnx_a_ready_pair_stays_as_it_is(
    run: Run, data_dir: Path, pair: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precision, "can_quantise", lambda: False)
    result = run("models", "add", str(pair))
    assert "int8 needs the package onnx" in result.stderr
    assert read_manifest(data_dir / "models/some-clip").precision == "float32"
    assert "vitrine[models]" in refused(run, data_dir, str(pair), "--precision", "int8", "--name", "again")


def test_a_checkpoint_without_the_extra_is_a_sentence(
    run: Run, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "EXTRA", ("torch_that_is_not_there",))
    (tmp_path / "checkpoint").mkdir()
    for name in ("config.json", "model.safetensors"):
        (tmp_path / "checkpoint" / name).write_text("{}", encoding="utf-8")
    assert "pip install 'vitrine[models]'" in refused(run, data_dir, str(tmp_path / "checkpoint"))


@pytest.mark.parametrize(("variant", "precision"), [("_quantized", "float32"), ("_fp16", "float32"), ("_fp16", "int8")])
def test_a_precision_that_cannot_be_made_of_what_is_published_is_refused(
    run: Run, data_dir: Path, tmp_path: Path, variant: str, precision: str
) -> None:
    source = write_transformers_js(tmp_path / "small", variant=variant)
    message = refused(run, data_dir, str(source), "--precision", precision)
    assert f"{precision} cannot be made of that. Leave --precision out" in message
    (tmp_path / "mine").mkdir()
    mine = write_tiny_model(tmp_path / "mine", precision="int8" if variant == "_quantized" else "float16")
    assert f"{precision} cannot be made of that" in refused(run, data_dir, str(mine), "--precision", precision)


@pytest.mark.parametrize("missing", ["torch", "onnx"])
def test_a_missing_package_is_told_before_anything_large_is_downloaded(
    run: Run, data_dir: Path, pair: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    monkeypatch.setattr(checkpoints, "EXTRA", ("torch_that_is_not_there",))
    monkeypatch.setattr(precision, "can_quantise", lambda: False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    if missing == "torch":
        shutil.rmtree(pair / "onnx")
        (pair / "model.safetensors").write_bytes(b"large")
    with serve_hub("Someone/Some-CLIP", pair) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        message = refused(run, data_dir, "Someone/Some-CLIP", *(["--precision", "int8"] if missing == "onnx" else []))
        assert "pip install 'vitrine[models]'" in message
        assert hub.downloaded() == set()


def test_graphs_that_are_int8_already_need_no_onnx(
    run: Run, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precision, "can_quantise", lambda: False)
    source = write_transformers_js(tmp_path / "small", variant="_quantized")
    assert run("models", "add", str(source), "--precision", "int8").exit_code == 0


def test_a_folder_that_may_not_be_written_to_is_named(
    run: Run, data_dir: Path, pair: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data_dir.mkdir()
    monkeypatch.setattr(install.os, "access", lambda *_: False)
    assert f'this account may not write to "{data_dir}"' in refused(run, data_dir, str(pair))


@pytest.mark.parametrize("file", ["", "models"])
def test_a_file_where_models_are_kept_is_named(run: Run, data_dir: Path, pair: Path, file: str) -> None:
    place = data_dir / file
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("a file", encoding="utf-8")
    message = refused(run, data_dir, str(pair))
    assert f'but "{place}" is a file. Move it away, or set VITRINE_DATA_DIR' in message


def test_a_truncated_graph_is_a_sentence(run: Run, data_dir: Path, pair: Path) -> None:
    graph = pair / "onnx/vision_model.onnx"
    graph.write_bytes(graph.read_bytes()[:5000])
    assert "image.onnx is not an ONNX graph" in refused(run, data_dir, str(pair))


def test_the_tokenizer_of_another_model_is_noticed(run: Run, data_dir: Path, pair: Path) -> None:
    text_graph(pair / "onnx/text_model.onnx", 5000, output="text_embeds")
    assert "but the text tower knows 5,000" in refused(run, data_dir, str(pair))
    text_graph(pair / "onnx/text_model.onnx", 200, output="text_embeds")
    assert "the tokenizer is that of another model" in refused(run, data_dir, str(pair))


def test_weights_that_a_graph_misses_are_named(run: Run, data_dir: Path, tmp_path: Path) -> None:
    source = write_transformers_js(tmp_path / "outside", external=True)
    (source / "onnx/text_model.onnx_data").unlink()
    message = refused(run, data_dir, str(source))
    assert "text_model.onnx keeps weights in text_model.onnx_data, which is not beside it" in message


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
