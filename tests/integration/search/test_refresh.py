"""What keeps searches quick: refreshing, calibrating, and the thread that does it unasked."""

from decimal import Decimal

import pytest

from server.db.engine import Database
from server.errors import BadRequest
from server.search import calibrate as calibration
from server.search import plan as planning
from server.search.basis import refresh_basis
from server.search.facts import CatalogueFacts
from server.search.housekeeping import Housekeeper
from server.search.plan import Costs
from server.search.refresh import refresh_search
from tests.factories import add_model, add_product, unit_vector


def add_many(database: Database, number: int, start: int = 0) -> None:
    with database.connection() as connection:
        model = add_model(connection)
        for index in range(start, start + number):
            price = Decimal(index % 90 + 1)
            add_product(connection, f"P{index:03}", embedding=unit_vector(index), embedding_model=model, price=price)


def test_a_refresh_gives_sketches_and_words(database: Database) -> None:
    add_many(database, 40)
    done = refresh_search(database)
    assert done.sketched
    assert done.words is not None
    assert done.words.products == 40


def test_the_housekeeper_refreshes_where_it_pays(database: Database) -> None:
    keeper = Housekeeper(database)
    assert not keeper.look()
    add_many(database, 40)
    assert keeper.look()
    with database.connection() as connection:
        assert connection.execute("SELECT FROM embedding_basis WHERE ready").fetchone() is not None


def test_calibration_measures_and_keeps(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "FEWEST", 30)
    monkeypatch.setattr(calibration, "QUERIES", 3)
    monkeypatch.setattr(planning, "EXACT_ROWS", 8)
    add_many(database, 90)
    refresh_basis(database)
    found = calibration.calibrate(database)
    assert found is not None
    assert len(found.medians) == 5
    assert all(value > 0 for value in found.medians.values())
    assert CatalogueFacts(database, None).costs() == found.costs != Costs()


def test_calibration_wants_sketches(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "FEWEST", 30)
    add_many(database, 90)
    with pytest.raises(BadRequest, match="vitrine search refresh"):
        calibration.calibrate(database)


def test_there_is_nothing_to_calibrate_in_a_small_shop(database: Database) -> None:
    assert calibration.calibrate(database) is None
    assert CatalogueFacts(database, None).costs() == Costs()
