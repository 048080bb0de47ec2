"""Searches while the model is changed: none fails, and no page holds what two models ranked."""

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import psycopg
import pytest
from numpy.typing import NDArray

from server.activation import session
from server.activation import switch as switch_module
from server.embedding.current import ActiveModel, CurrentEncoder
from server.errors import InvalidCursor, OtherModel
from server.search import plan as planning
from server.search import service as service_module
from server.search.query import Query, Sort
from server.search.service import ResultPage, SearchService
from tests.fakes import FakeEncoder
from tests.integration.activation.conftest import Shop, product

Expected = Callable[[Shop, FakeEncoder], dict[str, NDArray[np.float32]]]


def assert_of_one_model(page: ResultPage, vectors: dict[str, dict[str, NDArray[np.float32]]], query: Any) -> None:
    """Every score is what the model that the page names gives, computed here from its own vectors."""
    assert page.model is not None
    mine = vectors[page.model.name]
    wanted = query(page.model.name)
    for hit in page.hits:
        assert hit.score == pytest.approx(float(mine[hit.sku] @ wanted), abs=5e-3), page.model.name


@pytest.mark.parametrize("name", ["twin", "wide"])
@pytest.mark.parametrize("sort", [Sort.RELEVANCE, Sort.PRICE_ASC])
def test_a_switch_after_the_query_was_embedded_begins_the_search_again(
    shop: Shop, name: str, sort: Sort, monkeypatch: pytest.MonkeyPatch
) -> None:
    new: FakeEncoder = getattr(shop, name)
    search = shop.search
    for encoder, other in ((shop.old, new), (new, shop.old)):
        embed = encoder.embed_text
        once: list[str] = []

        def switch_then_answer(text: str, embed: Any = embed, other: Any = other, once: Any = once) -> Any:
            vector = embed(text)
            if not once:
                once.append(text)
                shop.activate(other)
            return vector

        monkeypatch.setattr(encoder, "embed_text", switch_then_answer)
        words = f"Thing T-03 {encoder.manifest.name}"
        page = search.by_text(words, Query(limit=3, sort=sort))
        assert once == [words]
        assert page.model is not None
        assert page.model.name == other.manifest.name
        assert shop.current.get().encoder is other
        wanted = other.embed_text(words)
        found = shop.vectors()
        for hit in page.hits:
            assert hit.score == pytest.approx(float(found[hit.sku][1] @ wanted), abs=5e-3)


@pytest.mark.parametrize("exact_rows", [0, planning.EXACT_ROWS])
@pytest.mark.parametrize("name", ["twin", "wide"])
def test_a_switch_waits_for_a_search_that_has_begun(
    shop: Shop, name: str, exact_rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "EXACT_ROWS", exact_rows)
    monkeypatch.setattr(planning, "EXACT_ROWS_WITHOUT_SKETCHES", exact_rows)
    # Many tries and short ones, so that the switch would take any moment in which it could happen.
    monkeypatch.setattr(session, "TRIES_IN_A_ROW", 1)
    new: FakeEncoder = getattr(shop, name)
    at_switch, begin = threading.Event(), service_module.begin

    def stop(phase: str, done: int, total: int, rate: float | None) -> None:
        if phase == "switch":
            raise KeyboardInterrupt

    def tell(phase: str, done: int, total: int, rate: float | None) -> None:
        if phase == "switch":
            at_switch.set()

    # All is ready but for the switch.
    with pytest.raises(KeyboardInterrupt):
        shop.activate(new, on_progress=stop)
    switching = threading.Thread(target=lambda: shop.activate(new, on_progress=tell))

    def begin_then_wait(connection: Any, *asked: Any) -> Any:
        begun = begin(connection, *asked)
        if not switching.ident:
            switching.start()
            assert at_switch.wait(60)
            switching.join(0.5)
        return begun

    monkeypatch.setattr(service_module, "begin", begin_then_wait)
    page = shop.search.by_text("Thing T-03", Query(limit=5))
    assert page.model is not None
    assert page.model.name == "old"
    switching.join()
    found, wanted = shop.vectors("embedding_other"), shop.old.embed_text("Thing T-03")
    for hit in page.hits:
        assert hit.score == pytest.approx(float(found[hit.sku][1] @ wanted), abs=5e-3)
    after = shop.search.by_text("Thing T-03", Query(limit=5))
    assert after.model is not None
    assert after.model.name == name


