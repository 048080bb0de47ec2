from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import onnxruntime
import pytest

from server.embedding import clip
from server.embedding.ort import PROVIDERS, Tower, offered_providers, open_tower
from server.embedding.registry import load_encoder
from server.errors import ModelError, SettingError
from server.settings import load_settings


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


# -- execution providers ---------------------------------------------------------------------------------------------


class Session(onnxruntime.InferenceSession):
    """A real session on the CPU that was asked for another provider and says what the test wants it to say."""

    providers: ClassVar[list[str]] = []
    parts: ClassVar[list[str]] = []
    asked: ClassVar[list[Any]] = []

    def __init__(self, path: str, options: Any, providers: list[Any], **more: Any) -> None:
        assert more == {"enable_fallback": 0}
        self.asked[:] = providers
        super().__init__(path, options, providers=["CPUExecutionProvider"])

    def get_providers(self) -> list[str]:
        return self.providers

    def get_provider_graph_assignment_info(self) -> list[SimpleNamespace]:
        return [SimpleNamespace(ep_name=name) for name in self.parts]


@pytest.fixture
def with_cuda(monkeypatch: pytest.MonkeyPatch) -> type[Session]:
    """An onnxruntime that was built with CUDA."""
    built_with = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: built_with)
    monkeypatch.setattr(onnxruntime, "InferenceSession", Session)
    monkeypatch.setattr(Session, "providers", built_with)
    monkeypatch.setattr(Session, "parts", ["CPUExecutionProvider", "CUDAExecutionProvider"])
    return Session


def open_on(folder: Path, provider: str) -> Tower:
    return open_tower(
        folder / "text.onnx", threads=1, inputs=("input_ids",), output="embedding", provider=provider, arena=False
    )


def test_the_cpu_says_that_it_is_the_cpu(tiny_folder: Path) -> None:
    assert open_on(tiny_folder, "cpu").provider == "cpu"
    assert "cpu" in offered_providers()


def test_what_this_onnxruntime_was_not_built_with_is_refused_with_what_it_offers(
    tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    with pytest.raises(SettingError, match=r"is cuda, but the installed onnxruntime offers only cpu\."):
        open_on(tiny_folder, "cuda")


def test_a_provider_that_takes_the_session_is_the_one_that_is_told(tiny_folder: Path, with_cuda: type[Session]) -> None:
    assert open_on(tiny_folder, "cuda").provider == "cuda"
    assert with_cuda.asked == [("CUDAExecutionProvider", {}), "CPUExecutionProvider"]
    assert offered_providers() == ["cpu", "cuda"]


def test_a_session_that_fell_back_to_the_cpu_is_refused(
    tiny_folder: Path, with_cuda: type[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(with_cuda, "providers", ["CPUExecutionProvider"])
    with pytest.raises(SettingError, match=r"cannot start it.* choose one of: cpu\."):
        open_on(tiny_folder, "cuda")


def test_a_provider_that_leaves_all_to_the_cpu_is_refused(
    tiny_folder: Path, with_cuda: type[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(with_cuda, "parts", ["CPUExecutionProvider"])
    with pytest.raises(SettingError, match=r"can compute nothing of text\.onnx"):
        open_on(tiny_folder, "cuda")


def test_a_provider_that_fails_is_told_from_a_graph_that_is_damaged(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = onnxruntime.InferenceSession

    def fail(path: str, options: Any, providers: list[Any], **more: Any) -> Any:
        if providers[0] != "CPUExecutionProvider":
            raise RuntimeError("libcublas.so.12: cannot open shared object file")
        return real(path, options, providers=providers, **more)

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider"])
    monkeypatch.setattr(onnxruntime, "InferenceSession", fail)
    with pytest.raises(SettingError, match="cannot start it"):
        open_on(tiny_folder, "cuda")
    (tmp_path / "text.onnx").write_bytes(b"not a graph")
    with pytest.raises(ModelError, match="is not an ONNX graph"):
        open_on(tmp_path, "cuda")


def test_every_provider_is_known_to_the_setting_and_by_its_name_to_onnxruntime() -> None:
    for name in PROVIDERS:
        assert load_settings(_env_file=None, VITRINE_EXECUTION_PROVIDER=name).execution_provider == name
    assert set(PROVIDERS.values()) <= set(onnxruntime.get_all_providers())


def test_a_provider_that_is_not_there_is_refused_before_a_tower_is_opened(
    tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    settings = load_settings(_env_file=None, VITRINE_MODEL=str(tiny_folder), VITRINE_EXECUTION_PROVIDER="coreml")
    with pytest.raises(SettingError, match="VITRINE_EXECUTION_PROVIDER is coreml"):
        load_encoder(settings)


def test_the_settings_reach_the_towers(tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[dict[str, Any]] = []

    def listen(path: Path, **how: Any) -> Tower:
        opened.append(how)
        return open_tower(path, **how)

    monkeypatch.setattr(clip, "open_tower", listen)
    settings = load_settings(
        _env_file=None,
        VITRINE_MODEL=str(tiny_folder),
        VITRINE_TEXT_THREADS=2,
        VITRINE_TOWER_THREADS=3,
        VITRINE_MEMORY_ARENA="no",
    )
    encoder = load_encoder(settings)
    encoder.load_text()
    encoder.load_image()
    assert encoder.execution_provider == "cpu"
    assert [how["threads"] for how in opened] == [2, 3]
    assert [how["arena"] for how in opened] == [False, False]
