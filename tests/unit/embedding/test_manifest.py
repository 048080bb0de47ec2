from pathlib import Path
from typing import Any

import pytest

from server.embedding.manifest import read_manifest
from server.errors import ModelError
from tests.tiny_model import DIMENSION, manifest_data, write_manifest


def test_every_key_is_read(tmp_path: Path) -> None:
    calibration = {"text_mean": [0.1] * DIMENSION, "image_mean": [0.2] * DIMENSION}
    write_manifest(tmp_path, manifest_data(tmp_path) | {"calibration": calibration})
    manifest = read_manifest(tmp_path)
    assert manifest.name == "tiny"
    assert manifest.dimension == DIMENSION
    assert manifest.folder == tmp_path
    assert manifest.text.causal is True
    assert manifest.text.pad_id == 0
    assert manifest.image.background == (255, 255, 255)
    assert manifest.image.std == (0.3, 0.3, 0.25)
    assert manifest.calibration is not None
    assert manifest.calibration.image_mean == (0.2,) * DIMENSION


def test_without_calibration_there_is_none(tmp_path: Path) -> None:
    write_manifest(tmp_path, manifest_data(tmp_path))
    assert read_manifest(tmp_path).calibration is None


@pytest.mark.parametrize(
    ("text", "image", "top", "expected"),
    [
        ({"causal": None}, {}, {}, "text.causal: this key is missing."),
        ({"pad_token": 1}, {}, {}, "text.pad_token: this key is unknown."),
        ({"context_length": 1}, {}, {}, "text.context_length: input should be greater than or equal to 2."),
        ({"sha256": "abc"}, {}, {}, "text.sha256: "),
        ({"file": "../text.onnx"}, {}, {}, "text.file: must be the name of a file beside the manifest"),
        ({}, {"resize": "stretch"}, {}, "image.resize: input should be 'pad', 'crop' or 'squash'."),
        ({}, {"std": [0.3, 0.0, 0.3]}, {}, "image.std.1: input should be greater than 0."),
        ({}, {"mean": [0.5, 0.5]}, {}, "image.mean.2: this key is missing."),
        ({}, {"background": [0, 0, 256]}, {}, "image.background.2: "),
        ({}, {}, {"format": 2}, "format: input should be 1."),
        ({}, {}, {"dimension": "many"}, "dimension: "),
        ({}, {}, {"licence": None}, "licence: this key is missing."),
        ({}, {}, {"logit_scale": "nan"}, "logit_scale: "),
        ({}, {}, {"calibration": {"text_mean": [0.1]}}, "calibration.image_mean: this key is missing."),
        (
            {},
            {},
            {"calibration": {"text_mean": [0.1] * DIMENSION, "image_mean": [0.1]}},
            f"calibration.image_mean: 1 numbers, but dimension is {DIMENSION}.",
        ),
    ],
)
def test_a_wrong_key_is_named(
    tmp_path: Path, text: dict[str, Any], image: dict[str, Any], top: dict[str, Any], expected: str
) -> None:
    folder = tmp_path / "broken"
    write_manifest(folder, manifest_data(folder) | top, text, image)
    with pytest.raises(ModelError) as caught:
        read_manifest(folder)
    assert 'manifest.toml of the model "broken"' in caught.value.message
    assert expected in caught.value.message
    assert str(tmp_path) not in caught.value.message


def test_a_section_that_is_no_table_is_named(tmp_path: Path) -> None:
    write_manifest(tmp_path, manifest_data(tmp_path))
    path = tmp_path / "manifest.toml"
    before = path.read_text(encoding="utf-8").split("[text]")[0]
    path.write_text(before + "text = 3\n", encoding="utf-8")
    with pytest.raises(ModelError, match=r"text: must be a table\."):
        read_manifest(tmp_path)


def test_a_missing_manifest_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"There is no manifest\.toml .* Install the model again\."):
        read_manifest(tmp_path)


@pytest.mark.parametrize("content", [b"format = = 1", b"\xff\xfe\x00"])
def test_a_file_that_is_not_toml_says_so(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "manifest.toml").write_bytes(content)
    with pytest.raises(ModelError, match="is not valid TOML"):
        read_manifest(tmp_path)


