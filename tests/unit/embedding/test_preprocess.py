from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from server.embedding.manifest import ImageSpec
from server.embedding.preprocess import Preprocessor, draft_size, fit
from tests.fakes import fake_manifest

BACKGROUND = (10, 200, 30)
MEAN, STD = (0.48, 0.45, 0.40), (0.27, 0.26, 0.28)
SHAPES = [(64, 64), (180, 100), (100, 180), (33, 7), (1, 90), (90, 1), (1, 1), (31, 32), (150, 101)]


def spec(resize: str = "pad", interpolation: str = "bicubic", size: int = 32) -> ImageSpec:
    digest = "0" * 64
    return ImageSpec("image.onnx", digest, size, resize, BACKGROUND, interpolation, MEAN, STD, "in", "out")  # type: ignore[arg-type]


def picture(width: int, height: int) -> Image.Image:
    pixels = np.random.default_rng(width * 1000 + height).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


@pytest.mark.parametrize("shape", SHAPES)
def test_pad_keeps_the_whole_picture_in_the_middle(shape: tuple[int, int]) -> None:
    image = picture(*shape)
    scale = 32 / max(shape)
    width, height = (max(1, round(side * scale)) for side in shape)
    expected = np.full((32, 32, 3), BACKGROUND, np.uint8)
    left, top = (32 - width) // 2, (32 - height) // 2
    expected[top : top + height, left : left + width] = np.asarray(
        image.resize((width, height), Image.Resampling.BICUBIC)
    )
    np.testing.assert_array_equal(np.asarray(fit(image, spec("pad"))), expected)


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if max(shape) < 64 * min(shape)])
@pytest.mark.parametrize("size", [32, 45])
def test_crop_equals_resizing_everything_and_cutting_out_the_middle(shape: tuple[int, int], size: int) -> None:
    image = picture(*shape)
    width, height = (int(size * side / min(shape)) for side in shape)
    left, top = (width - size) // 2, (height - size) // 2
    middle = (left, top, left + size, top + size)
    # Pillow resizes along one axis and then the other, rounding to bytes in between, and picks the order by the size of
    # the region. Noise shows the order (up to 3 of 255 apart), so the crop has to equal one of the two.
    differences = []
    for between in ((width, image.height), (image.width, height)):
        whole = image.resize(between, Image.Resampling.BICUBIC).resize((width, height), Image.Resampling.BICUBIC)
        expected = np.asarray(whole.crop(middle), np.int16)
        differences.append(np.abs(np.asarray(fit(image, spec("crop", size=size)), np.int16) - expected).max())
    assert min(differences) <= 1


@pytest.mark.parametrize("resize", ["pad", "crop", "squash"])
def test_a_large_picture_is_reduced_first_and_hardly_differs(resize: str) -> None:
    image = picture(60, 60).resize((900, 900), Image.Resampling.BICUBIC)
    expected = np.asarray(image.resize((32, 32), Image.Resampling.BICUBIC), np.int16)
    difference = np.abs(np.asarray(fit(image, spec(resize)), np.int16) - expected)
    assert difference.mean() < 2


def test_crop_of_a_banner_does_not_resize_what_it_cuts_off() -> None:
    assert fit(picture(30_000, 2), spec("crop", size=224)).size == (224, 224)


@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear", "lanczos"])
def test_squash_ignores_the_shape(interpolation: str) -> None:
    image = picture(90, 40)
    expected = image.resize((32, 32), Image.Resampling[interpolation.upper()])
    np.testing.assert_array_equal(np.asarray(fit(image, spec("squash", interpolation))), np.asarray(expected))


@given(st.integers(1, 400), st.integers(1, 400), st.sampled_from(["pad", "crop", "squash"]))
@settings(max_examples=60, deadline=None)
def test_any_shape_becomes_the_square_that_the_tower_takes(width: int, height: int, resize: str) -> None:
    image = Image.new("RGB", (width, height), (250, 0, 0))
    pixels = Preprocessor(spec(resize)).prepare(image)
    assert pixels.shape == (3, 32, 32)
    assert pixels.dtype == np.float32
    assert pixels.flags.c_contiguous


def test_numbers_are_normalised_by_channel() -> None:
    image = picture(32, 32)
    expected = (np.asarray(image, np.float64) / 255 - MEAN) / STD
    found = Preprocessor(spec()).prepare(image)
    np.testing.assert_allclose(found, expected.transpose(2, 0, 1), atol=2e-6)


def test_the_picture_that_was_given_is_left_as_it_was() -> None:
    image = picture(32, 32)
    before = image.tobytes()
    Preprocessor(spec()).prepare(image)
    assert image.tobytes() == before


def test_a_grey_picture_is_taken_too() -> None:
    assert Preprocessor(spec()).prepare(Image.new("L", (20, 20), 100)).shape == (3, 32, 32)


def test_the_draft_is_twice_the_target() -> None:
    manifest = fake_manifest()
    assert draft_size(manifest) == (2 * manifest.image.size, 2 * manifest.image.size)


def torchvisions(image: Image.Image, size: int) -> Image.Image:
    """Resize(size) and CenterCrop(size) as torchvision.transforms.functional computes them."""
    width, height = image.size
    short, long = min(width, height), max(width, height)
    longer = int(size * long / short)
    width, height = (size, longer) if width <= height else (longer, size)
    top, left = round((height - size) / 2.0), round((width - size) / 2.0)
    return image.resize((width, height), Image.Resampling.BICUBIC).crop((left, top, left + size, top + size))


@pytest.mark.parametrize("image_size", [(300, 401), (401, 300), (375, 500), (640, 427), (240, 243), (226, 224)])
def test_a_rounded_crop_is_that_of_torchvision(image_size: tuple[int, int]) -> None:
    cells = np.random.default_rng(0).integers(0, 256, (50, 50, 3), dtype=np.uint8)
    image = Image.fromarray(cells).resize(image_size, Image.Resampling.BICUBIC)
    expected = np.asarray(torchvisions(image, 224), np.float32)
    found = np.asarray(fit(image, replace(spec("crop", size=224), crop_offset="rounded")), np.float32)
    # In the range of normalised pixels, whose standard deviation is about a quarter of 255.
    assert np.abs(found - expected).mean() / 255 / 0.27 < 0.01
