"""A search service over the test database, with vectors that a test chooses itself."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from server.db.engine import Database
from server.search import plan as planning
from server.search.service import SearchService
from server.search.statements import SQL
from tests.factories import DIMENSION, add_model, unit_vector
from tests.fakes import FakeEncoder, fake_manifest

Vector = NDArray[np.float32]


class Knowing(FakeEncoder):
    """Knows the text "query", whose vector is `unit_vector(0)`."""

    def embed_text(self, text: str) -> Vector:
        return unit_vector(0) if text == "query" else super().embed_text(text)


@pytest.fixture
def encoder() -> FakeEncoder:
    return Knowing(fake_manifest(DIMENSION))


@pytest.fixture
def search(database: Database, encoder: FakeEncoder) -> SearchService:
    """Knows the text "query", whose vector is `unit_vector(0)`."""
    with database.connection() as connection:
        add_model(connection, digest=encoder.manifest.digest)
    return SearchService(database, encoder, "0123456789abcdef", "USD")


@pytest.fixture
def near() -> Callable[[float], Vector]:
    """A unit vector at a chosen cosine distance from the query's."""

    def make(distance: float, seed: int = 1) -> Vector:
        query, other = unit_vector(0), unit_vector(seed)
        across = other - (other @ query) * query
        across /= np.linalg.norm(across)
        cosine = 1.0 - distance
        return (cosine * query + np.sqrt(1 - cosine**2) * across).astype(np.float32)

    return make


@pytest.fixture
def index_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every filter is walked, as in a catalogue of many. Among so few rows Postgres would rather sort them all."""
    monkeypatch.setattr(planning, "EXACT_ROWS", 0)
    monkeypatch.setattr(planning, "EXACT_ROWS_WITHOUT_SKETCHES", 0)
    last = "'4', true)"
    more = ", set_config('enable_sort', 'off', true), set_config('enable_seqscan', 'off', true)"
    begin = SQL["begin"].replace(last, last + more)
    assert more in begin
    monkeypatch.setitem(SQL, "begin", begin)