def test_the_digest_changes_with_each_of_the_three_files_and_not_with_a_name(tmp_path: Path) -> None:
    digests = []
    variants: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = [
        ({}, {}, {}),
        ({"sha256": "0" * 64}, {}, {}),
        ({"tokenizer_sha256": "0" * 64}, {}, {}),
        ({}, {"sha256": "0" * 64}, {}),
    ]
    for text, image, top in variants:
        write_manifest(tmp_path, manifest_data(tmp_path) | top, text, image)
        digests.append(read_manifest(tmp_path).digest)
    assert len(set(digests)) == 4
    write_manifest(tmp_path, manifest_data(tmp_path) | {"name": "renamed", "revision": "2"})
    assert read_manifest(tmp_path).digest == digests[0]


def test_golden_rows_have_to_fit(tmp_path: Path) -> None:
    golden = {
        "texts": ["a", "b"],
        "token_ids": [[1]],
        "text_vectors": [[0.5] * DIMENSION],
        "seeds": [],
        "image_vectors": [],
    }
    write_manifest(tmp_path, manifest_data(tmp_path) | {"golden": golden})
    with pytest.raises(ModelError, match=r"golden\.text_vectors: 1 rows, but there should be 2"):
        read_manifest(tmp_path)
    golden |= {"texts": ["a"], "text_vectors": [[0.5] * 3]}
    write_manifest(tmp_path, manifest_data(tmp_path) | {"golden": golden})
    with pytest.raises(ModelError, match=r"golden\.text_vectors: 3 numbers, but dimension is"):
        read_manifest(tmp_path)


@pytest.mark.parametrize("image", [{"shortest_edge": 4}, {"shortest_edge": 20, "resize": "pad"}])
def test_a_crop_is_never_larger_than_what_it_is_cut_from(tmp_path: Path, image: dict[str, object]) -> None:
    write_manifest(tmp_path, manifest_data(tmp_path), image={"resize": "crop"} | image)
    with pytest.raises(ModelError, match=r"image\.shortest_edge"):
        read_manifest(tmp_path)


def test_only_a_crop_has_an_offset(tmp_path: Path) -> None:
    write_manifest(tmp_path, manifest_data(tmp_path), image={"crop_offset": "rounded", "resize": "pad"})
    with pytest.raises(ModelError, match=r"image\.crop_offset"):
        read_manifest(tmp_path)


def test_an_absent_key_that_shapes_pixels_changes_no_digest(tmp_path: Path) -> None:
    write_manifest(tmp_path, manifest_data(tmp_path), image={"resize": "crop"})
    before = read_manifest(tmp_path).digest
    write_manifest(tmp_path, manifest_data(tmp_path), image={"resize": "crop", "batch": 1})
    assert read_manifest(tmp_path).digest == before
    write_manifest(tmp_path, manifest_data(tmp_path), image={"resize": "crop", "shortest_edge": 9})
    assert read_manifest(tmp_path).digest != before
    write_manifest(tmp_path, manifest_data(tmp_path), image={"resize": "crop", "crop_offset": "rounded"})
    assert read_manifest(tmp_path).digest != before


@pytest.mark.parametrize("tower", ["text", "image"])
def test_another_output_of_one_graph_is_another_model(tmp_path: Path, tower: str) -> None:
    write_manifest(tmp_path, manifest_data(tmp_path))
    before = read_manifest(tmp_path).digest
    write_manifest(tmp_path, manifest_data(tmp_path), **{tower: {"output": "hidden"}})
    assert read_manifest(tmp_path).digest != before


@pytest.mark.parametrize("key", ["text_mean", "image_mean"])
def test_other_means_place_titles_elsewhere_and_so_are_another_model(tmp_path: Path, key: str) -> None:
    means = {"text_mean": [0.25] * DIMENSION, "image_mean": [0.5] * DIMENSION}
    digests = []
    for calibration in ({}, {"calibration": means}, {"calibration": means | {key: [0.125] * DIMENSION}}):
        write_manifest(tmp_path, manifest_data(tmp_path) | calibration)
        digests.append(read_manifest(tmp_path).digest)
    assert len(set(digests)) == 3


def test_channels_first_is_what_its_absence_means(tmp_path: Path) -> None:
    digests = []
    for channels in (None, "first", "last"):
        write_manifest(tmp_path, manifest_data(tmp_path), image={"channels": channels})
        digests.append(read_manifest(tmp_path).digest)
    assert digests[0] == digests[1] != digests[2]
