"""The rule that chooses between int8 and float32, and the graphs that it leads to."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from server.embedding.clip import ClipEncoder
from server.embedding.manifest import Manifest, read_manifest
from server.embedding.ort import Runtime, open_tower
from server.errors import ModelError
from server.model_store import precision
from server.model_store import quantise as quantise_module
from server.model_store.calibration import CalibrationSet, Embedded, draw_set
from server.model_store.external_data import external_files
from server.model_store.precision import Choice, Chosen, Loss, choose
from server.model_store.quantise import quantise
from tests.tiny_model import write_tiny_model

CHANCE = 0.04


@pytest.mark.parametrize(
    ("recall", "recall_int8", "agreement", "too_much"),
    [
        (0.60, 0.60, 0.95, False),
        (0.60, 0.59, 0.80, False),  # one point is not more than one point
        (0.60, 0.589, 0.95, True),
        (0.60, 0.65, 0.50, False),  # a gain is no loss
        (0.05, 0.01, 0.90, False),  # at chance, recall says nothing
        (0.05, 0.05, 0.60, True),  # and the order decides
    ],
)
def test_the_rule(recall: float, recall_int8: float, agreement: float, too_much: bool) -> None:
    assert Loss(recall, recall_int8, agreement, CHANCE).too_much == too_much


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    return read_manifest(write_tiny_model(tmp_path / "tiny", precision="float32"))


@pytest.fixture(scope="module")
def pairs() -> CalibrationSet:
    return draw_set(20)


def chosen(manifest: Manifest, pairs: CalibrationSet, choice: Choice) -> tuple[Chosen, str]:
    lines: list[str] = []
    result = choose(manifest, choice, pairs, Runtime(), lines.append)
    return result, "\n".join(lines)


def loses(tower: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make int8 ruin one tower, as it does to some: its vectors come out reversed."""
    said = precision._said

    def ruined(manifest: Manifest, which: precision.Tower, full: Embedded, *rest: object) -> Embedded:
        result = said(manifest, which, full, *rest)  # type: ignore[arg-type]
        if which != tower:
            return result
        return Embedded(-result.texts, result.pictures) if which == "text" else Embedded(result.texts, -result.pictures)

    monkeypatch.setattr(precision, "_said", ruined)


def test_towers_that_lose_nothing_become_int8(manifest: Manifest, pairs: CalibrationSet) -> None:
    result, said = chosen(manifest, pairs, "auto")
    # The tiny text tower has no matrix product; int8 leaves it as it is, and it loses nothing.
    assert (result.manifest.text.file, result.manifest.image.file) == ("text-int8.onnx", "image-int8.onnx")
    assert result.quantisation is not None
    assert "text and image" in result.quantisation
    assert "near chance" in said


@pytest.mark.parametrize(("tower", "other"), [("text", "image"), ("image", "text")])
def test_a_tower_that_loses_too_much_stays_float32_and_the_other_does_not(
    manifest: Manifest, pairs: CalibrationSet, tower: str, other: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    loses(tower, monkeypatch)
    result, said = chosen(manifest, pairs, "auto")
    assert getattr(result.manifest, tower).file == f"{tower}.onnx"
    assert getattr(result.manifest, other).file == f"{other}-int8.onnx"
    assert f"The {tower} tower stays float32" in said
    assert f"the {tower} tower stays float32" in (result.quantisation or "")
    assert result.measured[f"agreement_{tower}_int8"] < 0.7


def test_int8_by_hand_overrides_the_rule(
    manifest: Manifest, pairs: CalibrationSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    loses("text", monkeypatch)
    result, _ = chosen(manifest, pairs, "int8")
    assert (result.manifest.text.precision, result.manifest.image.precision) == ("int8", "int8")


def fails(where: str, tower: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The quantiser does not know the tower's operators, or makes of it a graph that cannot run."""
    import onnx

    original = precision.quantise

    def quantise_or_not(source: Path, target: Path) -> None:
        if source.stem != tower:
            original(source, target)
        elif where == "quantiser":
            raise ModelError(f"{source.name} cannot be made int8: its operators are unknown to the quantiser.")
        else:
            model = onnx.load(source)
            model.graph.node[-1].op_type = "NobodyKnows"
            onnx.save(model, target)

    monkeypatch.setattr(precision, "quantise", quantise_or_not)


@pytest.mark.parametrize("where", ["quantiser", "graph"])
@pytest.mark.parametrize(("tower", "other"), [("text", "image"), ("image", "text")])
def test_a_tower_that_cannot_be_int8_stays_float32_and_the_other_does_not(
    manifest: Manifest, pairs: CalibrationSet, where: str, tower: str, other: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fails(where, tower, monkeypatch)
    result, said = chosen(manifest, pairs, "auto")
    assert getattr(result.manifest, tower).file == f"{tower}.onnx"
    assert getattr(result.manifest, other).file == f"{other}-int8.onnx"
    assert f"The {tower} tower stays float32, since it cannot be made int8" in said
    assert f"the {tower} tower stays float32, which cannot be made int8" in (result.quantisation or "")
    assert f"recall_{other}_int8" in result.measured
    assert f"recall_{tower}_int8" not in result.measured


@pytest.mark.parametrize("where", ["quantiser", "graph"])
def test_where_int8_is_asked_for_a_tower_that_cannot_is_a_sentence(
    manifest: Manifest, pairs: CalibrationSet, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fails(where, "image", monkeypatch)
    with pytest.raises(ModelError, match=r"The image tower cannot be made int8: .* --precision float32\."):
        chosen(manifest, pairs, "int8")


def test_float32_by_hand_measures_nothing_else(manifest: Manifest, pairs: CalibrationSet) -> None:
    result, _ = chosen(manifest, pairs, "float32")
    assert (result.manifest, result.quantisation, set(result.measured)) == (manifest, None, {"recall"})


def test_two_towers_that_are_cheap_alone_and_not_together(
    manifest: Manifest, pairs: CalibrationSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = Loss(0.60, 0.58, 0.9, CHANCE)
    answers = iter([Loss(0.60, 0.595, 0.9, CHANCE), Loss(0.60, 0.591, 0.9, CHANCE), together, together])
    monkeypatch.setattr(precision, "_loss", lambda *_: next(answers))
    result, _ = chosen(manifest, pairs, "auto")
    assert (result.manifest.text.precision, result.manifest.image.precision) == ("int8", None)


def test_a_graph_near_2_gb_keeps_its_int8_weights_beside_it(
    manifest: Manifest, pairs: CalibrationSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quantise_module, "_LARGE", 0)
    result, _ = chosen(manifest, pairs, "int8")
    assert set(result.manifest.files) == {"text-int8.onnx.data", "image-int8.onnx.data"}
    assert ClipEncoder(result.manifest).embed_image(Image.new("RGB", (9, 9))).shape == (manifest.dimension,)


def test_an_int8_graph_is_near_and_smaller(manifest: Manifest) -> None:
    source, target = manifest.folder / "image.onnx", manifest.folder / "small.onnx"
    quantise(source, target)
    assert target.stat().st_size < source.stat().st_size / 2
    assert external_files(target) == set()
    encoder = ClipEncoder(manifest)
    picture = Image.effect_noise((30, 20), 80).convert("RGB")
    pixels = encoder.prepare(picture)[None]
    vector = open_tower(target, threads=1, inputs=("pixel_values",), output="embedding").run({"pixel_values": pixels})[
        0
    ]
    assert float(vector @ encoder.embed_image(picture) / np.linalg.norm(vector)) > 0.99
