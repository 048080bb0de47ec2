"""What narrows a result, and the ways out of it."""

from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from werkzeug.datastructures import MultiDict

from server.search.query import Filters
from server.search.typed import parse_typed
from server.search.understanding import Understanding
from server.storefront import pages
from server.storefront.address import Search, read_search
from server.storefront.chips import Chip, chips_of, clear_url


@pytest.fixture(autouse=True)
def _request() -> object:
    app = Flask(__name__)
    app.register_blueprint(pages.bp)
    with app.test_request_context():
        yield


def read(query: str) -> Search:
    return read_search(MultiDict(parse_qs(query)))


def chips(query: str, currency: str = "USD") -> dict[str, Chip]:
    search = read(query)
    assert search.params is not None
    typed = parse_typed(search.params.q)
    told = Understanding(typed, Filters(), typed.words)
    return {chip.label: chip for chip in chips_of(search, search.params, told, currency)}


def arguments(url: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(url).query)


def test_each_filter_has_a_chip_that_removes_it_alone() -> None:
    found = chips("q=mug&category=Kitchen/Mugs&brand=Acme&brand=Bo&price_max=20&in_stock=true&cursor=abc")
    assert list(found) == ["Kitchen / Mugs", "Acme", "Bo", "up to $20.00", "in stock"]
    everything = {
        "q": ["mug"],
        "category": ["Kitchen/Mugs"],
        "brand": ["Acme", "Bo"],
        "price_max": ["20"],
        "in_stock": ["true"],
    }
    without_category = {name: value for name, value in everything.items() if name != "category"}
    assert arguments(found["Kitchen / Mugs"].url) == without_category
    assert arguments(found["Acme"].url) == {**everything, "brand": ["Bo"]}
    assert "price_max" not in arguments(found["up to $20.00"].url)


def test_of_several_values_of_an_attribute_each_has_a_chip() -> None:
    found = chips("attribute=base_colour%3Dred&attribute=base_colour%3Dblue")
    assert list(found) == ["Base colour: red", "Base colour: blue"]
    assert arguments(found["Base colour: red"].url) == {"attribute": ["base_colour=blue"]}


def test_what_was_typed_comes_first_and_is_cut_out_of_the_words() -> None:
    found = chips("q=red+mug+under+50+-stripes&brand=Acme")
    assert list(found) == ["under 50", "without stripes", "Acme"]
    assert [chip.is_typed for chip in found.values()] == [True, True, False]
    assert arguments(found["under 50"].url) == {"q": ["red mug -stripes"], "brand": ["Acme"]}


def test_words_that_are_nothing_but_a_filter_leave_no_words() -> None:
    assert arguments(chips("q=under+50")["under 50"].url) == {}


def test_spelling_as_typed_can_be_taken_back() -> None:
    assert arguments(chips("q=shrt&verbatim=true")["spelling as typed"].url) == {"q": ["shrt"]}
    assert chips("verbatim=true") == {}


def test_a_search_without_a_chip_has_its_default_back() -> None:
    search = read("q=mug+under+50&brand=Acme&in_stock=true&price_max=9")
    assert search.params is not None
    found = chips("q=mug+under+50&brand=Acme&in_stock=true&price_max=9")
    assert found["Acme"].without(search.params).brand == []
    assert found["in stock"].without(search.params).in_stock is False
    assert found["up to $9.00"].without(search.params).price_max is None
    assert found["under 50"].without(search.params).q == "mug"


def test_all_of_them_can_be_cleared_and_the_words_stay() -> None:
    search = read("q=red+mug+under+50&brand=Acme&sort=newest&verbatim=true")
    typed = parse_typed("red mug under 50")
    told = Understanding(typed, Filters(), typed.words)
    assert arguments(clear_url(search, told)) == {"q": ["red mug"], "sort": ["newest"]}
    assert arguments(clear_url(read("brand=Acme"), None)) == {}


def test_a_currency_filters_even_without_a_price() -> None:
    assert list(chips("currency=EUR", "EUR")) == ["priced in EUR"]
    assert list(chips("currency=EUR&price_max=5", "EUR")) == ["up to €5.00"]


def test_words_and_order_are_no_filters() -> None:
    assert chips("q=mug&sort=newest") == {}
