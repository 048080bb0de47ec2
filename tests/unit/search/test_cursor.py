"""Cursors: they come back whole, and only to the search and the key that made them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors import InvalidCursor
from server.search.candidates import Bounds
from server.search.cursor import CursorCodec, Place, check_model
from server.search.plan import Path, Size
from server.search.result_set import Decided
from server.search.text_query import Group, TextQuery

codec = CursorCodec("0123456789abcdef")
DECIDED = Decided(
    path=Path.SKETCH,
    size=Size(12_345, 200_000, False),
    bounds=Bounds(0.1 + 0.2, "sku", -0.3),
    also="('red')",
    scale=(0.1, 0.05),
    end=[-1.5, "sku"],
)


def place(after: list[object], model: str | None = "abc") -> Place:
    text = TextQuery((Group("red", "('red')", "('red':AB)", 1.0),), "!('denim')")
    return Place("search", after, 24, model, "red shirt", text, DECIDED)


@given(
    st.lists(
        st.one_of(st.text(), st.floats(allow_nan=False, allow_infinity=False), st.booleans(), st.none()),
        min_size=2,
        max_size=4,
    )
)
def test_a_place_survives_the_journey(after: list[object]) -> None:
    assert codec.decode(codec.encode(place(after)), "search") == place(after)


@given(st.text())
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(InvalidCursor, match="not made by this server"):
        codec.decode(text, "search")


def test_a_cursor_signed_with_another_key_is_refused() -> None:
    with pytest.raises(InvalidCursor, match="not made by this server"):
        CursorCodec("another key of sixteen").decode(codec.encode(place([1.0, "a"])), "search")


def test_a_cursor_of_another_search_is_refused() -> None:
    with pytest.raises(InvalidCursor, match="another search"):
        codec.decode(codec.encode(place([1.0, "a"])), "other")


def test_a_cursor_of_the_model_before_says_so() -> None:
    with pytest.raises(InvalidCursor, match="model was changed"):
        check_model(place([1.0, "a"]), "def")


def test_a_cursor_that_nothing_ranked_outlives_a_change_of_the_model() -> None:
    check_model(place([1.0, "a"], None), "def")
    check_model(place([1.0, "a"]), "abc")