def test_where_gaps_keep_coming_writers_wait_and_searches_do_not(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    # As after some rounds beside an import that goes on.
    monkeypatch.setattr(switch_module, "ROUNDS", 0)
    seen: list[str] = []
    is_switching = False

    def tell(phase: str, done: int, total: int, rate: float | None) -> None:
        nonlocal is_switching
        if phase == "switch":
            is_switching = True
            shop.catalog.put(product("Late-1"))
        elif phase == "fill" and is_switching:
            seen.extend(hit.sku for hit in shop.search.by_text("Thing Late-1", Query(limit=1)).hits)
            with psycopg.connect(shop.database.url) as writer:
                writer.execute("SET lock_timeout = '50ms'")
                with pytest.raises(psycopg.errors.LockNotAvailable):
                    writer.execute("UPDATE product SET price = 5 WHERE sku = 'P-01'")

    shop.activate(shop.wide, on_progress=tell)
    assert seen == ["Late-1"]
    assert {name for name, _ in shop.vectors().values()} == {"wide"}
    assert len(shop.vectors()) == 41


def test_the_like_of_a_product_is_of_one_model_too(shop: Shop) -> None:
    # More calls than after which the driver prepares a statement, on the connections of one pool.
    for encoder in (shop.wide, shop.old, shop.twin):
        for _ in range(8):
            shop.search.similar("P-03", Query(limit=3))
        shop.activate(encoder)
        page = shop.search.similar("P-03", Query(limit=3))
        assert page.model is not None
        assert page.model.name == encoder.manifest.name
        found = shop.vectors()
        for hit in page.hits:
            assert hit.score == pytest.approx(float(found[hit.sku][1] @ found["P-03"][1]), abs=5e-3)


def test_a_cursor_of_the_model_before_is_refused_with_the_reason(shop: Shop) -> None:
    first = shop.search.by_text("Thing", Query(limit=5))
    browsed = shop.search.by_text("", Query(limit=5))
    shop.activate(shop.wide)
    with pytest.raises(InvalidCursor, match="before the shop's model was changed"):
        shop.search.by_text("Thing", Query(limit=5, cursor=first.next_cursor))
    rest = shop.search.by_text("", Query(limit=100, cursor=browsed.next_cursor))
    assert len(rest.hits) == 35


def test_a_cursor_made_by_a_server_that_is_ahead_is_understood(shop: Shop) -> None:
    behind = SearchService(shop.database, shop.process(), "0123456789abcdef", "USD")
    behind.by_text("Thing", Query())
    shop.activate(shop.wide)
    first = shop.search.by_text("Thing", Query(limit=5))
    second = behind.by_text("Thing", Query(limit=5, cursor=first.next_cursor))
    assert not {hit.sku for hit in first.hits} & {hit.sku for hit in second.hits}


def test_a_model_that_is_not_installed_here_is_named(shop: Shop) -> None:
    poor = SearchService(shop.database, shop.old, "0123456789abcdef", "USD")
    assert poor.by_text("Thing", Query()).total == 40
    shop.activate(shop.wide)
    with pytest.raises(OtherModel, match=r"embedded by the model wide \(1\), which is not installed here"):
        poor.by_text("Thing", Query())
    # What needs no model of this machine goes on.
    assert poor.similar("P-03", Query()).total == 39
    assert poor.by_text("", Query()).total == 40


def test_a_query_that_was_remembered_is_not_mistaken_for_the_new_models(shop: Shop) -> None:
    search = shop.search
    for encoder in (shop.old, shop.twin, shop.old):
        shop.activate(encoder)
        for _ in range(2):
            assert search.by_text("Thing T-03", Query()).hits[0].score == pytest.approx(1.0, abs=0.01)


def test_four_who_search_all_the_time_see_no_failure_and_no_mixture(shop: Shop, expected: Expected) -> None:
    over, pages, failures = threading.Event(), [], []
    words = [f"Thing T-{n:02}" for n in range(10)]

    def client(number: int) -> None:
        search = SearchService(shop.database, shop.process(), "0123456789abcdef", "USD")
        turn = number
        while not over.is_set():
            turn += 1
            text, sort = words[turn % len(words)], (Sort.RELEVANCE, Sort.PRICE_ASC)[turn % 2]
            try:
                if turn % 5 == 4:
                    pages.append(("P-03", search.similar("P-03", Query(limit=10))))
                else:
                    pages.append((text, search.by_text(text, Query(limit=10, sort=sort))))
                    browsed = search.by_text("", Query(limit=10))
                    assert len(browsed.hits) == 10
            except Exception as exc:
                failures.append(repr(exc))

    clients = [threading.Thread(target=client, args=(number,)) for number in range(4)]
    for thread in clients:
        thread.start()
    for encoder in (shop.wide, shop.old, shop.twin, shop.slim):
        shop.activate(encoder)
    over.set()
    for thread in clients:
        thread.join()
    assert failures == []
    encoders = {one.manifest.name: one for one in (shop.old, shop.twin, shop.wide, shop.slim)}
    vectors = {name: expected(shop, encoder) for name, encoder in encoders.items()}
    for text, page in pages:
        assert len(page.hits) == 10

        def wanted(name: str, text: str = text) -> NDArray[np.float32]:
            return vectors[name][text] if text == "P-03" else encoders[name].embed_text(text)

        assert_of_one_model(page, vectors, wanted)
    assert {page.model.name for _, page in pages if page.model is not None} >= {"old", "slim"}


def test_the_new_model_is_open_before_the_switch(shop: Shop) -> None:
    opened: list[str] = []

    def load(active: ActiveModel) -> FakeEncoder:
        opened.append(active.name)
        return shop.wide if active.name == "wide" else shop.old

    current = CurrentEncoder(lambda: shop.old, load)
    search = SearchService(shop.database, current, "0123456789abcdef", "USD")
    before: list[str] = []

    def tell(phase: str, done: int, total: int, rate: float | None) -> None:
        search.by_text("Thing", Query())
        if phase == "switch":
            for thread in threading.enumerate():
                if thread.name == "expect":
                    thread.join()
            before.extend(opened)

    shop.activate(shop.wide, on_progress=tell)
    assert before == ["wide"]
    page = search.by_text("Thing", Query())
    assert page.model is not None
    assert (page.model.name, opened) == ("wide", ["wide"])


def test_pages_of_one_walk_stay_with_one_model(shop: Shop) -> None:
    shop.catalog.put(product("Z-1"))
    page = shop.search.by_text("Thing", Query(limit=15))
    seen = [hit.sku for hit in page.hits]
    shop.activate(shop.wide)
    shop.activate(shop.old)
    # Back at the model that it was made under, the walk goes on where it was.
    while page.next_cursor is not None:
        page = shop.search.by_text("Thing", replace(Query(limit=15), cursor=page.next_cursor))
        seen += [hit.sku for hit in page.hits]
    assert len(seen) == len(set(seen)) == 41
