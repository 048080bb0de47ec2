"""Matrix products as int8: smaller graphs that run two to four times as fast. Needs the extra [models]."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from server.errors import ModelError
from server.model_store.external_data import external_files

METHOD = "int8 dynamic: MatMul and Gemm with constant weights, 7 bits, one scale a column"

# Protobuf holds no more than 2 GB in one file; a graph that comes near it keeps its weights in one of its own.
_LARGE = 1_900_000_000


def can_quantise() -> bool:
    """Whether the packages are there."""
    return find_spec("onnx") is not None


def quantise(source: Path, target: Path) -> None:
    """Write a graph whose matrix products with constant weights are int8, one scale a column.

    Activations are scaled at run time, so no pictures or texts are needed. Weights take 7 bits (reduce_range): with 8,
    the products overflow on processors without VNNI, silently. Tables of tokens, convolutions and products of two
    activations stay in float32: little speed is in them, and most of the loss. A graph near 2 GB keeps its weights in
    `target` with `.data` added. Raises ModelError for a graph that cannot be read, OSError.
    """
    # onnxruntime's quantiser imports onnx, which a server without [models] has not.
    from onnxruntime.quantization import QuantType, quantize_dynamic

    size = source.stat().st_size + sum((source.parent / name).stat().st_size for name in external_files(source))
    with _quiet():
        try:
            quantize_dynamic(
                source, target, op_types_to_quantize=["MatMul"], per_channel=True, reduce_range=True,
                weight_type=QuantType.QInt8, use_external_data_format=size > _LARGE,
                extra_options={"MatMulConstBOnly": True},
            )  # fmt: skip
        except (OSError, MemoryError):
            raise
        except Exception as exc:
            raise ModelError(f"{source.name} cannot be made int8: its operators are unknown to the quantiser.") from exc


@contextmanager
def _quiet() -> Iterator[None]:
    # The quantiser recommends a preparation that changes nothing for these graphs.
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
