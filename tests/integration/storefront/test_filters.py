"""The filter column: what can be chosen, and how many products each choice leaves."""

import re
from collections.abc import Callable
from decimal import Decimal

import pytest
from flask.testing import FlaskClient

from tests.integration.storefront.reading import chips, text_of, ticks, titles


@pytest.fixture
def colours(client: FlaskClient, put: Callable[..., None]) -> FlaskClient:
    """Ten shirts of Acme and Bo, for 10 to 100, red, blue or green, of cotton or wool; the last one is of Gone."""
    for number in range(10):
        put(
            f"S-{number}",
            title=f"Shirt {number}",
            brand="Acme" if number % 2 else "Bo",
            category="Apparel/Shirts" if number < 6 else "Apparel/Polos",
            price=Decimal(10 * number + 10),
            stock=0 if number == 0 else 5,
            attributes={
                "base_colour": ("red", "blue", "green")[number % 3],
                "cloth": "wool" if number < 4 else "cotton",
            },
        )
    put("MUG", title="Mug", brand="Gone", category="Kitchen", price=None, attributes={})
    return client


def test_each_choice_tells_how_many_products_it_leaves(colours: FlaskClient) -> None:
    page = colours.get("/")
    assert ticks(page, "brand") == {"Acme": (5, False), "Bo": (5, False), "Gone": (1, False)}
    assert ticks(page, "attribute")["base_colour=red"] == (4, False)
    words = text_of(page)
    assert "Apparel 10 Kitchen 1" in words
    assert "In stock only 10" in words
    assert "Base colour" in words


def test_other_brands_can_be_added_to_the_chosen_one(colours: FlaskClient) -> None:
    page = colours.get("/?brand=Acme&category=Apparel")
    assert ticks(page, "brand") == {"Acme": (5, True), "Bo": (5, False)}
    assert len(titles(page)) == 5
    assert len(titles(colours.get("/?brand=Acme&brand=Bo&category=Apparel"))) == 10


def test_what_is_chosen_stays_visible_where_nothing_is_left_of_it(colours: FlaskClient) -> None:
    page = colours.get("/?brand=Gone&category=Apparel/Polos&attribute=base_colour%3Dpurple")
    assert ticks(page, "brand")["Gone"] == (0, True)
    assert ticks(page, "attribute")["base_colour=purple"] == (0, True)
    assert 'aria-current="true"><span>Polos</span> <span class="count">0' in page.text
    assert list(chips(page)) == ["Apparel / Polos", "Gone", "Base colour: purple"]


def test_values_of_one_attribute_are_alternatives_and_of_two_are_not(colours: FlaskClient) -> None:
    page = colours.get("/?attribute=base_colour%3Dred&attribute=base_colour%3Dblue")
    assert len(titles(page)) == 7
    assert ticks(page, "attribute")["base_colour=green"] == (3, False)
    page = colours.get("/?attribute=base_colour%3Dred&attribute=cloth%3Dwool")
    assert titles(page) == ["Shirt 3", "Shirt 0"]
    assert ticks(page, "attribute")["cloth=cotton"] == (2, False)
    assert ticks(page, "attribute")["base_colour=blue"] == (1, False)


def test_a_sixth_attribute_is_not_offered_and_not_taken(client: FlaskClient, put: Callable[..., None]) -> None:
    for number in range(4):
        put(f"S-{number}", attributes={f"kind{at}": f"v{number % 2}" for at in range(6)})
    five = "&".join(f"attribute=kind{at}%3Dv0" for at in range(5))
    page = client.get(f"/?{five}")
    assert len(titles(page)) == 2
    assert len(chips(page)) == 5
    page = client.get(f"/?{five}&attribute=kind5%3Dv0")
    assert page.status_code == 422
    assert "at most 5 kinds of details" in text_of(page)


def test_the_open_category_shows_what_lies_below_with_its_numbers(colours: FlaskClient) -> None:
    words = text_of(colours.get("/?category=Apparel"))
    assert "All categories Apparel 10 Polos 4 Shirts 6" in words
    words = text_of(colours.get("/?category=Apparel/Shirts&brand=Acme"))
    assert "All categories Apparel 5 Polos 2 Shirts 3" in words


def test_prices_have_a_histogram_that_keeps_its_extent(colours: FlaskClient) -> None:
    for address in ("/", "/?price_min=30&price_max=50"):
        page = colours.get(address)
        assert "from $10.00 to $100.00" in page.text
        assert 'data-prices="10.0 20.0' in page.text
    chosen = re.findall(r"<rect [^>]*?(class=\"is-chosen\")?/>", page.text)
    assert chosen.count('class="is-chosen"') == 3
    assert "data-prices" not in colours.get("/?category=Kitchen").text


def test_variants_of_one_product_are_shown_once(client: FlaskClient, put: Callable[..., None]) -> None:
    for number in range(3):
        put(f"V-{number}", item_group="one", attributes={"size": number})
    put("X")
    page = client.get("/")
    assert len(titles(page)) == 2
    assert "1–2 of 2 products" in text_of(page)


def test_a_shop_with_more_than_is_looked_at_says_so_and_counts_all_of_it(
    colours: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.search.plan.MOST", 4)
    page = colours.get("/")
    assert "1–4 of 4+ products" in text_of(page)
    assert "Apparel 10 Kitchen 1" in text_of(page)
    assert ticks(page, "brand") == {"Acme": (5, False), "Bo": (5, False), "Gone": (1, False)}
    page = colours.get("/?brand=Acme")
    assert "Apparel Kitchen" in text_of(page)
