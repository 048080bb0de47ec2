"""Graphs read without the package onnx, beside what it reads."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="needs the package onnx: pip install 'vitrine[models]'")

import onnx
from onnx import TensorProto, helper, numpy_helper

from server.errors import ModelError
from server.sql_tower.graph import read_graph
from server.sql_tower.values import Values


def write(path: Path, *, external: bool = False) -> dict[str, np.ndarray]:
    """A graph that keeps numbers in every way that ONNX has."""
    rng = np.random.default_rng(0)
    arrays = {
        "raw": rng.standard_normal((3, 4)).astype(np.float32),
        "half": rng.standard_normal((2, 2)).astype(np.float16),
        "byte": rng.integers(-5, 5, (4, 2)).astype(np.int8),
        "scalar": np.array(2.5, np.float32),
    }
    weights = [numpy_helper.from_array(array, name) for name, array in arrays.items()]
    plain = {"floats": ([1.5, -2.0], TensorProto.FLOAT), "longs": ([-7, 1 << 40], TensorProto.INT64),
             "halves": ([1.5, -0.25], TensorProto.FLOAT16)}  # fmt: skip
    for name, (numbers, kind) in plain.items():
        weights.append(helper.make_tensor(name, kind, [2], numbers))
        arrays[name] = numpy_helper.to_array(weights[-1])
    nodes = [
        helper.make_node("DequantizeLinear", ["byte", "scalar"], ["dequantised"]),
        helper.make_node("Transpose", ["dequantised"], ["turned"], perm=[1, 0]),
        helper.make_node("MatMul", ["input", "turned"], ["output"]),
    ]
    ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 2]) for name in ("input", "output")]
    model = helper.make_model(helper.make_graph(nodes, "small", ports[:1], ports[1:], weights))
    outside = {"save_as_external_data": True, "location": "weights.bin", "size_threshold": 0} if external else {}
    onnx.save(model, str(path), **outside)
    return arrays


@pytest.mark.parametrize("external", [False, True])
def test_weights_are_those_that_onnx_reads(tmp_path: Path, external: bool) -> None:
    arrays = write(tmp_path / "g.onnx", external=external)
    graph = read_graph(tmp_path / "g.onnx")
    assert graph.weights.keys() == arrays.keys()
    for name, array in arrays.items():
        found = graph.weights[name]
        assert found.shape == array.shape
        np.testing.assert_array_equal(found.array(), array)


def test_what_depends_on_no_input_is_computed_and_nothing_else(tmp_path: Path) -> None:
    arrays = write(tmp_path / "g.onnx")
    values = Values(read_graph(tmp_path / "g.onnx"))
    turned = values.constant("turned")
    assert turned is not None
    np.testing.assert_allclose(turned, arrays["byte"].T * 2.5)
    assert values.constant("output") is None
    assert values.given("output", {"input": np.ones((1, 2))}) is None


def test_weights_outside_the_folder_and_files_that_are_missing_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "g.onnx", external=True)
    (tmp_path / "weights.bin").unlink()
    with pytest.raises(ModelError, match="Weights beside the text tower cannot be read"):
        read_graph(tmp_path / "g.onnx").weights["raw"].array()
