"""The model in use: loaded once, left when the database has another, and opened before it is needed."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from server.embedding import current as module
from server.embedding.current import ActiveModel, CurrentEncoder
from server.embedding.encoder import Encoder
from server.errors import OtherModel, SettingError, VitrineError
from tests.fakes import FakeEncoder, fake_manifest


class Shelf:
    """Models by digest; remembers which were loaded."""

    def __init__(self, *names: str) -> None:
        self.models = {one.manifest.digest: one for one in (FakeEncoder(fake_manifest(name=name)) for name in names)}
        self.loaded: list[str] = []
        self.tried = threading.Event()

    def load(self, active: ActiveModel) -> Encoder:
        self.loaded.append(active.name)
        self.tried.set()
        return self.models.get(active.digest) or module.refuse_other(active)

    def named(self, name: str) -> ActiveModel:
        return ActiveModel(name, "1", fake_manifest(name=name).digest)

    def current(self, first: str) -> CurrentEncoder:
        return CurrentEncoder(lambda: self.load(self.named(first)), self.load, query_cache=10)

    def slow(self, first: str, opening: threading.Event, go_on: threading.Event) -> CurrentEncoder:
        """Works with `first`; opening any other sets `opening` and lasts until `go_on`."""

        def load(active: ActiveModel) -> Encoder:
            opening.set()
            assert go_on.wait(30)
            return self.load(active)

        current = CurrentEncoder(lambda: self.load(self.named(first)), load)
        current.get()
        return current


def settle() -> None:
    """Until a model that is expected was opened."""
    for thread in threading.enumerate():
        if thread.name == "expect":
            thread.join()


def test_nothing_is_loaded_before_it_is_used_and_then_once() -> None:
    shelf = Shelf("one")
    current = shelf.current("one")
    assert shelf.loaded == []
    with ThreadPoolExecutor(8) as pool:
        assert len({id(loaded) for loaded in pool.map(lambda _: current.get(), range(50))}) == 1
    assert shelf.loaded == ["one"]


def test_many_that_follow_at_once_load_once_and_each_model_has_its_own_memory() -> None:
    shelf = Shelf("one", "two")
    current = shelf.current("one")
    assert not current.get().embed_query("shirt").cached
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: current.follow(shelf.named("two")), range(20)))
    assert shelf.loaded == ["one", "two"]
    assert current.get().encoder.manifest.name == "two"
    assert not current.get().embed_query("shirt").cached


def test_the_model_before_is_kept_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = Shelf("one", "two")
    current = shelf.current("one")
    current.get()
    current.follow(shelf.named("two"))
    current.follow(shelf.named("one"))
    assert shelf.loaded == ["one", "two"]
    monkeypatch.setattr(module, "KEEP_SECONDS", -1.0)
    current.follow(shelf.named("two"))
    current.get()
    current.follow(shelf.named("one"))
    assert shelf.loaded == ["one", "two", "one"]


def test_a_model_that_is_not_there_leaves_the_one_in_use() -> None:
    shelf = Shelf("one")
    current = shelf.current("one")
    current.get()
    with pytest.raises(OtherModel, match=r"model two \(1\), which is not installed here"):
        current.follow(shelf.named("two"))
    assert current.get().encoder.manifest.name == "one"


def test_a_model_that_is_about_to_come_is_open_when_it_does() -> None:
    shelf = Shelf("one", "two")
    current = shelf.current("one")
    current.get()
    for _ in range(5):
        current.expect(shelf.named("two"))
    settle()
    assert current.get().encoder.manifest.name == "one"
    assert shelf.loaded == ["one", "two"]
    assert current.follow(shelf.named("two")).encoder.manifest.name == "two"
    assert shelf.loaded == ["one", "two"]


def test_a_model_that_is_about_to_come_and_is_not_there_disturbs_nobody() -> None:
    shelf = Shelf("one")
    current = shelf.current("one")
    current.get()
    for _ in range(5):
        current.expect(shelf.named("two"))
    assert shelf.tried.wait(30)
    settle()
    current.expect(shelf.named("two"))
    settle()
    assert shelf.loaded == ["one", "two"]
    assert current.get().encoder.manifest.name == "one"


@pytest.mark.parametrize("failure", [OtherModel, SettingError])
def test_a_model_that_could_not_be_opened_ahead_is_tried_again(
    failure: type[VitrineError], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "EXPECT_AGAIN_SECONDS", 0.0)
    shelf, broken = Shelf("one", "two"), [failure("No.")]

    def load(active: ActiveModel) -> Encoder:
        if broken:
            raise broken.pop()
        return shelf.load(active)

    current = CurrentEncoder(lambda: shelf.load(shelf.named("one")), load)
    current.get()
    for _ in range(2):
        current.expect(shelf.named("two"))
        settle()
    assert shelf.loaded == ["one", "two"]
    current.follow(shelf.named("two"))
    assert shelf.loaded == ["one", "two"]


def test_whoever_works_with_the_model_in_use_does_not_wait_for_one_that_is_opened() -> None:
    shelf, opening, go_on = Shelf("one", "two"), threading.Event(), threading.Event()
    current = shelf.slow("one", opening, go_on)
    with ThreadPoolExecutor(3) as pool:
        following = pool.submit(current.follow, shelf.named("two"))
        try:
            assert opening.wait(30)
            assert pool.submit(current.get).result(10).encoder.manifest.name == "one"
            assert pool.submit(current.follow, shelf.named("one")).result(10).encoder.manifest.name == "one"
        finally:
            go_on.set()
        assert following.result(30).encoder.manifest.name == "two"


def test_whoever_needs_a_model_that_is_opened_ahead_waits_for_that_and_opens_none() -> None:
    shelf, opening, go_on = Shelf("one", "two"), threading.Event(), threading.Event()
    current = shelf.slow("one", opening, go_on)
    current.expect(shelf.named("two"))
    assert opening.wait(30)
    with ThreadPoolExecutor(1) as pool:
        following = pool.submit(current.follow, shelf.named("two"))
        go_on.set()
        assert following.result(30).encoder.manifest.name == "two"
    settle()
    assert shelf.loaded == ["one", "two"]


def test_a_model_that_was_expected_for_too_long_is_opened_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EXPECT_SECONDS", -1.0)
    shelf = Shelf("one", "two")
    current = shelf.current("one")
    for _ in range(2):
        current.get()
        current.expect(shelf.named("two"))
        settle()
    assert shelf.loaded == ["one", "two", "two"]
