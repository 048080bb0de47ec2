import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from server.embedding import clip, ort
from server.embedding.clip import ClipEncoder
from server.embedding.encoder import Encoder, Pixels, Vectors
from server.embedding.manifest import read_manifest
from server.embedding.ort import Runtime
from server.errors import ModelError
from tests.tiny_model import (
    DIMENSION,
    manifest_data,
    write_image_graph,
    write_manifest,
    write_text_graph,
    write_tiny_model,
)

TEXTS = ["blue shirt", "", "red leather handbag", "blue shirt", "tea", "a cup of tea for two " * 20, "👗"]


def pictures(count: int) -> list[Image.Image]:
    rng = np.random.default_rng(3)
    return [Image.fromarray(rng.integers(0, 256, (9 + n % 5, 12, 3), dtype=np.uint8)) for n in range(count)]


def load(folder: Path) -> ClipEncoder:
    return ClipEncoder(read_manifest(folder))


def test_it_is_an_encoder(tiny_encoder: ClipEncoder) -> None:
    encoder: Encoder = tiny_encoder
    assert encoder.manifest.name == "tiny"


def test_a_batch_of_texts_equals_each_text_alone_and_keeps_the_order(tiny_encoder: ClipEncoder) -> None:
    texts = TEXTS * 12
    alone = np.array([tiny_encoder.embed_text(text) for text in texts])
    together = tiny_encoder.embed_texts(texts)
    assert together.shape == (len(texts), DIMENSION)
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_a_batch_of_pictures_equals_each_picture_alone_and_keeps_the_order(tiny_encoder: ClipEncoder) -> None:
    images = pictures(2 * clip.IMAGE_BATCH + 3)
    alone = np.array([tiny_encoder.embed_image(image) for image in images])
    together = tiny_encoder.embed_pixels([tiny_encoder.prepare(image) for image in images])
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_every_vector_is_of_unit_length_and_float32(tiny_encoder: ClipEncoder) -> None:
    for vectors in (
        tiny_encoder.embed_texts(TEXTS),
        tiny_encoder.embed_pixels([tiny_encoder.prepare(image) for image in pictures(5)]),
        tiny_encoder.place_text("shirt")[None],
    ):
        assert vectors.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


def test_nothing_in_gives_nothing_out(tiny_encoder: ClipEncoder) -> None:
    assert tiny_encoder.embed_texts([]).shape == (0, DIMENSION)
    assert tiny_encoder.embed_pixels([]).shape == (0, DIMENSION)


@pytest.mark.parametrize(("count", "runs"), [(1, [1]), (2, [1, 1]), (8, [4, 4]), (33, [8, 8, 8, 9])])
def test_several_pictures_are_shared_out_among_the_cores(
    tiny_folder: Path, monkeypatch: pytest.MonkeyPatch, count: int, runs: list[int]
) -> None:
    encoder = ClipEncoder(read_manifest(tiny_folder), Runtime(image_threads=2))
    sizes: list[int] = []
    run = encoder._run_images

    def recorded(tower: ort.Tower, pixels: Sequence[Pixels]) -> Vectors:
        sizes.append(len(pixels))
        return run(tower, pixels)

    monkeypatch.setattr(encoder, "_run_images", recorded)
    vectors = encoder.embed_pixels([encoder.prepare(image) for image in pictures(count)])
    assert (sorted(sizes), len(vectors)) == (runs, count)


