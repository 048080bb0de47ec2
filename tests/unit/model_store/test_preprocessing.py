"""Configurations as they are published, and what of them cannot be repeated."""

from typing import Any

import numpy as np
import pytest
from PIL import Image

from server.embedding.manifest import ImageSpec
from server.embedding.preprocess import fit
from server.errors import ModelError
from server.model_store.preprocessing import CLIP_MEAN, CLIP_STD, read_preprocessing

# What openai/clip-vit-base-patch32 holds: bare numbers, and the class's older name.
CLIP: dict[str, Any] = {
    "crop_size": 224,
    "do_center_crop": True,
    "do_normalize": True,
    "do_resize": True,
    "feature_extractor_type": "CLIPFeatureExtractor",
    "image_mean": list(CLIP_MEAN),
    "image_std": list(CLIP_STD),
    "resample": 3,
    "size": 224,
}
SIGLIP: dict[str, Any] = {
    "do_normalize": True,
    "do_rescale": True,
    "do_resize": True,
    "image_mean": [0.5, 0.5, 0.5],
    "image_processor_type": "SiglipImageProcessor",
    "image_std": [0.5, 0.5, 0.5],
    "resample": 2,
    "rescale_factor": 0.00392156862745098,
    "size": {"height": 256, "width": 256},
}
OPEN_CLIP: dict[str, Any] = {
    "size": [224, 224],
    "mode": "RGB",
    "mean": list(CLIP_MEAN),
    "std": list(CLIP_STD),
    "interpolation": "bicubic",
    "resize_mode": "shortest",
    "fill_color": 0,
}


def test_clip_crops_the_middle_of_what_its_shortest_side_gives() -> None:
    keys = read_preprocessing(CLIP)
    assert (keys["size"], keys["resize"], keys["interpolation"]) == (224, "crop", "bicubic")
    assert keys["mean"] == pytest.approx(CLIP_MEAN, abs=0)
    assert keys["std"] == pytest.approx(CLIP_STD, abs=0)
    assert "shortest_edge" not in keys


def test_newer_files_say_the_same_with_dictionaries() -> None:
    sizes = {"size": {"shortest_edge": 224}, "crop_size": {"height": 224, "width": 224}, "rescale_factor": 1 / 255}
    newer = CLIP | sizes | {"image_processor_type": "CLIPImageProcessorFast"}
    assert read_preprocessing(newer) == read_preprocessing(CLIP)
    assert read_preprocessing({"image_processor": newer}) == read_preprocessing(CLIP)


def test_siglip_squashes() -> None:
    keys = read_preprocessing(SIGLIP)
    assert (keys["size"], keys["resize"], keys["interpolation"], keys["mean"]) == (256, "squash", "bilinear", [0.5] * 3)


def test_a_bare_number_is_a_square_to_siglip() -> None:
    assert read_preprocessing(SIGLIP | {"size": 384})["size"] == 384
    assert read_preprocessing(SIGLIP | {"size": 384})["resize"] == "squash"


@pytest.mark.parametrize(("mode", "resize"), [("shortest", "crop"), ("longest", "pad"), ("squash", "squash")])
def test_open_clip_says_how_it_resizes(mode: str, resize: str) -> None:
    keys = read_preprocessing(OPEN_CLIP | {"resize_mode": mode, "fill_color": 7})
    assert keys["resize"] == resize
    assert (keys["background"] == [7, 7, 7]) == (resize == "pad")


def test_an_older_open_clip_config_keeps_the_size_with_the_model() -> None:
    config = {"model_cfg": {"vision_cfg": {"image_size": 240}}, "preprocess_cfg": {"mean": CLIP_MEAN, "std": CLIP_STD}}
    keys = read_preprocessing(config)
    assert (keys["size"], keys["resize"]) == (240, "crop")


def test_a_larger_resize_before_the_crop_keeps_its_own_key() -> None:
    keys = read_preprocessing(CLIP | {"size": {"shortest_edge": 256}})
    assert (keys["size"], keys["shortest_edge"], keys["resize"]) == (224, 256, "crop")


def test_the_larger_resize_cuts_out_the_very_middle() -> None:
    spec = ImageSpec(
        "image.onnx", "0" * 64, 28, "crop", (0, 0, 0), "bicubic", (0, 0, 0), (1, 1, 1), "in", "out", shortest_edge=32
    )
    pixels = np.random.default_rng(3).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    image = Image.fromarray(pixels).resize((96, 64), Image.Resampling.BICUBIC)
    whole = image.resize((48, 32), Image.Resampling.BICUBIC).crop((10, 2, 38, 30))
    difference = np.abs(np.asarray(fit(image, spec), np.int16) - np.asarray(whole, np.int16))
    assert difference.max() <= 3


@pytest.mark.parametrize("factor", [1 / 127.5, 1.0])
def test_another_scale_of_the_pixels_moves_into_mean_and_std(factor: float) -> None:
    keys = read_preprocessing(CLIP | {"rescale_factor": factor, "do_rescale": True})
    value = 77
    theirs = (value * factor - CLIP_MEAN[0]) / CLIP_STD[0]
    assert (value / 255 - keys["mean"][0]) / keys["std"][0] == pytest.approx(theirs)


def test_without_normalisation_pixels_stay_between_0_and_1() -> None:
    keys = read_preprocessing(CLIP | {"do_normalize": False})
    assert (keys["mean"], keys["std"]) == ([0.0] * 3, [1.0] * 3)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"do_resize": False}, "does not resize"),
        ({"do_center_crop": False}, "oblong"),
        ({"crop_size": 256}, "larger square"),
        ({"crop_size": {"height": 224, "width": 200}}, "200 pixels wide"),
        ({"size": {"longest_edge": 224}}, "longest_edge"),
        ({"size": {"height": 256, "width": 256}}, "squashes them to 256"),
        ({"resample": 4}, "filter 4"),
        ({"crop_pct": 0.875}, "crop_pct"),
        ({"patch_size": 16, "max_num_patches": 256}, "NaFlex"),
    ],
)
def test_what_cannot_be_repeated_is_refused(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(ModelError, match=reason):
        read_preprocessing(CLIP | change)


@pytest.mark.parametrize(
    "change", [{"resize_mode": "stretch"}, {"mode": "L"}, {"interpolation": "random"}, {"size": [1, 2]}]
)
def test_what_open_clip_may_say_and_we_cannot_do_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match="cannot repeat exactly"):
        read_preprocessing(OPEN_CLIP | change)


@pytest.mark.parametrize("config", [{"size": "large"}, {"image_mean": [None] * 3}, {"preprocess_cfg": 3}])
def test_nonsense_is_a_sentence(config: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match="not one that is understood"):
        read_preprocessing(config)
