"""Words of a text, and the forms of a word."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.search.words.splitting import folded, singular, stem, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Men’s T-Shirt, blue", ["men's", "t-shirt", "blue"]),
        ("Linden & Loom Metro No. 28", ["linden", "loom", "metro", "no", "28"]),
        ("'quoted' -dashed- --", ["quoted", "dashed"]),
        ("Crème brûlée™ (2×100g)", ["crème", "brûlée", "2", "100g"]),
        ("スニーカー、青", ["スニーカー", "青"]),
        ("red\tmug\N{NO-BREAK SPACE}🎁", ["red", "mug"]),
        ("", []),
    ],
)
def test_words_are_what_people_see(text: str, words: list[str]) -> None:
    assert words_of(text) == words


@given(st.text())
def test_words_of_any_text_are_words_of_themselves(text: str) -> None:
    words = words_of(text)
    assert all(words)
    assert [again for word in words for again in words_of(word)] == words


@pytest.mark.parametrize(("word", "plain"), [("t-shirt", "tshirt"), ("men's", "mens"), ("crème", "creme")])
def test_accents_dashes_and_apostrophes_are_folded(word: str, plain: str) -> None:
    assert folded(word) == plain


@pytest.mark.parametrize(
    ("plural", "one"),
    [
        ("shirts", "shirt"), ("dresses", "dress"), ("watches", "watch"), ("shoes", "shoe"), ("berries", "berry"),
        ("boxes", "box"), ("men's", "men"), ("dress", "dress"), ("bus", "bus"), ("gas", "gas"),
    ],
)  # fmt: skip
def test_a_plural_has_its_singular(plural: str, one: str) -> None:
    assert singular(plural) == one


@pytest.mark.parametrize(
    "forms",
    [("stripe", "stripes", "striped"), ("print", "printed", "prints"), ("run", "running"), ("dot", "dotted", "dots")],
)
def test_forms_of_a_word_have_one_stem(forms: tuple[str, ...]) -> None:
    assert len({stem(form) for form in forms}) == 1


def test_words_that_look_like_forms_of_one_are_two() -> None:
    assert stem("striped") != stem("stripped")


@given(st.text())
def test_any_word_has_forms(word: str) -> None:
    assert isinstance(folded(word) + singular(word) + stem(word), str)
