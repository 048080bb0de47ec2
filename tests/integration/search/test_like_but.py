"""Like this product, but so: the words, and the words said of its kind, beside its own vector."""

from collections.abc import Callable

import numpy as np
import pytest

from server.db.engine import Database
from server.search.facts import CatalogueFacts
from server.search.query import Query
from server.search.service import SearchService
from tests.factories import add_model, add_product, unit_vector
from tests.fakes import FakeEncoder


def test_its_kind_is_said_with_the_words(database: Database, search: SearchService, encoder: FakeEncoder) -> None:
    asked: list[str] = []
    embed: Callable[[str], np.ndarray] = encoder.embed_text
    encoder.embed_text = lambda text: (asked.append(text), embed(text))[1]  # type: ignore[method-assign]
    with database.connection() as connection:
        model = add_model(connection, digest=encoder.manifest.digest)
        for number, category in enumerate(("Apparel/Shirts", "Mugs", None)):
            vector = unit_vector(number)
            add_product(connection, f"P-{number}", embedding=vector, embedding_model=model, category=category)
    search.facts = CatalogueFacts(database, "USD")
    for number, said in enumerate((["blue", "blue Shirts"], ["blue", "blue Mugs"], ["blue"])):
        asked.clear()
        page = search.like_but(f"P-{number}", "blue", Query())
        assert {hit.sku for hit in page.hits} == {"P-0", "P-1", "P-2"} - {f"P-{number}"}
        # A query that was embedded before is remembered.
        assert asked == said or asked == said[1:]


@pytest.mark.parametrize("words", ["mug", "blue mugs", "blue category:mugs"])
def test_another_kind_is_said_alone(
    database: Database, search: SearchService, encoder: FakeEncoder, words: str
) -> None:
    with database.connection() as connection:
        model = add_model(connection, digest=encoder.manifest.digest)
        for number, category in enumerate(("Apparel/Shirts", "Kitchen/Mugs")):
            vector = unit_vector(number)
            add_product(connection, f"P-{number}", embedding=vector, embedding_model=model, category=category)
    page = search.like_but("P-0", words, Query())
    assert [hit.sku for hit in page.hits] == ["P-1"]
    assert not any("Shirts" in text for text in encoder.texts_run)
