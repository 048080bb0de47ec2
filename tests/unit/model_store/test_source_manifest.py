"""A pair of graphs whose source brings a manifest."""

from pathlib import Path
from typing import Any

import pytest

from server.embedding import ort
from server.errors import ModelError
from server.model_store.ready import draft_ready
from server.model_store.sources import fetch
from server.resources import DEFAULT_MODEL
from tests.ready_models import SIZE, image_graph, text_graph
from tests.tiny_model import write_image_graph, write_tiny_model


def draft(source: Path, tmp_path: Path) -> Any:
    into = tmp_path / "into"
    into.mkdir()
    return draft_ready(fetch(str(source)), "mine", into)


def test_digests_may_be_left_out(tmp_path: Path) -> None:
    source = write_tiny_model(tmp_path / "mine", text={"sha256": None, "tokenizer_sha256": None})
    assert draft(source, tmp_path).manifest["text"]["causal"] is True


def test_a_tower_that_needs_its_padding_is_not_believed_to_do_without(tmp_path: Path) -> None:
    text = {"output": "text_embeds", "sha256": None}
    image = {"output": "image_embeds", "size": SIZE, "sha256": None}
    source = write_tiny_model(tmp_path / "mine", text=text, image=image, dimension=32)
    text_graph(source / "text.onnx", 400, output="text_embeds", pads_matter=True)
    image_graph(source / "image.onnx", output="image_embeds")
    with pytest.raises(ModelError, match=r"causal = true.* Set causal = false"):
        draft(source, tmp_path)


def test_a_tower_of_fixed_length_is_not_believed_to_take_any(tmp_path: Path) -> None:
    source = write_tiny_model(tmp_path / "mine", text={"output": "text_embeds", "sha256": None}, dimension=32)
    text_graph(source / "text.onnx", 400, output="text_embeds", length=12)
    with pytest.raises(ModelError, match="causal = true"):
        draft(source, tmp_path)


def test_an_int8_tower_that_runs_unpadded_is_believed(tmp_path: Path) -> None:
    # Its activations are scaled by all that is in a text, so padding changes a vector a little.
    assert draft(DEFAULT_MODEL, tmp_path).manifest["text"]["causal"] is True


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("[text]", 'files = ["w.bin"]\n[text]', r"no table \[files\]"),
        ("[text]", "files = 3\n[text]", r"no table \[files\]"),
        ("[image]", "[[image]]", r"no table \[image\]"),
        ('file = "text.onnx"', "file = 3", "the file 3, which is not beside it"),
        ('file = "text.onnx"', 'file = ["text.onnx"]', "which is not beside it"),
        ('file = "text.onnx"', 'file = "../mine/text.onnx"', "which is not beside it"),
        ('file = "text.onnx"', 'file = ""', "which is not beside it"),
        ('file = "text.onnx"\nsha256 = "', 'file = "text.onnx"\nsha256 = 7\nx = "', "a digest that is none"),
        ('revision = "1"', "revision = 2024-05-01", "revision: "),
        ("[text]", "[text]\nbatch = {a = 1}", r"text\.batch: "),
        ("[text]", "[[text", "cannot be read as TOML"),
    ],
)
def test_a_manifest_of_the_wrong_shape_is_a_sentence(tmp_path: Path, before: str, after: str, words: str) -> None:
    source = write_tiny_model(tmp_path / "mine")
    path = source / "manifest.toml"
    old = path.read_text(encoding="utf-8")
    assert before in old
    path.write_text(old.replace(before, after, 1), encoding="utf-8")
    with pytest.raises(ModelError, match=words):
        draft(source, tmp_path)


@pytest.mark.parametrize(
    ("given", "meant"), [("fp16", "float16"), ("FP32", "float32"), ("half", "float16"), ("int8", "int8")]
)
def test_a_precision_is_understood_by_its_usual_names(tmp_path: Path, given: str, meant: str) -> None:
    assert draft(write_tiny_model(tmp_path / "mine", precision=given), tmp_path).manifest["precision"] == meant


def test_another_precision_is_refused_with_those_there_are(tmp_path: Path) -> None:
    source = write_tiny_model(tmp_path / "mine", precision="int8 dynamic")
    with pytest.raises(ModelError, match=r'precision "int8 dynamic"\. Write float32, float16 or int8'):
        draft(source, tmp_path)


def test_what_both_towers_say_themselves_goes_before_the_whole(tmp_path: Path) -> None:
    towers: Any = {"text": {"precision": "int8"}, "image": {"precision": "float32"}}
    source = write_tiny_model(tmp_path / "mine", precision="int8 text, float32 image", **towers)
    assert draft(source, tmp_path).manifest["text"]["precision"] == "int8"


Keys = dict[str, Any]


