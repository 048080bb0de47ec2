from pathlib import Path

import pytest

from server.embedding.clip import ClipEncoder
from server.embedding.manifest import read_manifest
from tests.tiny_model import write_tiny_model


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model that no test may change."""
    return write_tiny_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="session")
def tiny_encoder(tiny_folder: Path) -> ClipEncoder:
    return ClipEncoder(read_manifest(tiny_folder))
