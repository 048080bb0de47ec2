import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from server.embedding.cache import CachedTextEncoder
from server.embedding.encoder import Vector
from server.errors import ModelError
from tests.fakes import FakeEncoder


class SlowEncoder(FakeEncoder):
    """Holds every text until `go` is set; fails while `broken`."""

    def __init__(self) -> None:
        super().__init__()
        self.started, self.go = threading.Event(), threading.Event()
        self.broken = False

    def embed_text(self, text: str) -> Vector:
        self.started.set()
        assert self.go.wait(10)
        if self.broken:
            raise ModelError("broken")
        return super().embed_text(text)


def test_a_repeated_query_runs_the_tower_once_and_says_so() -> None:
    encoder = FakeEncoder()
    cache = CachedTextEncoder(encoder, 10)
    first, again = cache.embed_query("blue shirt"), cache.embed_query("blue shirt")
    assert (first.cached, again.cached) == (False, True)
    assert again.vector is first.vector
    np.testing.assert_array_equal(first.vector, encoder.embed_text("blue shirt"))
    assert encoder.texts_run == ["blue shirt"] * 2


def test_what_was_used_longest_ago_is_forgotten_first() -> None:
    encoder = FakeEncoder()
    cache = CachedTextEncoder(encoder, 2)
    for text in ("a", "b", "a", "c"):
        cache.embed_query(text)
    assert len(cache) == 2
    assert cache.embed_query("a").cached
    assert not cache.embed_query("b").cached


def test_a_size_of_nought_remembers_nothing() -> None:
    cache = CachedTextEncoder(FakeEncoder(), 0)
    assert [cache.embed_query("a").cached for _ in range(2)] == [False, False]
    assert len(cache) == 0


def test_clear_forgets() -> None:
    cache = CachedTextEncoder(FakeEncoder(), 5)
    cache.embed_query("a")
    cache.clear()
    assert not cache.embed_query("a").cached


def test_nobody_can_change_what_is_remembered() -> None:
    cache = CachedTextEncoder(FakeEncoder(), 5)
    with pytest.raises(ValueError, match="read-only"):
        cache.embed_query("a").vector[0] = 1


def test_half_an_emoji_is_a_query_too() -> None:
    cache = CachedTextEncoder(FakeEncoder(), 5)
    cache.embed_query("\ud83d")
    assert cache.embed_query("\ud83d").cached


def test_simultaneous_misses_of_one_text_share_one_run() -> None:
    encoder = SlowEncoder()
    cache = CachedTextEncoder(encoder, 5)
    with ThreadPoolExecutor(8) as pool:
        calls = [pool.submit(cache.embed_query, "blue shirt") for _ in range(8)]
        assert encoder.started.wait(10)
        encoder.go.set()
        answers = [call.result(10) for call in calls]
    assert encoder.texts_run == ["blue shirt"]
    assert sorted(answer.cached for answer in answers) == [False] + [True] * 7
    assert len({id(answer.vector) for answer in answers}) == 1


def test_a_slow_text_does_not_hold_up_a_known_one() -> None:
    encoder = SlowEncoder()
    cache = CachedTextEncoder(encoder, 5)
    encoder.go.set()
    cache.embed_query("known")
    encoder.go.clear()
    encoder.started.clear()
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(cache.embed_query, "slow")
        assert encoder.started.wait(10)
        assert cache.embed_query("known").cached
        assert not slow.done()
        encoder.go.set()


def test_a_failure_reaches_everyone_who_waits_and_is_not_remembered() -> None:
    encoder = SlowEncoder()
    encoder.broken = True
    cache = CachedTextEncoder(encoder, 5)
    with ThreadPoolExecutor(4) as pool:
        calls = [pool.submit(cache.embed_query, "a") for _ in range(4)]
        assert encoder.started.wait(10)
        encoder.go.set()
        for call in calls:
            with pytest.raises(ModelError, match="broken"):
                call.result(10)
    encoder.broken = False
    assert not cache.embed_query("a").cached


def test_many_threads_and_many_texts_agree_with_the_encoder() -> None:
    encoder = FakeEncoder()
    cache = CachedTextEncoder(encoder, 7)
    texts = [f"word{n % 13}" for n in range(600)]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(cache.embed_query, texts))
    for text, answer in zip(texts, answers, strict=True):
        np.testing.assert_array_equal(answer.vector, encoder.embed_text(text))
    assert len(cache) == 7


class Shelf:
    """Keeps vectors for several caches."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], Vector] = {}

    def find(self, digest: str, text: str) -> Vector | None:
        return self.kept.get((digest, text))

    def keep(self, digest: str, text: str, vector: Vector) -> None:
        self.kept[digest, text] = vector


def test_what_stands_on_the_shelf_is_not_embedded_again() -> None:
    shelf, encoder = Shelf(), FakeEncoder()
    first, second = (CachedTextEncoder(encoder, 5, shelf) for _ in range(2))
    made, found = first.embed_query("blue"), second.embed_query("blue")
    assert encoder.texts_run == ["blue"]
    assert (made.cached, found.cached) == (False, True)
    np.testing.assert_array_equal(made.vector, found.vector)
    # What is kept in half precision is what the first one searches with.
    np.testing.assert_array_equal(made.vector, made.vector.astype(np.float16).astype(np.float32))
    assert second.embed_query("blue").vector is found.vector
