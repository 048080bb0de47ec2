from pathlib import Path

import numpy as np
import pytest

from server.embedding.ort import open_tower
from server.errors import ModelError


def open_text(path: Path, inputs: tuple[str, ...] = ("input_ids",), output: str = "embedding") -> object:
    return open_tower(path, threads=1, inputs=inputs, output=output)


def test_a_file_that_is_no_graph_is_an_error_of_ours(tmp_path: Path) -> None:
    path = tmp_path / "text.onnx"
    path.write_bytes(b"not a graph")
    with pytest.raises(ModelError, match=r"text\.onnx is not an ONNX graph") as caught:
        open_text(path)
    assert str(tmp_path) not in caught.value.message
    assert caught.value.__cause__ is not None


def test_names_that_differ_from_the_manifest_are_shown_side_by_side(tiny_folder: Path) -> None:
    with pytest.raises(ModelError, match="has the inputs input_ids, but the manifest names tokens"):
        open_text(tiny_folder / "text.onnx", inputs=("tokens",))
    with pytest.raises(ModelError, match="has the outputs embedding, but the manifest names pooled"):
        open_text(tiny_folder / "text.onnx", output="pooled")


def test_a_run_that_fails_is_an_error_of_ours(tiny_folder: Path) -> None:
    tower = open_tower(tiny_folder / "text.onnx", threads=1, inputs=("input_ids",), output="embedding")
    with pytest.raises(ModelError, match=r"failed to run text\.onnx"):
        tower.run({"input_ids": np.array([[99_999]])})


def test_ids_are_cast_to_what_the_graph_takes(tiny_folder: Path) -> None:
    tower = open_tower(tiny_folder / "text.onnx", threads=1, inputs=("input_ids",), output="embedding")
    np.testing.assert_array_equal(
        tower.run({"input_ids": np.array([[1, 2]], np.int32)}), tower.run({"input_ids": np.array([[1, 2]])})
    )
