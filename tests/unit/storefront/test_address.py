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
        ("attribute=red", "attribute", "from the lists"),
        ("&".join(f"attribute=kind{number}%3D1" for number in range(6)), "attribute", "at most 5"),
        ("verbatim=perhaps", "verbatim", "Tick it"),
    ],
)
def test_a_mistake_is_told_at_its_field_and_kept_as_it_was_typed(query: str, field: str, sentence: str) -> None:
    search = read(query)
    assert search.params is None
    assert list(search.errors) == [field]
    assert sentence in search.errors[field]
    assert search.value(field)


def test_without_a_query_there_is_no_best_match() -> None:
    assert read("").orders(has_query=False)[0] == ("", "Newest", True)
    assert read("q=mug").orders(has_query=True)[0] == ("", "Best match", True)
    assert ("newest", "Newest", True) in read("q=mug&sort=newest").orders(has_query=True)
    chosen = [value for value, _, is_chosen in read("sort=price_desc").orders(has_query=False) if is_chosen]
    assert chosen == ["price_desc"]


def test_a_form_carries_the_rest_of_the_search_but_not_the_page() -> None:
    search = read("q=mug&brand=A&brand=B&cursor=abc&seen=24")
    assert search.hidden("q") == [("brand", "A"), ("brand", "B")]
