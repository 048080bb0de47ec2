"""Vitrine's own search, called as the API calls it, but with a query's vector in the place of a picture."""

from __future__ import annotations

import time
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, cast

from pgvector import HalfVector
from PIL import Image

from benchmarks.clusters import Floats
from benchmarks.engine.answers import TOP, Asked, Marks
from benchmarks.engine.filters import CURRENCY
from benchmarks.engine.shop import number_of
from server.db.engine import Database
from server.embedding.encoder import Vector
from server.search.plan import EF_SEARCH
from server.search.query import Filters, Query
from server.search.service import ResultPage, SearchService
from tests.fakes import FakeEncoder, fake_manifest

WALK = "SELECT sku FROM product WHERE status = 'live' ORDER BY embedding <=> %s::halfvec LIMIT %s"


class _Given(FakeEncoder):
    """Takes a vector for a picture and gives it back."""

    def embed_image(self, image: Image.Image) -> Vector:
        return cast(Vector, image)


class Ours:
    """Answers of the search room: a checked pooled connection, the plan, the SQL, the hits, the cursor. No HTTP."""

    def __init__(self, database: Database, dimension: int) -> None:
        self.database = database
        encoder = _Given(fake_manifest(dimension))
        self.service = SearchService(database, encoder, "0123456789abcdef", CURRENCY)
        # The catalogue's model is called by the digest that the fake one has.
        with database.connection() as connection:
            connection.execute("UPDATE embedding_model SET digest = %s", [encoder.manifest.digest])

    def page(self, query: Floats, filters: Filters, limit: int = TOP) -> ResultPage:
        """The first page."""
        return self.service.by_image(lambda _: cast(Any, query), Query(filters=filters, limit=limit))

    def answer(self, asked: Asked, marks: Marks) -> None:
        """Ask once and note what came."""
        filters = asked.bounds.filters()
        began = time.perf_counter()
        page = self.page(asked.query, filters)
        took = (time.perf_counter() - began) * 1000
        marks.add(asked, [number_of(hit.sku) for hit in page.hits], took)
        marks.plans.append(str(page.plan.path))
        marks.incomplete += not page.plan.complete

    def statements(self, questions: Iterable[Asked], marks: Marks) -> None:
        """The SQL of a search of everything alone, as anybody may write it, on one connection."""
        with self.database.connection() as connection:
            connection.execute("SELECT set_config('hnsw.ef_search', %s, true)", [str(EF_SEARCH)])
            for asked in questions:
                cursor, vector = connection.cursor(binary=True), HalfVector(asked.query)
                began = time.perf_counter()
                rows = cursor.execute(WALK, [vector, TOP], prepare=True).fetchall()
                marks.add(asked, [number_of(sku) for (sku,) in rows], (time.perf_counter() - began) * 1000)

    def unfiltered(self, query: Floats) -> ResultPage:
        """The first page of all."""
        return self.page(query, Filters())

    def under_price(self, query: Floats, price: Decimal) -> ResultPage:
        """The first page of what costs no more."""
        return self.page(query, Filters(price_max=price, currency=CURRENCY))
