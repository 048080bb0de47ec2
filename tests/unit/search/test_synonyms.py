"""Which spans of a query have alternatives."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors import InvalidInput
from server.search.words.synonyms import Alternative, Synonym, Synonyms, plain_words

SNEAKERS = Synonym(1, "sneakers", ("trainers", "running shoes"), two_way=True)
SOFA = Synonym(2, "sofa", ("couch",), two_way=False)
SHOES = Synonym(3, "shoes", ("footwear",), two_way=False)
SHOP = Synonyms([SNEAKERS, SOFA, SHOES], version=4)


def expanded(query: str, synonyms: Synonyms = SHOP) -> list[Alternative]:
    return synonyms.expand(query.split())


def test_each_word_of_a_two_way_line_stands_for_all_others() -> None:
    assert expanded("red sneakers") == [Alternative(1, 2, ("trainers", "running shoes"))]
    assert expanded("trainers") == [Alternative(0, 1, ("sneakers", "running shoes"))]
    assert expanded("running shoes sale") == [Alternative(0, 2, ("sneakers", "trainers"))]


def test_a_one_way_line_works_one_way() -> None:
    assert expanded("grey sofa") == [Alternative(1, 2, ("couch",))]
    assert expanded("grey couch") == []


def test_the_longest_match_is_taken_and_spans_do_not_overlap() -> None:
    assert expanded("running shoes and shoes") == [
        Alternative(0, 2, ("sneakers", "trainers")),
        Alternative(3, 4, ("footwear",)),
    ]
    overlapping = Synonyms([Synonym(1, "a b", ("x",), False), Synonym(2, "b c d", ("y",), False)])
    assert expanded("a b c d", overlapping) == [Alternative(1, 4, ("y",))]


def test_replacements_are_not_replaced_again() -> None:
    circle = Synonyms([Synonym(1, "a", ("b",), False), Synonym(2, "b", ("c",), False), Synonym(3, "c", ("a",), False)])
    assert expanded("a", circle) == [Alternative(0, 1, ("b",))]


def test_lines_of_the_same_words_are_one_list() -> None:
    synonyms = Synonyms([Synonym(1, "tee", ("t-shirt",), True), Synonym(2, "tee", ("top", "t-shirt"), False)])
    assert expanded("tee", synonyms) == [Alternative(0, 1, ("t-shirt", "top"))]
    assert expanded("t-shirt", synonyms) == [Alternative(0, 1, ("tee",))]


@pytest.mark.parametrize("query", ["sneaker", "Sneakers", "SNEAKERS", "sneaker's"])
def test_forms_and_letters_do_not_matter(query: str) -> None:
    assert [each.replacements for each in expanded(query)] == [("trainers", "running shoes")]


def test_another_form_of_the_same_word_is_no_replacement() -> None:
    assert expanded("tee", Synonyms([Synonym(1, "tee", ("tees",), True)])) == []


def test_without_synonyms_nothing_is_expanded() -> None:
    assert Synonyms().expand(["red", "mug"]) == []
    assert SHOP.expand([]) == []
    assert (len(Synonyms()), Synonyms().version, SHOP.version) == (0, 0, 4)


@given(st.lists(st.text(max_size=8), max_size=6))
def test_any_words_can_be_expanded(words: list[str]) -> None:
    assert all(0 <= each.start < each.end <= len(words) for each in SHOP.expand(words))


@pytest.mark.parametrize(
    ("text", "plain"), [(" Running  Shoes ", "running shoes"), ("T-Shirt,", "t-shirt"), ("H&M", "h m")]
)
def test_synonyms_are_brought_to_one_form(text: str, plain: str) -> None:
    assert plain_words(text) == plain


@pytest.mark.parametrize("text", ["", "  ", "&!", "a\0b", "x" * 101])
def test_what_has_no_words_or_too_many_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        plain_words(text)
