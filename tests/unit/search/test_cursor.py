"""Cursors come back as they went in, and only for the search that they were made for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors import InvalidCursor
from server.search.cursor import CursorCodec

POSITION = st.lists(st.one_of(st.none(), st.text(max_size=100), st.integers(-(2**53), 2**53)), max_size=3)


@given(POSITION)
def test_a_position_survives_the_journey(position: list[object]) -> None:
    codec = CursorCodec("secret")
    assert codec.decode("this search", codec.encode("this search", position, "model"), "model") == position


@given(st.text(max_size=200))
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(InvalidCursor):
        CursorCodec("secret").decode("this search", text, "model")


def test_a_cursor_signed_with_another_key_is_refused() -> None:
    cursor = CursorCodec("another secret").encode("this search", [1], None)
    with pytest.raises(InvalidCursor):
        CursorCodec("secret").decode("this search", cursor, None)


def test_a_cursor_of_the_model_before_says_so() -> None:
    codec = CursorCodec("secret")
    cursor = codec.encode("this search", [0.25, "A-1"], "digest of one")
    with pytest.raises(InvalidCursor, match="before the shop's model was changed"):
        codec.decode("the same search, whose vector is another", cursor, "digest of another")


def test_a_cursor_that_nothing_ranked_outlives_a_change_of_the_model() -> None:
    codec = CursorCodec("secret")
    assert codec.decode("browsing", codec.encode("browsing", ["A-1"], None), None) == ["A-1"]
