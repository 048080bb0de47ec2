"""Databases of their own with a text tower in them: the bundled model's, and those of random CLIPs."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest
from numpy.typing import NDArray

from server import resources
from server.db import migrate
from server.db.engine import Database
from server.embedding.clip import ClipEncoder
from server.embedding.manifest import Manifest
from server.embedding.ort import open_tower
from server.embedding.registry import read_complete
from server.embedding.tokenizer import TextTokenizer, load_tokenizer
from server.sql_tower.install import TowerReport, install_tower
from tests.databases import fresh_database
from tests.dequantised import write_dequantised
from tests.factories import add_model


@dataclass
class Installed:
    """A model whose tower is in a database where it is the active one."""

    database: Database
    manifest: Manifest
    report: TowerReport
    tokenizer: TextTokenizer

    def ask(self, sql: str, *values: Any) -> Any:
        """The one value of a statement, in a transaction of its own."""
        with self.database.connection() as connection:
            row = connection.execute(sql, values).fetchone()
        assert row is not None
        return row[0]

    def encoder(self) -> ClipEncoder:
        """The model outside the database."""
        return ClipEncoder(self.manifest)

    def vector(self, text: str) -> NDArray[np.float64]:
        """embed_text, at length 1 to float64's last digit."""
        return unit(self.ask("SELECT vitrine_sql.embed_text(%s)", text).to_numpy())


def unit(vector: NDArray[Any]) -> NDArray[np.float64]:
    wide = vector.astype(np.float64)
    return wide / np.linalg.norm(wide)


def make_active(database: Database, manifest: Manifest) -> None:
    with database.connection() as connection:
        connection.execute("DELETE FROM embedding_model")
        add_model(connection, name=manifest.name, digest=manifest.digest, dimension=manifest.dimension)


def installed(database: Database, folder: Path) -> Installed:
    manifest = read_complete(folder)
    make_active(database, manifest)
    with database.connection() as connection:
        report = install_tower(connection, manifest)
    return Installed(database, manifest, report, load_tokenizer(manifest))


@pytest.fixture(scope="package")
def bundled_folder() -> Path:
    if not (resources.DEFAULT_MODEL / "manifest.toml").is_file():
        pytest.skip("there is no bundled model in models/default")
    return resources.DEFAULT_MODEL


@pytest.fixture(scope="package")
def bundled(migrated: Database, bundled_folder: Path) -> Iterator[Installed]:
    with fresh_database(migrated) as database:
        migrate.upgrade(database, 256)
        yield installed(database, bundled_folder)


@pytest.fixture
def clean(bundled: Installed) -> Iterator[Installed]:
    """The bundled model's tower, and nothing remembered before or behind."""
    forget = "TRUNCATE query_embedding"
    with bundled.database.connection() as connection:
        connection.execute(forget)
    yield bundled
    with bundled.database.connection() as connection:
        connection.execute(forget)


class GraphInFloats:
    """A model's text graph in float32 arithmetic on its own weights."""

    def __init__(self, manifest: Manifest, folder: Path) -> None:
        pytest.importorskip("onnx", reason="needs the package onnx: pip install 'vitrine[models]'")
        spec = manifest.text
        path = write_dequantised(manifest.folder / spec.file, folder / "float.onnx")
        self._tower = open_tower(path, threads=1, inputs=(spec.input,), output=spec.output)
        self._input = spec.input

    def embed(self, ids: list[int]) -> NDArray[np.float64]:
        return unit(self._tower.run({self._input: np.array([ids])})[0])


def add_analyst(connection: psycopg.Connection, role: str) -> None:
    """A role that may call embed_text and nothing else."""
    connection.execute(f"CREATE ROLE {role}")
    connection.execute(f"GRANT USAGE ON SCHEMA vitrine_sql TO {role}")
    connection.execute(f"GRANT EXECUTE ON FUNCTION vitrine_sql.embed_text(text) TO {role}")
