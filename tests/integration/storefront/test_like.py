"""A product's page leads to products like it, but otherwise."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from tests.integration.storefront.reading import HTML, chips, link, text_of, titles


@pytest.fixture
def mugs(client: FlaskClient, put: Callable[..., None]) -> FlaskClient:
    """A red mug, and two mugs of each of three colours."""
    put("MUG/1", "red", title="My mug", brand="Acme", category="Kitchen/Mugs")
    for colour in ("red", "blue", "green"):
        for number in range(2):
            put(f"{colour}-{number}", colour, title=f"{colour} {number}", brand="Bo" if number else "Acme", price=20)
    return client


def test_words_change_what_is_like_the_product(mugs: FlaskClient) -> None:
    page = mugs.get("/like/MUG/1?q=blue")
    assert page.status_code == 200
    assert titles(page) == ["blue 0", "blue 1"]
    assert set(titles(mugs.get("/like/MUG/1?q=blue&all=1"))[:4]) == {"blue 0", "blue 1", "red 0", "red 1"}
    words = text_of(page)
    assert "Like this, but “blue”" in words
    assert "Like My mug, but blue · Vitrine" in words
    assert 'alt="My mug"' in page.text
    assert 'href="/p/MUG/1"' in page.text


def test_what_shall_be_missing_may_be_said_in_words(mugs: FlaskClient) -> None:
    page = mugs.get("/like/MUG/1?q=blue+without+red&all=1")
    assert titles(page)[:2] == ["blue 0", "blue 1"]
    assert chips(page) == {"without red": "/like/MUG/1?q=blue&all=1"}


def test_filters_order_and_words_go_along(mugs: FlaskClient) -> None:
    page = mugs.get("/like/MUG/1?q=blue+under+50&brand=Bo&sort=price_asc")
    assert set(titles(page)) == {"blue 1"}
    assert list(chips(page)) == ["under 50", "Bo"]
    assert chips(page)["Bo"] == "/like/MUG/1?q=blue+under+50&sort=price_asc"
    assert '<form id="filter-form" action="/like/MUG/1" method="get"' in page.text
    assert '<input type="hidden" name="q" value="blue under 50">' in page.text
    assert 'id="q" name="q" type="search" value=""' in page.text


def test_it_has_pages(client: FlaskClient, put: Callable[..., None]) -> None:
    for number in range(30):
        put(f"R-{number:02}", "red")
    first = client.get("/like/R-00?q=red")
    second = client.get(link(first, "Next page"))
    assert "25–29 of 29 products" in text_of(second)
    assert len(set(titles(first) + titles(second))) == 29


def test_a_product_page_leads_there(mugs: FlaskClient) -> None:
    page = mugs.get("/p/MUG/1")
    assert '<form class="like-form" action="/like/MUG/1" method="get"' in page.text
    assert titles(mugs.get(link(page, "See all that is like this")))[:2] == ["red 0", "red 1"]


@pytest.mark.parametrize("status", ["draft", "hidden"])
def test_nothing_is_like_what_is_not_live(client: FlaskClient, put: Callable[..., None], status: str) -> None:
    put("X", status=status)
    assert client.get("/like/X?q=blue", headers=HTML).status_code == 404
    assert client.get("/like/nothing", headers=HTML).status_code == 404


def test_a_mistake_beside_it_is_told(mugs: FlaskClient) -> None:
    page = mugs.get("/like/MUG/1?q=blue&price_min=abc")
    assert page.status_code == 422
    assert link(page, "Start again without filters") == "/like/MUG/1?q=blue"
