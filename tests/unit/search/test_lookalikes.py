"""Ruling words out by their letters loses none that is near."""

from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import OSA

from server.search.words.lookalikes import Lookalikes

# Few letters, so that texts are near each other; two that share a bit, one of several bytes, half a character.
TEXT = st.text("abAé\ud800", max_size=7)


@given(st.sets(TEXT), TEXT, st.integers(1, 2))
def test_all_that_are_near_are_found(texts: set[str], text: str, most: int) -> None:
    near = {other: OSA.distance(text, other) for other in texts if other}
    expected = {other: slips for other, slips in near.items() if slips <= most}
    assert dict(Lookalikes(texts).near(text, most)) == expected


def test_two_letters_that_changed_places_are_one_slip() -> None:
    assert Lookalikes(["shirt", "skirt", "shorts"]).near("shrit", 1) == [("shirt", 1)]
