"""The runtime: ONNX graphs on the CPU, or where a setting says. The only file that imports onnxruntime."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from server.errors import ModelError, SettingError

# onnxruntime says "error" for what it also raises; only fatal lines are worth a place on standard error.
FATAL_ONLY = 4

# What a setting calls them -> what onnxruntime does.
PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
}

_DTYPES = {
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
}


@dataclass(frozen=True)
class Runtime:
    """Where and how towers run.

    provider: a key of PROVIDERS. text_threads: cores of one run of the text tower. image_threads: cores of the image
    tower, in one run or in several side by side. arena: whether the memory of a run is kept for the next one instead of
    given back, which took 3 to 6% off the CPU time of pictures (int8, batches of 16, one thread, ViT-B/32 and the
    bundled model) and nothing off a text's that could be told from noise.
    """

    provider: str = "cpu"
    text_threads: int = 1
    image_threads: int = 1
    arena: bool = True


class Tower(Protocol):
    """One graph, ready to run. Thread-safe."""

    @property
    def provider(self) -> str:
        """The key of PROVIDERS that names what it runs on."""

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
        """Named inputs -> the tower's output, rows in the order of the inputs. Raises ModelError."""


class OrtTower:
    """A Tower of onnxruntime."""

    def __init__(self, session: Any, output: str, file: str) -> None:
        self._session = session
        self._provider = provider_of(session)
        self._output = output
        self._file = file
        # An exporter chooses int32 or int64, float32 or float16; the caller need not know.
        self._dtypes = {node.name: _DTYPES.get(node.type) for node in session.get_inputs()}

    @property
    def provider(self) -> str:
        return self._provider

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


def offered_providers() -> list[str]:
    """The keys of PROVIDERS that the installed onnxruntime was built with."""
    built_with = set(onnxruntime.get_available_providers())
    return [name for name, known_as in PROVIDERS.items() if known_as in built_with]


def check_provider(provider: str) -> None:
    """Raises SettingError where the installed onnxruntime was not built with this key of PROVIDERS."""
    offered = offered_providers()
    if provider not in offered:
        raise SettingError(
            f"VITRINE_EXECUTION_PROVIDER is {provider}, but the installed onnxruntime offers only "
            f"{', '.join(offered)}. Install a build of onnxruntime that has it, or choose one of these."
        )


def provider_of(session: Any) -> str:
    """The key of PROVIDERS of what a session runs on: the first of its list, the rest only fills in."""
    first = session.get_providers()[0]
    return next((name for name, known_as in PROVIDERS.items() if known_as == first), str(first))


def open_tower(
    path: Path, *, threads: int, inputs: tuple[str, ...], output: str, provider: str = "cpu", arena: bool = True
) -> Tower:
    """Load a graph and check that it has these inputs and this output.

    threads: cores that one run may use. provider, arena: as in Runtime. Raises ModelError, and SettingError where the
    provider is not to be had: what was asked for is never replaced by the CPU.
    """
    check_provider(provider)
    session = _open_session(path, _options(threads, provider, arena), threads, provider)
    _check_names(path, "input", inputs, {node.name for node in session.get_inputs()})
    _check_names(path, "output", (output,), {node.name for node in session.get_outputs()}, rest_allowed=True)
    return OrtTower(session, output, path.name)


def _options(threads: int, provider: str, arena: bool) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = FATAL_ONLY
    options.enable_cpu_mem_arena = arena
    # Threads that spin while they wait take the core from whoever decodes the next pictures: on two busy cores a
    # spinning image tower made 0.65 times the pictures in batches of 16 and half of them one by one (medians of 60
    # paired rounds, two threads).
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if provider != "cpu":
        options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    return options


def _open_session(path: Path, options: Any, threads: int, provider: str) -> Any:
    known_as = PROVIDERS[provider]
    # What the provider cannot compute (shapes, mostly) is computed on the CPU.
    chain: list[Any] = [PROVIDERS["cpu"]]
    if provider != "cpu":
        chain.insert(0, (known_as, {"num_of_threads": str(threads)} if provider == "openvino" else {}))
    try:
        # Without enable_fallback=0 onnxruntime goes on with the CPU where the provider fails, now or in a later run.
        session = onnxruntime.InferenceSession(str(path), options, providers=chain, enable_fallback=0)
    except Exception as exc:
        if provider != "cpu" and _loads_on_cpu(path):
            raise _not_started(provider) from exc
        raise ModelError(
            f"{path.name} is not an ONNX graph that this version of onnxruntime can load. Install the model again.",
            path=str(path),
        ) from exc
    # A provider whose own libraries or device are missing is left out of the session without an error.
    if provider_of(session) != provider:
        raise _not_started(provider)
    if provider != "cpu" and not _takes_part(session, known_as):
        raise SettingError(
            f"VITRINE_EXECUTION_PROVIDER is {provider}, but it can compute nothing of {path.name}, so all of it would "
            "run on the CPU. Set it to cpu, or use another model."
        )
    return session


def _not_started(provider: str) -> SettingError:
    others = ", ".join(name for name in offered_providers() if name != provider)
    return SettingError(
        f"VITRINE_EXECUTION_PROVIDER is {provider}, and onnxruntime has it but cannot start it: its libraries or its "
        f"device are missing. Install them, or choose one of: {others}."
    )


def _takes_part(session: Any, known_as: str) -> bool:
    """Whether the provider has a part of the graph; True where this version of onnxruntime does not tell."""
    tell = getattr(session, "get_provider_graph_assignment_info", None)
    return tell is None or any(part.ep_name == known_as for part in tell())


def _loads_on_cpu(path: Path) -> bool:
    try:
        read_ports(path)
    except ModelError:
        return False
    return True


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
