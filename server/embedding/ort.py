"""The runtime: ONNX graphs on the CPU. The only file that imports onnxruntime."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from server.errors import ModelError

# onnxruntime says "error" for what it also raises; only fatal lines are worth a place on standard error.
FATAL_ONLY = 4

_DTYPES = {
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
}


class Tower(Protocol):
    """One graph, ready to run. Thread-safe."""

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
        """Named inputs -> the tower's output, rows in the order of the inputs. Raises ModelError."""


class OrtTower:
    """A Tower on onnxruntime's CPU provider."""

    def __init__(self, session: Any, output: str, file: str) -> None:
        self._session = session
        self._output = output
        self._file = file
        # An exporter chooses int32 or int64, float32 or float16; the caller need not know.
        self._dtypes = {node.name: _DTYPES.get(node.type) for node in session.get_inputs()}

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
        """Cast the inputs to what the graph takes and run it; onnxruntime releases the GIL meanwhile."""
        feed = {name: np.ascontiguousarray(array, dtype=self._dtypes.get(name)) for name, array in inputs.items()}
        try:
            (output,) = self._session.run([self._output], feed)
        except Exception as exc:
            raise ModelError(
                f"The embedding model failed to run {self._file}.",
                shapes={name: array.shape for name, array in feed.items()},
            ) from exc
        return np.asarray(output)


def open_tower(path: Path, *, threads: int, inputs: tuple[str, ...], output: str) -> Tower:
    """Load a graph and check that it has these inputs and this output.

    threads: cores that one run may use. Raises ModelError.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = FATAL_ONLY
    # Threads that spin while they wait take the core from whoever decodes the next pictures: on two busy cores a
    # spinning image tower made 0.65 times the pictures in batches of 16 and half of them one by one (medians of 60
    # paired rounds, two threads). The memory arena made no difference that could be told from noise, nor to a text.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as exc:
        raise ModelError(
            f"{path.name} is not an ONNX graph that this version of onnxruntime can load. Install the model again.",
            path=str(path),
        ) from exc
    _check_names(path, "input", inputs, {node.name for node in session.get_inputs()})
    _check_names(path, "output", (output,), {node.name for node in session.get_outputs()}, rest_allowed=True)
    return OrtTower(session, output, path.name)


def _check_names(
    path: Path, kind: str, wanted: tuple[str, ...], found: set[str], *, rest_allowed: bool = False
) -> None:
    if set(wanted) == found or (rest_allowed and set(wanted) <= found):
        return
    raise ModelError(
        f"{path.name} has the {kind}s {', '.join(sorted(found))}, but the manifest names {', '.join(wanted)}.",
        path=str(path),
    )


@dataclass(frozen=True)
class Port:
    """An input or output of a graph. shape: a number for each fixed axis, None for one that may vary."""

    name: str
    shape: tuple[int | None, ...]
    is_integer: bool


def read_ports(path: Path) -> tuple[list[Port], list[Port]]:
    """A graph's inputs and outputs, without the cost of optimising it. Raises ModelError."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = FATAL_ONLY
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as exc:
        raise ModelError(
            f"{path.name} is not an ONNX graph that this version of onnxruntime can load.", path=str(path)
        ) from exc
    return [_port(node) for node in session.get_inputs()], [_port(node) for node in session.get_outputs()]


def _port(node: Any) -> Port:
    shape = tuple(axis if isinstance(axis, int) and axis > 0 else None for axis in node.shape)
    return Port(node.name, shape, "int" in node.type)
