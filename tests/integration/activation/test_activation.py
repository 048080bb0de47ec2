"""Another model for a shop that is open: whole, resumable, and nothing is lost on the way."""

import threading
from pathlib import Path

import numpy as np
import psycopg
import pytest
from numpy.typing import NDArray

from server.activation import fill
from server.activation.progress import read_progress
from server.catalog.ingest import Importer
from server.search.query import Query
from tests.fakes import FakeEncoder
from tests.integration.activation.conftest import ALL, Expected, Shop, assert_holds, product


@pytest.mark.parametrize("name", ["twin", "wide", "slim"])
def test_a_shop_gets_another_model_and_keeps_the_one_before(shop: Shop, expected: Expected, name: str) -> None:
    new: FakeEncoder = getattr(shop, name)
    summary = shop.activate(new)
    assert (summary.name, summary.previous, summary.filled, summary.products) == (name, "old", ALL, ALL)
    assert shop.states() == {"old": "previous", name: "active"}
    assert_holds(shop, new, expected)
    assert_holds(shop, shop.old, expected, "embedding_other")
    with shop.database.connection() as connection:
        assert connection.execute("SELECT sum(number) FROM work_done").fetchone() == (2 * ALL,)
    page = shop.search.by_text("Thing T-03", Query(limit=3))
    assert page.hits[0].sku == "T-03"
    assert page.hits[0].score == pytest.approx(1.0, abs=0.01)
    assert page.model is not None
    assert page.model.name == name


def test_back_and_forth_embeds_nothing_twice(shop: Shop, expected: Expected) -> None:
    shop.activate(shop.wide)
    assert shop.activate(shop.old).filled == 0
    assert shop.states() == {"old": "active", "wide": "previous"}
    assert_holds(shop, shop.old, expected)
    assert_holds(shop, shop.wide, expected, "embedding_other")
    shop.catalog.put(product("New-1"))
    assert shop.activate(shop.wide).filled == 1
    assert_holds(shop, shop.wide, expected)


def test_a_third_model_takes_the_place_of_the_previous(shop: Shop, expected: Expected) -> None:
    shop.activate(shop.wide)
    shop.activate(shop.slim)
    assert shop.states() == {"old": "retired", "wide": "previous", "slim": "active"}
    assert_holds(shop, shop.slim, expected)
    assert shop.activate(shop.old).filled == ALL
    assert shop.states() == {"old": "active", "wide": "retired", "slim": "previous"}
    assert_holds(shop, shop.old, expected)


def test_the_active_model_has_nothing_to_do(shop: Shop) -> None:
    summary = shop.activate(shop.old)
    assert summary.was_active
    assert shop.states() == {"old": "active"}


def test_an_empty_database_takes_a_model_of_any_dimension(empty_shop: Shop, expected: Expected) -> None:
    empty_shop.activate(empty_shop.wide)
    empty_shop.catalog.put(product("A-1"))
    assert_holds(empty_shop, empty_shop.wide, expected)
    assert empty_shop.states() == {"wide": "active"}


def test_one_that_was_stopped_goes_on_where_it_was(
    shop: Shop, expected: Expected, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fill, "BATCH", 8)
    told: list[int] = []

    def stop(phase: str, done: int, total: int, rate: float | None) -> None:
        told.append(done)
        if done >= 16:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        shop.activate(shop.wide, on_progress=stop)
    assert shop.states() == {"old": "active", "wide": "candidate"}
    assert shop.search.by_text("Thing T-03", Query()).hits[0].sku == "T-03"
    with shop.database.connection() as connection:
        progress = read_progress(connection)
    assert progress is not None
    # The batch in which it was stopped is not there by halves.
    assert (progress.phase, progress.filled, progress.total, progress.running) == ("fill", 8, ALL, False)
    assert "was interrupted: 8 of 40 products embedded. Run it again" in progress.sentence({})
    assert shop.activate(shop.wide).filled == ALL - 8
    assert_holds(shop, shop.wide, expected)


def test_products_that_change_meanwhile_are_embedded_as_they_are_in_the_end(
    shop: Shop, expected: Expected, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fill, "BATCH", 8)
    changed = threading.Event()

    def meddle(phase: str, done: int, total: int, rate: float | None) -> None:
        if changed.is_set():
            return
        changed.set()
        with shop.database.connection() as connection:
            # By hand: a title embedded soon, one picture for another's, a product gone.
            connection.execute("UPDATE product SET title = 'Renamed' WHERE sku = 'T-05'")
            connection.execute("DELETE FROM product WHERE sku = 'P-29'")
            connection.execute(
                "UPDATE product SET image_sha256 = (SELECT image_sha256 FROM product WHERE sku = 'P-01') "
                "WHERE sku = 'P-02'"
            )
        shop.catalog.put(product("P-015"))

    shop.activate(shop.wide, on_progress=meddle)
    assert changed.is_set()
    assert_holds(shop, shop.wide, expected)


