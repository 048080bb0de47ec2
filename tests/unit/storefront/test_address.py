"""The address of a page: what is read from it, what is refused, and the links that lead on from it."""

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from werkzeug.datastructures import MultiDict

from server.storefront import pages
from server.storefront.address import PRICES_CROSSED, Search, read_search


@pytest.fixture(autouse=True)
def _request() -> Iterator[None]:
    app = Flask("shop", static_folder=None)
    app.register_blueprint(pages.bp)
    with app.test_request_context():
        yield


def read(query: str) -> Search:
    return read_search(MultiDict((name, text) for name, texts in parse_qs(query, True).items() for text in texts))


def arguments(url: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(url).query)


def test_empty_parameters_are_as_good_as_absent() -> None:
    search = read("q=&price_min=&price_max=+&category=&brand=&in_stock=&sort=&cursor=")
    assert search == read("")
    assert search.params is not None
    assert search.url() == "/"


def test_parameters_of_others_are_ignored() -> None:
    search = read("q=mug&utm_source=letter&limit=100")
    assert search.errors == {}
    assert arguments(search.url()) == {"q": ["mug"]}


def test_an_address_reads_the_same_after_it_was_written() -> None:
    search = read("q=red+mug&category=Kitchen/Mugs&brand=A%26B&brand=C&price_min=5&in_stock=true&sort=price_asc")
    assert read(urlsplit(search.url()).query) == search


def test_a_change_leaves_the_page_that_was_open() -> None:
    search = read("q=mug&cursor=abc&seen=24")
    assert arguments(search.url(sort="newest")) == {"q": ["mug"], "sort": ["newest"]}
    assert arguments(search.next_url("def", 24)) == {"q": ["mug"], "cursor": ["def"], "seen": ["48"]}
    assert not search.is_first_page


@pytest.mark.parametrize("seen", ["-1", "abc", "1e9", "99999999999", "²"])
def test_a_nonsense_count_of_products_seen_is_none(seen: str) -> None:
    assert read(f"seen={seen}").seen == 0


@pytest.mark.parametrize(
    ("query", "field", "sentence"),
    [
        ("price_min=abc", "price_min", "Write a number"),
        ("price_max=-1", "price_max", "0 or more"),
        ("price_max=1.234", "price_max", "two decimals"),
        ("price_max=NaN", "price_max", "Write a number"),
        ("price_max=" + "9" * 30, "price_max", "too high"),
        ("price_min=9&price_max=5", "price_min", PRICES_CROSSED),
        ("sort=cheapest", "sort", "from the list"),
        ("in_stock=perhaps", "in_stock", "Tick it"),
        ("q=" + "x" * 1001, "q", "too long"),
        ("brand=a%00b", "brand", "cannot be read"),
    ],
)
def test_a_mistake_is_told_at_its_field_and_kept_as_it_was_typed(query: str, field: str, sentence: str) -> None:
    search = read(query)
    assert search.params is None
    assert list(search.errors) == [field]
    assert sentence in search.errors[field]
    assert search.value(field)


def test_each_filter_has_a_chip_that_removes_it_alone() -> None:
    search = read("q=mug&category=Kitchen/Mugs&brand=Acme&brand=Bo&price_max=20&in_stock=true&cursor=abc")
    chips = {chip.label: arguments(chip.url) for chip in search.chips("USD")}
    assert list(chips) == ["Kitchen / Mugs", "Acme", "Bo", "up to $20.00", "in stock"]
    everything = {
        "q": ["mug"],
        "category": ["Kitchen/Mugs"],
        "brand": ["Acme", "Bo"],
        "price_max": ["20"],
        "in_stock": ["true"],
    }
    assert chips["Kitchen / Mugs"] == {name: value for name, value in everything.items() if name != "category"}
    assert chips["Acme"] == {**everything, "brand": ["Bo"]}
    assert chips["up to $20.00"] == {name: value for name, value in everything.items() if name != "price_max"}
    assert arguments(search.clear_url()) == {"q": ["mug"]}


def test_a_currency_filters_even_without_a_price() -> None:
    assert [chip.label for chip in read("currency=EUR").chips("EUR")] == ["priced in EUR"]
    assert [chip.label for chip in read("currency=EUR&price_max=5").chips("EUR")] == ["up to €5.00"]
    assert read("currency=EUR").is_filtered


def test_words_and_order_are_no_filters() -> None:
    assert read("q=mug&sort=newest").chips("USD") == []
    assert not read("q=mug&sort=newest").is_filtered
    assert read("brand=Acme").is_filtered


def test_without_a_query_there_is_no_best_match() -> None:
    assert read("").orders(has_query=False)[0] == ("", "Newest", True)
    assert read("q=mug").orders(has_query=True)[0] == ("", "Best match", True)
    assert ("newest", "Newest", True) in read("q=mug&sort=newest").orders(has_query=True)
    chosen = [value for value, _, is_chosen in read("sort=price_desc").orders(has_query=False) if is_chosen]
    assert chosen == ["price_desc"]


def test_a_form_carries_the_rest_of_the_search_but_not_the_page() -> None:
    search = read("q=mug&brand=A&brand=B&cursor=abc&seen=24")
    assert search.hidden("q") == [("brand", "A"), ("brand", "B")]
