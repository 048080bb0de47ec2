"""What was typed as the page understood it, and the pages where nothing was found."""

from collections.abc import Callable
from html import unescape

import pytest
from flask.testing import FlaskClient

from server.search.words.refresh import refresh_words
from server.services import Services
from tests.integration.storefront.reading import chips, link, text_of, titles


@pytest.fixture
def known(shop: FlaskClient, services: Services, put: Callable[..., None]) -> FlaskClient:
    """The shop, whose words are known."""
    put("BLUE", "blue", title="Blue mug", brand="Acme", category="Kitchen/Mugs", price=60)
    with services.database.connection() as connection:
        refresh_words(connection)
    services.search.words.update()
    return shop


def test_what_was_understood_is_a_chip_that_takes_it_out_of_the_words(known: FlaskClient) -> None:
    page = known.get("/?q=blue+under+50&brand=Bo+%26+Co")
    assert titles(page) == ["A shirt"]
    found = chips(page)
    assert list(found) == ["under 50", "Bo & Co"]
    assert found["under 50"] == "/?q=blue&brand=Bo+%26+Co"
    assert found["Bo & Co"] == "/?q=blue+under+50"
    assert link(page, "Clear all") == "/?q=blue"


def test_words_that_are_nothing_but_filters_browse(known: FlaskClient) -> None:
    page = known.get("/?q=over+50")
    assert titles(page) == ["Blue mug"]
    assert "Newest" in text_of(page)
    assert "best match" not in text_of(page)
    assert chips(page) == {"over 50": "/"}


def test_corrected_spelling_is_told_and_can_be_taken_back(known: FlaskClient) -> None:
    page = known.get("/?q=blue+shiert+under+90&sort=newest")
    assert "Showing results for blue shirt . Search for “blue shiert” as typed" in text_of(page)
    address = link(page, "as typed")
    assert address == "/?q=blue+shiert+under+90&verbatim=true&sort=newest"
    page = known.get(address)
    assert "Showing results for" not in text_of(page)
    assert chips(page)["spelling as typed"] == "/?q=blue+shiert+under+90&sort=newest"


def test_other_words_are_corrected_again(known: FlaskClient) -> None:
    text = known.get("/?q=shiert&verbatim=true&all=1&brand=Acme").text
    form = text[text.index('class="search-words"') : text.index('class="by-picture"')]
    assert 'name="brand"' in form
    assert 'name="verbatim"' not in form
    assert 'name="all"' not in form


def test_where_nothing_comes_near_the_nearest_is_offered(known: FlaskClient) -> None:
    page = known.get("/?q=pink&brand=Bo+%26+Co")
    assert titles(page) == []
    words = text_of(page)
    assert "Nothing here comes near 1 product passes the filters, but it has little to do with these words." in words
    page = known.get(link(page, "Show the nearest anyway"))
    assert titles(page) == ["A shirt"]
    assert "Products that are less near are shown, too." in text_of(page)
    assert titles(known.get(link(page, "Show only what is near"))) == []


def test_at_the_end_of_what_is_near_the_rest_is_offered(known: FlaskClient) -> None:
    page = known.get("/?q=blue+mug")
    assert len(titles(page)) < 4
    assert len(titles(known.get(link(page, "Show what is less near, too")))) == 4


@pytest.mark.parametrize("kind", ["brand", "category"])
def test_a_name_that_the_shop_does_not_have_is_told(known: FlaskClient, kind: str) -> None:
    page = known.get(f"/?q=blue+{kind}:nike")
    words = text_of(page)
    assert f"The shop has no {kind} “nike”" in words
    assert link(page, "Search for “nike” as a word") == "/?q=blue+nike"
    assert titles(known.get(link(page, f"Without {kind} nike")))


def test_a_brand_is_known_in_any_case(known: FlaskClient) -> None:
    assert titles(known.get("/?q=blue+brand:ACME")) == ["Blue mug"]


def test_filters_that_exclude_each_other_say_which_to_give_up(known: FlaskClient) -> None:
    page = known.get("/?q=blue+under+5")
    words = text_of(page)
    assert "Nothing passes these filters" in words
    assert "Without under 5 " in words
    assert titles(known.get(link(page, "Without under 5")))


def test_a_part_of_a_page_is_its_products_alone(client: FlaskClient, put: Callable[..., None]) -> None:
    for number in range(50):
        put(f"T-{number:02}", None)
    first = client.get("/")
    second = client.get(link(first, "Next page") + "&part=1")
    assert titles(second) == [f"Thing T-{number:02}" for number in reversed(range(2, 26))]
    assert "<html" not in second.text
    assert "part=" not in second.text
    next_page = unescape(second.text.partition('data-next="')[2].partition('"')[0])
    third = client.get(next_page + "&part=1")
    assert len(titles(third)) == 2
    assert "data-next" not in third.text
    assert 'data-last="50"' in third.text


def test_a_part_that_is_gone_is_no_other_part(shop: FlaskClient) -> None:
    assert shop.get("/?q=blue&cursor=nonsense&part=1").status_code == 410
