"""What every model that ships must do, on the real runtime."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from server import resources
from server.embedding.clip import IMAGE_BATCH, ClipEncoder
from server.embedding.manifest import read_manifest
from server.embedding.registry import load_encoder
from server.settings import load_settings

QUERIES = [
    "blue shirt",
    "striped blue shirt with buttons",
    "",
    "women red handbag",
    "sneakers",
    "👗 kleid",
    "brown leather sandals " * 200,
    "\0 \ud83d",
]


def drawn(number: int) -> Image.Image:
    """A coloured shape on white, different for each number."""
    image = Image.new("RGB", (120 + 10 * (number % 7), 150), "white")
    colour = (number * 53 % 256, number * 97 % 256, number * 151 % 256)
    ImageDraw.Draw(image).ellipse((20, 20 + number % 40, 100, 140), fill=colour)
    return image


def test_every_vector_is_finite_float32_and_of_unit_length(encoder: ClipEncoder) -> None:
    dimension = encoder.manifest.dimension
    texts = encoder.embed_texts(QUERIES)
    images = encoder.embed_pixels([encoder.prepare(drawn(number)) for number in range(IMAGE_BATCH + 3)])
    placed = np.array([encoder.place_text(text) for text in QUERIES])
    assert (texts.shape, images.shape) == ((len(QUERIES), dimension), (IMAGE_BATCH + 3, dimension))
    for vectors in (texts, images, placed):
        assert vectors.dtype == np.float32
        assert np.isfinite(vectors).all()
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_a_query_has_the_same_bits_whatever_ran_before_or_beside_it(encoder: ClipEncoder, model_folder: Path) -> None:
    before = [encoder.embed_text(query).tobytes() for query in QUERIES]
    encoder.embed_texts(QUERIES * 5)
    with ThreadPoolExecutor(4) as pool:
        beside = list(pool.map(lambda query: encoder.embed_text(query).tobytes(), QUERIES * 8))
    assert beside == before * 8
    again = ClipEncoder(read_manifest(model_folder))
    assert [again.embed_text(query).tobytes() for query in QUERIES] == before


def test_texts_in_a_batch_are_the_texts_alone(encoder: ClipEncoder) -> None:
    # Different texts of one length, so that each has strangers beside it in its run.
    things = ("shirt", "shoes", "bag", "watch", "dress", "jeans", "mug", "tea")
    texts = [f"{colour} {thing}" for colour in ("blue", "red", "black", "white", "green") for thing in things] + QUERIES
    alone = np.array([encoder.embed_text(text) for text in texts])
    assert (encoder.embed_texts(texts) * alone).sum(axis=1).min() >= 0.9995


def test_pictures_in_a_batch_are_the_pictures_alone(encoder: ClipEncoder) -> None:
    images = [drawn(number) for number in range(IMAGE_BATCH + 5)]
    alone = np.array([encoder.embed_image(image) for image in images])
    together = encoder.embed_pixels([encoder.prepare(image) for image in images])
    assert (together * alone).sum(axis=1).min() >= 0.995


@pytest.mark.parametrize("size", [(1, 1), (2000, 3), (3, 2000), (1600, 1200)])
def test_a_picture_of_any_shape_has_a_vector(encoder: ClipEncoder, size: tuple[int, int]) -> None:
    vector = encoder.embed_image(Image.new("RGB", size, "teal"))
    assert vector.shape == (encoder.manifest.dimension,)


def test_the_default_settings_load_the_bundled_model(tmp_path: Path) -> None:
    if not (resources.DEFAULT_MODEL / "manifest.toml").is_file():
        pytest.skip("there is no bundled model in models/default")
    encoder = load_encoder(load_settings(VITRINE_DATA_DIR=tmp_path))
    shirt, blouse, kettle = encoder.embed_texts(["blue shirt", "blue shirts", "electric kettle"])
    assert shirt @ blouse > shirt @ kettle


def test_placed_texts_lie_among_the_pictures(encoder: ClipEncoder) -> None:
    texts = ["blue shirt", "red handbag", "brown leather sandals", "white running shoes"]
    placed = np.array([encoder.place_text(text) for text in texts])
    raw = np.array([encoder.embed_text(text) for text in texts])
    calibration = encoder.manifest.calibration
    if calibration is None:
        np.testing.assert_array_equal(placed, raw)
    else:
        assert placed.mean(axis=0) @ calibration.image_mean > raw.mean(axis=0) @ np.array(calibration.image_mean)
