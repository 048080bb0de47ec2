"""Ready pairs of small ONNX graphs, laid out as transformers.js and immich publish them. Written in milliseconds.

The graphs mean nothing, but they behave as towers do: the text tower reads a text at its end token and sees only what
comes before it, or sees all of it through a mask; different inputs give different vectors.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer

from tests.tiny_model import CONTEXT, END, PAD, START, write_tokenizer

DIMENSION = 32
SIZE = 16
WIDTH = 48
PREPROCESSOR = {
    "crop_size": {"height": SIZE, "width": SIZE},
    "do_center_crop": True,
    "do_normalize": True,
    "do_resize": True,
    "image_mean": [0.5, 0.4, 0.3],
    "image_processor_type": "CLIPImageProcessor",
    "image_std": [0.3, 0.3, 0.25],
    "resample": 3,
    "size": {"shortest_edge": SIZE},
}
PREPROCESS_CFG = {
    "size": [SIZE, SIZE],
    "mode": "RGB",
    "mean": [0.5, 0.4, 0.3],
    "std": [0.3, 0.3, 0.25],
    "interpolation": "bicubic",
    "resize_mode": "shortest",
    "fill_color": 0,
}
SPECIALS = {"bos_token": START, "eos_token": {"content": END}, "pad_token": PAD, "model_max_length": CONTEXT}


def write_transformers_js(folder: Path, *, variant: str = "", kind: str = "clip", **graphs: Any) -> Path:
    """onnx/text_model.onnx and onnx/vision_model.onnx beside config.json. Skips the test where onnx is missing.

    variant: what stands behind the graphs' names, such as "_quantized". graphs: keywords of `text_graph`, and
    `image_batch`.
    """
    (folder / "onnx").mkdir(parents=True, exist_ok=True)
    image_batch = graphs.pop("image_batch", "batch")
    vocabulary = _write_text_files(folder)
    text_graph(folder / f"onnx/text_model{variant}.onnx", vocabulary, output="text_embeds", **graphs)
    image_graph(folder / f"onnx/vision_model{variant}.onnx", output="image_embeds", batch=image_batch)
    _json(folder / "config.json", {"model_type": kind, "text_config": {"max_position_embeddings": CONTEXT}})
    _json(folder / "preprocessor_config.json", PREPROCESSOR)
    (folder / "README.md").write_text("---\nlicense: mit\ntags:\n- clip\n---\n# A model\n", encoding="utf-8")
    return folder


def write_immich(folder: Path, **graphs: Any) -> Path:
    """textual/model.onnx (int32 ids, always CONTEXT of them) and visual/model.onnx, as open_clip exports them."""
    for name in ("textual", "visual"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    vocabulary = _write_text_files(folder / "textual")
    visual: dict[str, Any] = {key: graphs[key] for key in ("external", "location") if key in graphs}
    fixed: dict[str, Any] = {"length": CONTEXT, "integers": "int32", "name": "text", "output": "text_embedding"}
    text_graph(folder / "textual/model.onnx", vocabulary, **(fixed | graphs))
    image_graph(folder / "visual/model.onnx", name="image", output="image_embedding", **visual)
    _json(folder / "visual/preprocess_cfg.json", PREPROCESS_CFG)
    _json(folder / "config.json", {"embed_dim": DIMENSION, "text_cfg": {"context_length": CONTEXT}})
    return folder


def text_graph(
    path: Path,
    vocabulary: int,
    *,
    name: str = "input_ids",
    output: str,
    causal: bool = True,
    batch: int | str = "batch",
    length: int | str = "length",
    integers: str = "int64",
    external: bool = False,
    location: str | None = None,
    pads_matter: bool = False,
) -> None:
    """Token ids -> (batch, DIMENSION): what stands before the end token, or under the mask, through two matrices.

    batch, length: a number for an axis that is fixed. external: the weights lie in a file beside the graph, of the name
    `location`. pads_matter: what stands behind the end token counts too.
    """
    pytest.importorskip("onnx", reason="needs the package onnx: pip install 'vitrine[models]'")
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(1)
    weights = {
        "table": rng.standard_normal((vocabulary, WIDTH)).astype(np.float32),
        "first": rng.standard_normal((WIDTH, WIDTH)).astype(np.float32) / 7,
        "second": rng.standard_normal((WIDTH, DIMENSION)).astype(np.float32),
        "end": np.array(_end_id(path), np.int64),
        "one": np.array(1, np.int64),
    }
    read = _read_all() if pads_matter else _read_at_end() if causal else _read_mean()
    nodes = [
        helper.make_node("Cast", [name], ["ids"], to=TensorProto.INT64),
        helper.make_node("Gather", ["table", "ids"], ["rows"]),
        *read,
        helper.make_node("MatMul", ["read", "first"], ["hidden"]),
        helper.make_node("Tanh", ["hidden"], ["bent"]),
        helper.make_node("MatMul", ["bent", "second"], [output]),
    ]
    integer = TensorProto.INT32 if integers == "int32" else TensorProto.INT64
    inputs = [helper.make_tensor_value_info(name, integer, [batch, length])]
    if not causal:
        inputs.append(helper.make_tensor_value_info("attention_mask", integer, [batch, length]))
    arrays = [numpy_helper.from_array(array, key) for key, array in weights.items()]
    _save(path, nodes, inputs, (output, DIMENSION), arrays, batch, external=external, location=location)


def image_graph(
    path: Path,
    *,
    name: str = "pixel_values",
    output: str,
    batch: int | str = "batch",
    dimension: int = DIMENSION,
    external: bool = False,
    location: str | None = None,
) -> None:
    """(batch, 3, SIZE, SIZE) float32 -> (batch, dimension): two matrices over all pixels."""
    pytest.importorskip("onnx", reason="needs the package onnx: pip install 'vitrine[models]'")
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(2)
    first = rng.standard_normal((3 * SIZE * SIZE, WIDTH)).astype(np.float32) / 28
    second = rng.standard_normal((WIDTH, dimension)).astype(np.float32)
    nodes = [
        helper.make_node("Flatten", [name], ["flat"], axis=1),
        helper.make_node("MatMul", ["flat", "first"], ["hidden"]),
        helper.make_node("Tanh", ["hidden"], ["bent"]),
        helper.make_node("Gemm", ["bent", "second"], [output]),
    ]
    inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [batch, 3, SIZE, SIZE])]
    arrays = [numpy_helper.from_array(first, "first"), numpy_helper.from_array(second, "second")]
    _save(path, nodes, inputs, (output, dimension), arrays, batch, external=external, location=location)


def _read_at_end() -> list[Any]:
    """What a causal tower does: everything up to the first end token, and nothing behind it."""
    from onnx import TensorProto, helper

    return [
        helper.make_node("CumSum", ["rows", "one"], ["so_far"]),
        helper.make_node("Equal", ["ids", "end"], ["is_end"]),
        helper.make_node("Cast", ["is_end"], ["is_end_number"], to=TensorProto.FLOAT),
        helper.make_node("ArgMax", ["is_end_number"], ["place"], axis=1, keepdims=1),
        helper.make_node("GatherND", ["so_far", "place"], ["read"], batch_dims=1),
    ]


def _read_mean() -> list[Any]:
    """What a tower with a mask does: the mean over the tokens that are no padding."""
    from onnx import TensorProto, helper

    return [
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["mask", "last"], ["mask_column"]),
        helper.make_node("Mul", ["rows", "mask_column"], ["kept"]),
        helper.make_node("ReduceMean", ["kept"], ["read"], axes=[1], keepdims=0),
    ]


def _read_all() -> list[Any]:
    """A mean over everything, padding included."""
    from onnx import helper

    return [helper.make_node("ReduceMean", ["rows"], ["read"], axes=[1], keepdims=0)]


def _write_text_files(folder: Path) -> int:
    write_tokenizer(folder / "tokenizer.json")
    _json(folder / "tokenizer_config.json", SPECIALS)
    return Tokenizer.from_file(str(folder / "tokenizer.json")).get_vocab_size()


def _end_id(graph: Path) -> int:
    beside = graph.parent / "tokenizer.json"
    path = beside if beside.exists() else graph.parent.parent / "tokenizer.json"
    return int(Tokenizer.from_file(str(path)).token_to_id(END))


def _json(path: Path, data: dict[str, Any]) -> None:
    path.write_text(json.dumps(data, indent=1), encoding="utf-8")


def _save(
    path: Path, nodes: list[Any], inputs: list[Any], output: tuple[str, int], arrays: list[Any], batch: int | str,
    *, external: bool = False, location: str | None = None,
) -> None:  # fmt: skip
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    arrays = [*arrays, numpy_helper.from_array(np.array([-1], np.int64), "last")]
    used = {name for node in nodes for name in node.input}
    arrays = [array for array in arrays if array.name in used]
    result = helper.make_tensor_value_info(output[0], TensorProto.FLOAT, [batch, output[1]])
    graph = helper.make_graph(nodes, "small", inputs, [result], arrays)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    place = {"save_as_external_data": True, "location": location or f"{path.name}_data", "size_threshold": 0}
    outside = place if external else {}
    onnx.save(model, str(path), **outside)
