"""What is quoted stands in a product word by word, and what has a minus does not, little words included."""

from collections.abc import Callable

import pytest

from server.db import migrate
from server.db.engine import Database
from server.search.query import Mode, Query
from server.search.service import SearchService
from tests.databases import fresh_database, upgrade_to
from tests.factories import DIMENSION, add_model, add_product, unit_vector
from tests.fakes import FakeEncoder

TEXTS = {
    "hyphen": {"title": "Blue Button-Down Shirt"},
    "spaced": {"title": "Shirt", "description": "It has a button down collar."},
    "apart": {"title": "Button shirt that lets you down"},
    "plain": {"title": "Button shirt"},
    "plural": {"title": "Buttons down"},
    "fields": {"title": "Shirt with a button", "brand": "Down Under"},
    "values": {"title": "Shirt", "attributes": {"closing": "button", "filling": "down", "collar": ["button", "down"]}},
    "quoted": {"title": "The “Silk” Scarf®", "description": "Soft silk.Hand made<br/>of <b>pure</b> wool — women’s"},
    "tee": {"title": "Two T-Shirts"},
    "listed": {"title": "Coat", "attributes": {"filling": {"outer": "goose/down"}}},
}


@pytest.fixture
def shop(database: Database, search: SearchService, encoder: FakeEncoder) -> SearchService:
    with database.connection() as connection:
        model = add_model(connection, digest=encoder.manifest.digest)
        for number, (sku, texts) in enumerate(TEXTS.items()):
            add_product(connection, sku, embedding=unit_vector(number), embedding_model=model, **texts)
    return search


Found = Callable[..., set[str]]


@pytest.fixture
def found(shop: SearchService) -> Found:
    def find(text: str, mode: Mode = Mode.HYBRID) -> set[str]:
        page = shop.by_text(text, Query(mode=mode, limit=100))
        assert page.total == len(page.hits)
        return {hit.sku for hit in page.hits}

    return find


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ('"button down"', {"hyphen", "spaced"}),
        ('"button-down"', {"hyphen", "spaced"}),
        ('"BUTTON DOWN" shirt', {"hyphen", "spaced"}),
        ('"down" shirt', set(TEXTS) - {"plain", "quoted", "tee"}),
        ('"buttons" shirt', {"plural"}),
        ('"goose down" coat', {"listed"}),
        ('"silk scarf"', {"quoted"}),
        ('"soft silk hand made of pure wool"', {"quoted"}),
        ('"women\'s"', {"quoted"}),
        ('"wool women’s"', {"quoted"}),
        ('"t-shirts"', {"tee"}),
        ('"t-shirt"', set()),
    ],
)
def test_a_phrase_stands_word_by_word(found: Found, typed: str, expected: set[str], mode: Mode) -> None:
    # With the words alone, a product has to say some of them beside the phrase.
    assert found(typed, mode) == expected or (mode is Mode.TEXT and found(typed, mode) <= expected)


@pytest.mark.parametrize("mode", [Mode.HYBRID, Mode.VECTOR])
@pytest.mark.parametrize(
    ("typed", "left_out"),
    [
        ("shirt -down", set(TEXTS) - {"plain", "quoted", "tee"}),
        ("shirt -buttons", {"hyphen", "spaced", "apart", "plain", "plural", "fields", "values"}),
        ('shirt -"buttons"', {"plural"}),
        ("shirt -t-shirt", {"tee"}),
        ("shirt -women's", {"quoted"}),
        ('shirt -"button down"', {"hyphen", "spaced"}),
        ("shirt -button-down", {"hyphen", "spaced"}),
        ("shirt -with", {"fields"}),
    ],
)
def test_what_has_a_minus_does_not_stand_there(found: Found, typed: str, left_out: set[str], mode: Mode) -> None:
    assert found(typed, mode) == set(TEXTS) - left_out


def test_a_changed_text_is_found_by_its_new_words(found: Found, database: Database) -> None:
    with database.connection() as connection:
        connection.execute("UPDATE product SET title = 'Down by the river' WHERE sku = 'plain'")
    assert found('"down by the"') == {"plain"}


def test_an_upgraded_shop_knows_the_words_of_its_products(migrated: Database) -> None:
    with fresh_database(migrated) as database:
        upgrade_to(database, "0005", DIMENSION)
        with database.connection() as connection:
            add_product(connection, "hyphen", **TEXTS["hyphen"])
            add_product(connection, "draft", status="draft")
        migrate.upgrade(database, DIMENSION)
        with database.connection() as connection:
            rows = connection.execute("SELECT sku, exact_text @@ 'button <-> down' FROM product_words").fetchall()
        assert rows == [("hyphen", True)]
