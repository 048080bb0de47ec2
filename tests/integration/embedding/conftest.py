from pathlib import Path

import pytest

from server import resources
from server.embedding.clip import ClipEncoder
from server.embedding.manifest import read_manifest
from server.embedding.ort import Runtime
from tests.tiny_model import DIMENSION, write_tiny_model


@pytest.fixture(scope="session", params=["tiny", "bundled"])
def model_folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A graph made by the test, and the model that ships."""
    if request.param == "tiny":
        means = {"text_mean": [0.2] * DIMENSION, "image_mean": [-0.1] * DIMENSION}
        return write_tiny_model(tmp_path_factory.mktemp("models") / "tiny", calibration=means)
    if not (resources.DEFAULT_MODEL / "manifest.toml").is_file():
        pytest.skip("there is no bundled model in models/default")
    return resources.DEFAULT_MODEL


@pytest.fixture(scope="session")
def encoder(model_folder: Path) -> ClipEncoder:
    return ClipEncoder(read_manifest(model_folder), Runtime(image_threads=2))