@pytest.mark.parametrize(
    ("text", "image", "top", "words"),
    [
        ({}, {"size": 9}, {}, r"image\.onnx takes pixels \(any, 3, 8, 8\), but manifest\.toml says image\.size = 9\."),
        ({}, {"input": "pixels"}, {}, r"image\.onnx takes pixel_values .* names pixels\. .* as input under \[image\]"),
        ({}, {"output": "other"}, {}, r"image\.onnx gives embedding .* names other\. .* as output under \[image\]"),
        ({}, {"channels": "last"}, {}, r'says that the channels come last\. Take channels = "last" out'),
        ({}, {}, {"dimension": 17}, r"text\.onnx gives embedding \(1, 16\), but manifest\.toml says dimension = 17\."),
        ({"input": "ids"}, {}, {}, r"text\.onnx takes input_ids .* names ids\. .* as input and mask under \[text\]"),
        ({"mask": "attention_mask"}, {}, {}, r"text\.onnx takes input_ids .* names input_ids and attention_mask"),
        ({"output": "other"}, {}, {}, r"text\.onnx gives embedding .* names other"),
    ],
)
def test_what_a_manifest_says_wrongly_of_its_graphs_is_a_sentence_that_tells_both(
    tmp_path: Path, text: Keys, image: Keys, top: Keys, words: str
) -> None:
    with pytest.raises(ModelError, match=words):
        draft(write_tiny_model(tmp_path / "mine", text=text, image=image, **top), tmp_path)


@pytest.mark.parametrize(
    ("graph", "keys", "words"),
    [
        (
            {"length": 9},
            {"causal": False},
            r"takes texts of 9 tokens, but manifest\.toml says text\.context_length = 12\.",
        ),
        ({"batch": 4}, {}, r"text\.onnx takes batches of 4 .* Write batch = 4 under \[text\]"),
        ({"length": 12}, {}, r"takes texts of 12 tokens only, .*causal = true.* Set causal = false"),
    ],
)
def test_fixed_axes_of_a_text_graph_have_to_be_in_its_manifest(
    tmp_path: Path, graph: Keys, keys: Keys, words: str
) -> None:
    text = {"output": "text_embeds", "sha256": None, **keys}
    source = write_tiny_model(tmp_path / "mine", text=text, dimension=32)
    text_graph(source / "text.onnx", 400, output="text_embeds", **graph)
    with pytest.raises(ModelError, match=words):
        draft(source, tmp_path)


@pytest.mark.parametrize(
    ("axes", "image", "words"),
    [
        (
            ["n", "c", "h", "w"],
            {"size": 9},
            r"image\.onnx does not run on \(1, 3, 9, 9\), as manifest\.toml describes it",
        ),
        ([1, 3, 8, 8], {}, r"image\.onnx takes batches of 1 .* Write batch = 1 under \[image\]"),
        ([2, 3, 8, 8], {"batch": 3}, r"image\.onnx takes batches of 2 .* Write batch = 2 under \[image\]"),
    ],
)
def test_an_image_graph_is_run_as_its_manifest_says(tmp_path: Path, axes: list[Any], image: Keys, words: str) -> None:
    source = write_tiny_model(tmp_path / "mine", image={"sha256": None, **image})
    write_image_graph(source / "image.onnx", axes=axes)
    with pytest.raises(ModelError, match=words):
        draft(source, tmp_path)


def test_a_graph_that_takes_one_row_whatever_its_axes_say_needs_a_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = ort.OrtTower.run

    def only_one(self: Any, inputs: Any) -> Any:
        if any(len(rows) > 1 for rows in inputs.values()):
            raise ModelError("The embedding model failed to run.")
        return run(self, inputs)

    monkeypatch.setattr(ort.OrtTower, "run", only_one)
    with pytest.raises(ModelError, match=r"text\.onnx takes one row at a time\. Write batch = 1 under \[text\]"):
        draft(write_tiny_model(tmp_path / "mine"), tmp_path)


def test_channels_that_come_last_have_to_be_in_the_manifest(tmp_path: Path) -> None:
    source = write_tiny_model(tmp_path / "mine", image={"sha256": None})
    write_image_graph(source / "image.onnx", channels_last=True)
    with pytest.raises(ModelError, match=r'pixels \(any, 8, 8, 3\)\. .* Add channels = "last" to \[image\]'):
        draft(source, tmp_path)


def test_weights_that_the_manifest_does_not_name_are_a_sentence(tmp_path: Path) -> None:
    image = {"output": "image_embeds", "size": SIZE, "sha256": None}
    source = write_tiny_model(tmp_path / "mine", image=image, dimension=32)
    image_graph(source / "image.onnx", output="image_embeds", external=True)
    with pytest.raises(ModelError, match=r"keeps weights in image\.onnx_data\. Name that file under \[files\]"):
        draft(source, tmp_path)
