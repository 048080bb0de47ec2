"""Names of the files beside a graph, read and changed without the package onnx."""

from pathlib import Path

import pytest

from server.errors import ModelError
from server.model_store.external_data import external_files, rename_external
from tests.ready_models import image_graph
from tests.tiny_model import write_image_graph

onnx = pytest.importorskip("onnx", reason="needs the package onnx: pip install 'vitrine[models]'")


def test_names_are_read_where_onnx_wrote_them(tmp_path: Path) -> None:
    image_graph(tmp_path / "image.onnx", output="image_embeds", external=True, location="weights.bin")
    write_image_graph(tmp_path / "whole.onnx")
    assert external_files(tmp_path / "image.onnx") == {"weights.bin"}
    assert external_files(tmp_path / "whole.onnx") == set()


def test_a_graph_with_other_names_is_the_same_graph(tmp_path: Path) -> None:
    graph, long = tmp_path / "image.onnx", "w" * 200 + ".data"
    image_graph(graph, output="image_embeds", external=True)
    before = onnx.load(graph)
    (tmp_path / "image.onnx_data").rename(tmp_path / long)
    rename_external(graph, {"image.onnx_data": long})
    assert external_files(graph) == {long}
    assert onnx.load(graph) == before


def test_names_inside_a_branch_are_seen(tmp_path: Path) -> None:
    from onnx import TensorProto, helper

    weights = helper.make_tensor("w", TensorProto.FLOAT, [1], bytes(4), raw=True)
    onnx.external_data_helper.set_external_data(weights, "branch.bin")
    weights.data_location = TensorProto.EXTERNAL
    node = helper.make_node("Constant", [], ["w"], value=weights)
    branch = helper.make_graph([node], "branch", [], [])
    choice = helper.make_node("If", ["c"], ["y"], then_branch=branch, else_branch=branch)
    model = helper.make_model(helper.make_graph([choice], "all", [], []))
    (tmp_path / "if.onnx").write_bytes(model.SerializeToString())
    assert external_files(tmp_path / "if.onnx") == {"branch.bin"}


@pytest.mark.parametrize("location", ["../weights.bin", "/etc/passwd", "sub/weights.bin", ".."])
def test_a_graph_that_leads_elsewhere_is_refused(tmp_path: Path, location: str) -> None:
    graph = tmp_path / "image.onnx"
    image_graph(graph, output="image_embeds", external=True, location="weights.bin")
    rename_external(graph, {"weights.bin": location})
    with pytest.raises(ModelError, match="which is not a file beside it"):
        external_files(graph)


@pytest.mark.parametrize("content", [b"", b"\xff" * 40, b"not a graph", b"\x3a\x05ab", b"\x3a\x00" * 9])
def test_what_is_no_graph_has_no_files(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.onnx").write_bytes(content)
    assert external_files(tmp_path / "x.onnx") == set()
    rename_external(tmp_path / "x.onnx", {"a": "b"})
    assert (tmp_path / "x.onnx").read_bytes() == content
