"""`vitrine models add` with ready pairs of graphs, which need no torch."""

import json
from pathlib import Path

import numpy as np
import pytest
from huggingface_hub import constants
from PIL import Image

from server.embedding.clip import ClipEncoder
from server.embedding.manifest import Manifest, read_manifest
from server.embedding.ort import open_tower
from server.errors import ModelError
from server.model_store import add, calibration
from tests.hub_server import COMMIT, serve_hub
from tests.integration.cli.conftest import Run
from tests.ready_models import DIMENSION, SIZE, text_graph, write_immich, write_transformers_js
from tests.tiny_model import CONTEXT, END, manifest_data, write_image_graph, write_manifest, write_tiny_model

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


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_two_graphs_that_call_their_weights_alike_get_names_of_their_own(
    run: Run, data_dir: Path, tmp_path: Path, precision: str
) -> None:
    """torch.onnx.export writes textual/model.onnx.data and visual/model.onnx.data."""
    source = write_immich(tmp_path / "outside", external=True, location="model.onnx.data")
    inside = write_immich(tmp_path / "inside")
    for folder in (source, inside):
        assert run("models", "add", str(folder), "--precision", precision).exit_code == 0
    model = installed(data_dir, "outside")
    names = {"text-model.onnx.data", "image-model.onnx.data"} if precision == "float32" else set()
    assert set(model.files) == names
    ours, theirs = ClipEncoder(model), ClipEncoder(installed(data_dir, "inside"))
    picture = Image.effect_noise((40, 30), 90).convert("RGB")
    assert np.allclose(ours.embed_text("red mug"), theirs.embed_text("red mug"), atol=1e-6)
    assert np.allclose(ours.embed_image(picture), theirs.embed_image(picture), atol=1e-6)


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


def test_a_pair_with_its_channels_last_is_installed(run: Run, data_dir: Path, tmp_path: Path) -> None:
    source = write_tiny_model(tmp_path / "mine", image={"sha256": None, "channels": "last"})
    write_image_graph(source / "image.onnx", channels_last=True)
    assert run("models", "add", str(source), "--precision", "float32").exit_code == 0
    model = installed(data_dir, "mine")
    assert (model.image.channels, model.text.pooling) == ("last", None)
    assert ClipEncoder(model).embed_image(Image.effect_noise((40, 30), 90).convert("RGB")).shape == (model.dimension,)


def test_a_pair_that_calls_its_precision_fp16_is_installed_as_float16(run: Run, data_dir: Path, tmp_path: Path) -> None:
    source = write_tiny_model(tmp_path / "mine", precision="fp16")
    assert run("models", "add", str(source)).exit_code == 0
    model = installed(data_dir, "mine")
    assert (model.precision, model.text.precision, model.image.precision) == ("float16", "float16", "float16")


def test_a_model_under_a_long_path_is_installed(run: Run, data_dir: Path, tmp_path: Path) -> None:
    source = write_transformers_js(tmp_path / ("a" * 120) / ("b" * 120) / "deep")
    assert run("models", "add", str(source), "--precision", "float32").exit_code == 0
    assert installed(data_dir, "deep").source == str(source)


def test_a_model_of_the_hub_is_installed_and_verified_by_its_commit(
    run: Run, data_dir: Path, tmp_path: Path, pair: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    with serve_hub("Someone/Some-CLIP", pair) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        assert run("models", "add", "Someone/Some-CLIP", "--precision", "float32").exit_code == 0
        model = installed(data_dir, "some-clip")
        assert (model.source, model.revision) == ("Someone/Some-CLIP", COMMIT)
        assert run("models", "verify", "some-clip", "--against", f"Someone/Some-CLIP@{COMMIT}").exit_code == 0
        hub.requests.clear()
        assert "original, text" in run("models", "verify", "some-clip").stdout  # from the cache of downloads
        assert hub.requests == []
        page = "https://huggingface.co/Someone/Some-CLIP"
        assert run("models", "verify", "some-clip", "--against", page).exit_code == 0
        assert not any("/main/" in path for _, path, _ in hub.requests)
        hub.cuts = 10_000
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "empty"))
        monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda _: None)
        assert run("models", "add", "Someone/Some-CLIP", "--name", "again").exit_code == 2
        result = run("models", "verify", "some-clip", "--json")
        assert result.exit_code == 0
        assert "not at hand: of Someone/Some-CLIP" in json.loads(result.stdout)["checks"][-1]["note"]
    assert names_in(data_dir / "models") == ["some-clip"]
