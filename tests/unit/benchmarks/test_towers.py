"""What measures the towers: processes that are asked in turns, and an import's way from JPEG to vector."""

import io
import random
from typing import Any

import pytest
from PIL import Image

from benchmarks.contenders import LEAST_CALLS, Ours, Pipeline, repeat
from benchmarks.photos import draw_photos
from benchmarks.towers import TOKENS, Bench, seven_tokens
from benchmarks.workers import interleave, worker, workers
from server.embedding.clip import ClipEncoder
from server.embedding.manifest import read_manifest
from server.embedding.tokenizer import load_tokenizer
from server.resources import DEFAULT_MODEL


class Adder:
    """A contender that adds, or fails."""

    def __init__(self, start: int, *, step: int = 1) -> None:
        self.total, self.step = start, step
        self.load_seconds = 0.5

    def add(self, times: int) -> list[float]:
        if times < 0:
            raise ValueError("no such number of times")
        self.total += times * self.step
        return [float(self.total)]


def test_a_contender_lives_in_its_own_process_and_keeps_its_state() -> None:
    makers: dict[str, tuple[Any, ...]] = {"one": (Adder, 10, {}), "two": (Adder, 10, {"step": 5})}
    with workers(makers) as asked:
        assert [asked["one"].ask("add", 2), asked["two"].ask("add", 2)] == [[12.0], [20.0]]
        assert asked["one"].ask("add", 1) == [13.0]
        assert asked["one"].load_seconds == 0.5
        assert asked["one"].import_load_seconds >= 0
        assert asked["one"].resident_mb() > 5


def test_a_contender_that_fails_ends_the_run_with_its_reason() -> None:
    with worker(Adder, 0) as one, pytest.raises(SystemExit, match="Adder: ValueError: no such number of times"):
        one.ask("add", -1)


def test_every_round_asks_everybody_once() -> None:
    asked: list[str] = []

    def task(name: str) -> list[float]:
        asked.append(name)
        return [1.0, 2.0]

    took = interleave(6, {name: lambda name=name: task(name) for name in "abc"}, random.Random(1))  # type: ignore[misc]
    rounds = ["".join(asked[start : start + 3]) for start in range(0, 18, 3)]
    assert {"".join(sorted(one)) for one in rounds} == {"abc"}
    assert len(set(rounds)) > 1
    assert took == {name: [1.0, 2.0] * 6 for name in "abc"}


def test_a_call_is_repeated_until_the_clock_can_tell() -> None:
    now = iter(range(1000))
    assert repeat(lambda: None, lambda: next(now)) == [1] * LEAST_CALLS


def test_photos_are_of_their_size_and_always_the_same() -> None:
    photos = draw_photos(96, 3)
    assert len(set(photos)) == 3
    assert [Image.open(io.BytesIO(photo)).size for photo in photos] == [(96, 96)] * 3
    draw_photos.cache_clear()
    assert draw_photos(96, 3) == photos


def test_the_query_has_the_number_of_tokens_that_is_told() -> None:
    text = seven_tokens(DEFAULT_MODEL)
    assert len(load_tokenizer(read_manifest(DEFAULT_MODEL)).encode(text)) == TOKENS


def test_the_bundled_model_is_measured_by_every_means(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = Ours(str(DEFAULT_MODEL), 1)
    assert min(ours.text("a red shirt") + ours.images(2)) > 0
    embedded: list[int] = []
    real = ClipEncoder.embed_pixels

    def listen(self: ClipEncoder, pixels: Any) -> Any:
        embedded.append(len(pixels))
        return real(self, pixels)

    monkeypatch.setattr(ClipEncoder, "embed_pixels", listen)
    pipeline = Pipeline(str(DEFAULT_MODEL), 2)
    (seconds,) = pipeline.whole(64, 70)
    assert embedded == [64, 6]
    assert seconds > 0
    assert min(pipeline.prepare(64) + pipeline.tower(64)) > 0


def test_the_share_of_the_bound_is_that_of_the_round(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.towers.CORES", 2)
    bench = Bench(tmp_path, rounds=3, pictures=10)
    row = bench._bound({"prepare": lambda: [0.004], "tower": lambda: [0.006], "whole": lambda: [0.00625]})
    assert row["bound, /s"] == pytest.approx(200)
    assert row["pictures, /s"] == pytest.approx(160)
    assert row["share of bound"] == pytest.approx(0.8)
