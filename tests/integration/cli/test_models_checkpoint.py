"""`vitrine models add` with PyTorch checkpoints, from the command to the verified model."""

import json
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs torch: pip install 'vitrine[models]'")
pytest.importorskip("transformers", reason="needs transformers: pip install 'vitrine[models]'")

from server.embedding.clip import ClipEncoder
from server.embedding.manifest import read_manifest
from server.model_store import add, calibration
from tests.integration.cli.conftest import Run
from tests.reference_models import SMALL_CLIP, write_clip_checkpoint


@pytest.fixture
def checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(add, "draw_set", lambda: calibration.draw_set(20))
    write_clip_checkpoint(tmp_path / "small-clip", config=SMALL_CLIP)
    return tmp_path / "small-clip"


def test_a_checkpoint_is_converted_measured_and_verified_against_itself(
    run: Run, data_dir: Path, checkpoint: Path
) -> None:
    assert run("models", "add", str(checkpoint)).exit_code == 0
    model = read_manifest(data_dir / "models/small-clip")
    assert model.text.causal
    assert min(model.measured["parity_text_float32"], model.measured["parity_image_float32"]) >= 0.99999
    assert 0.9 < model.measured["parity_image"] <= 1
    assert (model.precision, model.files) == ("int8", {})
    assert ClipEncoder(model).embed_text("a red mug").shape == (model.dimension,)
    result = run("models", "verify", "small-clip", "--json")
    assert result.exit_code == 0
    checks = {check["name"]: check for check in json.loads(result.stdout)["checks"]}
    assert checks["original, text"]["value"] == pytest.approx(model.measured["parity_text"], abs=0.002)
    assert checks["original, image"]["ok"]
