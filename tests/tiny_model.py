"""A complete model folder that a test can write in milliseconds: two small ONNX graphs, a tokenizer, a manifest.

The graphs mean nothing, but they are real: rows depend on their own input alone, and different inputs give different
vectors.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

DIMENSION = 16
SIZE = 8
CONTEXT = 12
PAD, START, END = "<|pad|>", "<|startoftext|>", "<|endoftext|>"
WORDS = ["blue shirt with stripes", "red leather handbag", "running shoes for women", "a cup of tea"]


def write_tiny_model(
    folder: Path,
    *,
    name: str = "tiny",
    text: dict[str, Any] | None = None,
    image: dict[str, Any] | None = None,
    **top: Any,
) -> Path:
    """Write the model folder; keywords replace or add manifest keys. Skips the test where onnx is not installed."""
    pytest.importorskip("onnx", reason="needs the package onnx: pip install 'vitrine[models]'")
    folder.mkdir(parents=True, exist_ok=True)
    write_tokenizer(folder / "tokenizer.json")
    write_text_graph(folder / "text.onnx")
    write_image_graph(folder / "image.onnx")
    write_manifest(folder, manifest_data(folder) | {"name": name} | top, text or {}, image or {})
    return folder


def manifest_data(folder: Path) -> dict[str, Any]:
    """The manifest of a folder that holds the three files (or none: digests of nothing)."""
    return {
        "format": 1,
        "name": "tiny",
        "revision": "1",
        "dimension": DIMENSION,
        "precision": "fp32",
        "licence": "MIT",
        "source": "made by a test",
        "logit_scale": 20.0,
        "text": {
            "file": "text.onnx",
            "sha256": _sha256(folder / "text.onnx"),
            "tokenizer": "tokenizer.json",
            "tokenizer_sha256": _sha256(folder / "tokenizer.json"),
            "context_length": CONTEXT,
            "causal": True,
            "end_token": END,
            "input": "input_ids",
            "output": "embedding",
        },
        "image": {
            "file": "image.onnx",
            "sha256": _sha256(folder / "image.onnx"),
            "size": SIZE,
            "resize": "pad",
            "background": [255, 255, 255],
            "interpolation": "bicubic",
            "mean": [0.5, 0.4, 0.3],
            "std": [0.3, 0.3, 0.25],
            "input": "pixel_values",
            "output": "embedding",
        },
    }


def write_manifest(
    folder: Path, data: dict[str, Any], text: dict[str, Any] | None = None, image: dict[str, Any] | None = None
) -> None:
    """Write manifest.toml. A value of None leaves the key out."""
    folder.mkdir(parents=True, exist_ok=True)
    data = {**data, "text": data["text"] | (text or {}), "image": data["image"] | (image or {})}
    lines = [_line(key, value) for key, value in data.items() if not isinstance(value, dict)]
    for key, table in data.items():
        if isinstance(table, dict):
            lines += [f"[{key}]", *(_line(name, value) for name, value in table.items())]
    (folder / "manifest.toml").write_text("\n".join(line for line in lines if line) + "\n", encoding="utf-8")


def _line(key: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return f"{key} = {str(value).lower()}"
    if isinstance(value, str):
        return f'{key} = "{value}"'
    return f"{key} = {value}"


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes() if path.exists() else b"").hexdigest()


def write_tokenizer(path: Path) -> None:
    """A byte-level BPE that frames a text with start and end token and, as transformers saves them, pads."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=320,
        special_tokens=[PAD, START, END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(WORDS, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{START} $A {END}",
        special_tokens=[(token, tokenizer.token_to_id(token)) for token in (START, END)],
    )
    tokenizer.enable_padding(length=77, pad_token=PAD)
    tokenizer.save(str(path))


def write_text_graph(path: Path, *, poison: float | None = None) -> None:
    """(batch, length) int64 -> (batch, DIMENSION): the mean of an embedding table's rows, times `poison`.

    Padding has a row of zeros, so a text has one direction at every length.
    """
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(1)
    table = rng.standard_normal((400, DIMENSION)).astype(np.float32) * np.float32(1 if poison is None else poison)
    table[0] = 0  # PAD
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["rows"]),
        helper.make_node("ReduceMean", ["rows"], ["embedding"], axes=[1], keepdims=0),
    ]
    inputs = [helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch", "length"])]
    _save(path, nodes, inputs, [numpy_helper.from_array(table, "table")])


def write_image_graph(path: Path, *, channels_last: bool = False, axes: Sequence[int | str] = ()) -> None:
    """(batch, 3, SIZE, SIZE) float32 -> (batch, DIMENSION): one matrix over all pixels.

    channels_last: the same for (batch, SIZE, SIZE, 3). axes: what the graph says of its input, if it is something else.
    """
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(2)
    matrix = rng.standard_normal((3 * SIZE * SIZE, DIMENSION)).astype(np.float32)
    turned = [helper.make_node("Transpose", ["pixel_values"], ["turned"], perm=[0, 3, 1, 2])]
    nodes = [
        *(turned if channels_last else []),
        helper.make_node("Flatten", ["turned" if channels_last else "pixel_values"], ["flat"], axis=1),
        helper.make_node("MatMul", ["flat", "matrix"], ["embedding"]),
    ]
    shape = axes or (["batch", SIZE, SIZE, 3] if channels_last else ["batch", 3, SIZE, SIZE])
    inputs = [helper.make_tensor_value_info("pixel_values", TensorProto.FLOAT, shape)]
    _save(path, nodes, inputs, [numpy_helper.from_array(matrix, "matrix")])


def _save(path: Path, nodes: list[Any], inputs: list[Any], weights: list[Any]) -> None:
    import onnx
    from onnx import TensorProto, helper

    output = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", DIMENSION])
    graph = helper.make_graph(nodes, "tiny", inputs, [output], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, str(path))