def test_texts_of_one_length_share_a_run(tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = load(tiny_folder)
    shapes = record_runs(encoder, monkeypatch)
    encoder.embed_texts(["blue shirt"] * (clip.TEXT_BATCH + 1) + [""])
    assert sorted(shapes) == [(1, 2), (1, shapes[0][1]), (clip.TEXT_BATCH, shapes[0][1])]


def test_a_tower_that_is_not_causal_gets_every_text_padded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = load(write_tiny_model(tmp_path, text={"causal": False}))
    shapes = record_runs(encoder, monkeypatch)
    encoder.embed_texts(["blue shirt", "", "red leather handbag"])
    encoder.embed_text("tea")
    assert shapes == [(3, 12), (1, 12)]


def record_runs(encoder: ClipEncoder, monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    shapes: list[tuple[int, ...]] = []
    _, tower = encoder._text.get()
    run = tower.run

    def recorded(inputs: dict[str, np.ndarray]) -> np.ndarray:
        shapes.extend(array.shape for array in inputs.values())
        return run(inputs)

    monkeypatch.setattr(tower, "run", recorded)
    return shapes


def test_a_text_never_opens_the_image_tower_and_each_opens_once(
    tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    original = ort.open_tower

    def counted(path: Path, **options: object) -> object:
        opened.append(path.name)
        return original(path, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(clip, "open_tower", counted)
    encoder = load(tiny_folder)
    assert opened == []
    barrier = threading.Barrier(4)

    def ask(_: int) -> bytes:
        barrier.wait()
        return encoder.embed_text("blue shirt").tobytes()

    with ThreadPoolExecutor(4) as pool:
        answers = set(pool.map(ask, range(4)))
    assert len(answers) == 1
    assert opened == ["text.onnx"]
    encoder.embed_image(pictures(1)[0])
    encoder.load_image()
    assert opened == ["text.onnx", "image.onnx"]


def test_placing_a_text_moves_it_from_the_cone_of_texts_to_that_of_pictures(tmp_path: Path) -> None:
    text_mean, image_mean = [0.2] * DIMENSION, [-0.1] * DIMENSION
    calibration = {"text_mean": text_mean, "image_mean": image_mean}
    encoder = load(write_tiny_model(tmp_path, calibration=calibration))
    moved = encoder.embed_text("shirt") + np.array(image_mean) - np.array(text_mean)
    np.testing.assert_allclose(encoder.place_text("shirt"), moved / np.linalg.norm(moved), atol=1e-6)


def test_without_a_calibration_a_text_stays_where_it_is(tiny_encoder: ClipEncoder) -> None:
    np.testing.assert_array_equal(tiny_encoder.place_text("shirt"), tiny_encoder.embed_text("shirt"))


@pytest.mark.parametrize(
    ("poison", "sentence"), [(float("nan"), "not finite"), (float("inf"), "not finite"), (0.0, "direction")]
)
def test_a_vector_that_means_nothing_is_never_returned(tmp_path: Path, poison: float, sentence: str) -> None:
    write_tiny_model(tmp_path)
    write_text_graph(tmp_path / "text.onnx", poison=poison)
    write_manifest(tmp_path, manifest_data(tmp_path))
    with pytest.raises(ModelError, match=sentence):
        load(tmp_path).embed_texts(["shirt", "tea"])


def test_a_damaged_file_is_named_and_not_loaded(tmp_path: Path) -> None:
    write_tiny_model(tmp_path / "shop")
    for name in ("image.onnx", "text.onnx"):
        with (tmp_path / "shop" / name).open("ab") as file:
            file.write(b"\0")
    encoder = load(tmp_path / "shop")
    with pytest.raises(ModelError, match=r'text\.onnx in the model folder "shop" is not the file'):
        encoder.embed_text("shirt")
    with pytest.raises(ModelError, match=r"image\.onnx .* install the model again"):
        encoder.embed_image(pictures(1)[0])


def test_a_damaged_or_missing_tokenizer_is_named(tmp_path: Path) -> None:
    write_tiny_model(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ModelError, match=r"tokenizer\.json .* is not the file"):
        load(tmp_path).embed_text("shirt")
    (tmp_path / "tokenizer.json").unlink()
    with pytest.raises(ModelError, match=r"tokenizer\.json is missing"):
        load(tmp_path).embed_text("shirt")


def test_a_failed_load_is_tried_again(tmp_path: Path) -> None:
    write_tiny_model(tmp_path)
    kept = (tmp_path / "text.onnx").read_bytes()
    (tmp_path / "text.onnx").unlink()
    encoder = load(tmp_path)
    with pytest.raises(ModelError, match=r"text\.onnx is missing"):
        encoder.embed_text("shirt")
    (tmp_path / "text.onnx").write_bytes(kept)
    assert encoder.embed_text("shirt").shape == (DIMENSION,)


def test_a_dimension_that_the_graph_does_not_keep_is_an_error(tmp_path: Path) -> None:
    encoder = load(write_tiny_model(tmp_path, dimension=DIMENSION + 1))
    with pytest.raises(ModelError, match=r"shape \(1, 16\); manifest\.toml promises \(1, 17\)"):
        encoder.embed_text("shirt")


def test_pixels_of_another_model_are_refused(tiny_encoder: ClipEncoder) -> None:
    with pytest.raises(ModelError, match="prepared for another model"):
        tiny_encoder.embed_pixels([np.zeros((3, 4, 4), np.float32)])


def test_a_graph_that_takes_its_channels_last_gets_them_so(tmp_path: Path, tiny_encoder: ClipEncoder) -> None:
    folder = write_tiny_model(tmp_path / "last")
    write_image_graph(folder / "image.onnx", channels_last=True)
    write_manifest(folder, manifest_data(folder), image={"channels": "last"})
    images = pictures(clip.IMAGE_BATCH + 3)
    encoder = load(folder)
    vectors = encoder.embed_pixels([encoder.prepare(image) for image in images])
    np.testing.assert_allclose(vectors, [tiny_encoder.embed_image(image) for image in images], atol=1e-5)