@pytest.mark.parametrize("change", ["title = 'Renamed'", "image_sha256 = NULL"])
def test_whoever_changes_what_was_embedded_empties_the_other_vector(
    shop: Shop, expected: Expected, change: str
) -> None:
    shop.activate(shop.wide)
    with shop.database.connection() as connection:
        if "image" in change:
            # The active vector's own constraint: a picture's vector needs a picture.
            change += ", embedding_source = 'text', embedded_text = title"
        connection.execute(f"UPDATE product SET {change} WHERE sku IN ('P-03', 'T-04')")  # noqa: S608
        connection.execute("UPDATE product SET price = 99, stock = 1, brand = 'B'")
        empty = connection.execute(
            "SELECT sku FROM product WHERE embedding_other IS NULL AND embedding_other_model IS NULL "
            "AND embedding_other_source IS NULL AND embedded_other_text IS NULL"
        ).fetchall()
    # A picture's vector is as true under another title; a title's is as true without a picture that was not there.
    assert empty == ([("T-04",)] if "title" in change[:6] else [("P-03",)])
    assert shop.activate(shop.old).filled == 1
    assert_holds(shop, shop.old, expected)


def test_the_trigger_serves_a_session_through_all_changes_of_the_columns(shop: Shop) -> None:
    with psycopg.connect(shop.database.url, autocommit=True) as connection:
        for encoder in (shop.wide, shop.slim, shop.old):
            shop.activate(encoder)
            for sku in ("T-01", "T-02"):
                # Each time another title, so that each time the other vector is one of another.
                connection.execute("UPDATE product SET title = title || '!' WHERE sku = %s", [sku], prepare=True)
            row = connection.execute("SELECT count(*) FROM product WHERE embedding_other IS NULL").fetchone()
            assert row == (2,)


def test_an_import_that_runs_during_a_switch_loses_nothing(
    shop: Shop, expected: Expected, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "feed.csv"
    rows = [f"I-{n:03},Imported {n},{n}" for n in range(400)] + ["T-05,Renamed by import,7"]
    path.write_text("sku,title,price\n" + "\n".join(rows) + "\n", encoding="utf-8")
    done = threading.Event()
    switching: list[threading.Thread] = []

    def progress(report: object) -> None:
        if not switching:
            switching.append(threading.Thread(target=lambda: (shop.activate(shop.wide), done.set())))
            switching[0].start()

    importer = Importer(shop.database, shop.process(), shop.images, shop.settings, on_progress=progress)
    report = importer.run(path)
    switching[0].join()
    assert done.is_set()
    assert (report.created, report.updated, report.refused) == (400, 1, 0)
    assert_holds(shop, shop.wide, expected)


def test_an_import_follows_a_model_that_was_changed_between_its_batches(
    shop: Shop, expected: Expected, tmp_path: Path
) -> None:
    path = tmp_path / "feed.csv"
    rows = [f"I-{n:03},Imported {n},{n}" for n in range(300)]
    path.write_text("sku,title,price\n" + "\n".join(rows) + "\n", encoding="utf-8")
    switched: list[str] = []

    def progress(report: object) -> None:
        # Two batches are planned and partly prepared for the old model by now.
        if len(switched) < 2:
            encoder = (shop.wide, shop.slim)[len(switched)]
            switched.append(shop.activate(encoder).name)

    report = Importer(shop.database, shop.process(), shop.images, shop.settings, on_progress=progress).run(path)
    assert switched == ["wide", "slim"]
    assert (report.created, report.refused) == (300, 0)
    assert_holds(shop, shop.slim, expected)


def test_a_write_through_the_catalogue_follows_too(shop: Shop, expected: Expected) -> None:
    catalog = shop.catalog
    catalog.put(product("A-1"))
    shop.activate(shop.wide)
    catalog.put(product("A-2"))
    shop.activate(shop.old)
    catalog.put(product("A-3"))
    assert_holds(shop, shop.old, expected)


def test_a_model_changed_between_plan_and_write_makes_the_plan_anew(
    shop: Shop, expected: Expected, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog = shop.catalog
    embed = FakeEncoder.place_text
    once: list[str] = []

    def switch_then_embed(self: FakeEncoder, text: str) -> NDArray[np.float32]:
        if text == "Thing A-1" and not once:
            once.append(self.manifest.name)
            shop.activate(shop.wide)
        return embed(self, text)

    monkeypatch.setattr(FakeEncoder, "place_text", switch_then_embed)
    catalog.put(product("A-1"))
    assert once == ["old"]
    assert_holds(shop, shop.wide, expected)
