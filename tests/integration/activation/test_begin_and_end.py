"""What may not begin, what makes room for what, and how one that was begun is given up."""

import psycopg
import pytest

from server.activation import session
from server.activation.progress import read_progress
from server.activation.run import previous_model
from server.activation.session import activation_session
from server.errors import Conflict, ModelError
from server.search.query import Query
from tests.fakes import FakeEncoder, fake_manifest
from tests.integration.activation.conftest import ALL, Expected, Shop, assert_holds, product


def begin(shop: Shop, encoder: FakeEncoder, until: str = "index") -> None:
    """An activation that was interrupted."""

    def stop(phase: str, done: int, total: int, rate: float | None) -> None:
        if phase == until:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        shop.activate(encoder, on_progress=stop)


def other_indexes(shop: Shop) -> list[str]:
    with shop.database.connection() as connection:
        rows = connection.execute(
            "SELECT relname FROM pg_class WHERE relname LIKE 'product_embedding_other%' AND relkind = 'i'"
        )
        return sorted(str(name) for (name,) in rows)


def test_one_that_was_begun_is_given_up_by_activating_the_active_model(shop: Shop, expected: Expected) -> None:
    shop.activate(shop.twin)
    begin(shop, shop.wide, until="switch")
    assert other_indexes(shop) == ["product_embedding_other_gap", "product_embedding_other_hnsw"]
    summary = shop.activate(shop.twin)
    assert (summary.was_active, summary.given_up) == (True, "wide")
    assert shop.states() == {"old": "retired", "twin": "active", "wide": "retired"}
    assert other_indexes(shop) == []
    with shop.database.connection() as connection:
        progress = read_progress(connection)
        with pytest.raises(ModelError, match="There is no previous model to go back to"):
            previous_model(connection)
    assert progress is not None
    assert progress.is_over
    assert progress.sentence({}) == "The last one, of wide (1), was given up."
    assert shop.activate(shop.twin).given_up is None
    # Begun again, it starts anew.
    shop.catalog.put(product("P-03", title="Renamed"))
    assert shop.activate(shop.wide).filled == ALL
    assert_holds(shop, shop.wide, expected)
    assert shop.states()["twin"] == "previous"


def test_a_rollback_that_was_given_up_leaves_the_previous_model(shop: Shop) -> None:
    shop.activate(shop.wide)
    shop.catalog.put(product("New-1"))
    begin(shop, shop.old)
    assert shop.activate(shop.wide).given_up == "old"
    assert shop.states() == {"old": "previous", "wide": "active"}
    assert shop.activate(shop.old).filled == 0


def test_the_start_says_whose_vectors_make_room(shop: Shop) -> None:
    said: list[str] = []
    shop.activate(shop.wide, say=said.append)
    shop.activate(shop.old, say=said.append)
    assert said == []
    begin(shop, shop.wide)
    shop.activate(shop.slim, say=said.append)
    shop.activate(shop.old, say=said.append)
    assert said == ["From now on there is no way back to wide: its vectors make room for those of slim."]
    begin(shop, shop.wide)
    shop.activate(shop.twin, say=said.append)
    assert said[1:] == ["The activation of wide is given up: its vectors make room for those of twin."]


def test_a_candidate_that_was_given_up_makes_room_for_another(
    shop: Shop, expected: Expected, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(phase: str, done: int, total: int, rate: float | None) -> None:
        if phase == "index":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        shop.activate(shop.wide, on_progress=stop)
    shop.activate(shop.slim)
    assert_holds(shop, shop.slim, expected)
    with shop.database.connection() as connection:
        phases = connection.execute("SELECT phase FROM activation ORDER BY id").fetchall()
    assert phases == [("left",), ("done",)]


def test_only_one_at_a_time(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "TAKE_OVER_SECONDS", 0.3)
    with activation_session(shop.database), pytest.raises(Conflict, match="Another activation is under way"):
        shop.activate(shop.wide)


@pytest.mark.parametrize(
    ("dimension", "sentence"),
    [(4_001, "an index takes at most 4,000"), (3_900, "do not fit beside the active model's 64")],
)
def test_vectors_that_are_too_long_are_refused_before_any_work(shop: Shop, dimension: int, sentence: str) -> None:
    with pytest.raises(ModelError, match=sentence):
        shop.activate(FakeEncoder(fake_manifest(dimension, "huge")))
    assert shop.states() == {"old": "active"}


def test_the_longest_vectors_that_are_taken_fit_into_the_row(empty_shop: Shop, expected: Expected) -> None:
    texts = {"title": "t" * 500, "description": "d" * 5_000, "brand": "b" * 200, "category": "c" * 300}
    empty_shop.catalog.put(product("s" * 100, item_group="g" * 100, attributes={"a": "x" * 3_000}, **texts))
    largest = FakeEncoder(fake_manifest(3_900 - 64, "largest"))
    empty_shop.activate(largest)
    assert_holds(empty_shop, largest, expected)


def test_a_transaction_that_was_forgotten_ends_the_tries_with_a_sentence(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "GIVE_UP_SECONDS", 0.0)
    monkeypatch.setattr(session, "TRIES_IN_A_ROW", 2)
    with psycopg.connect(shop.database.url) as forgotten:
        forgotten.execute("SELECT count(*) FROM product")
        with pytest.raises(Conflict, match="Somebody holds the table product for too long"):
            shop.activate(shop.wide)
        assert shop.search.by_text("Thing T-03", Query()).hits[0].sku == "T-03"
    assert shop.activate(shop.wide).filled == ALL
