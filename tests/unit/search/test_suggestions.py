"""How a query that begins so may go on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.search.words.suggestions import Kind, Suggestion
from server.search.words.vocabulary import Rows, Vocabulary
from tests.vocabularies import demo_vocabulary, vocabulary_of

SHOP = vocabulary_of(
    {
        "Harbour Men Blue Casual Shirt": 40,
        "Harbour Women Blue Shirt Dress": 12,
        "Fernhill Men Striped Shirt": 30,
        "Fernhill Red Shoes": 25,
        "Fernhill Blue Shorts": 9,
        "Linden & Loom Red Mug": 7,
        "Linden & Loom Mug MX-4711": 3,
    },
    named=[
        ("brand", "Harbour", 52),
        ("brand", "Linden & Loom", 10),
        ("category", "Clothes", 91),
        ("category", "Clothes/Shirts", 70),
        ("category", "Shoes", 25),
        ("category", "Shoes/Shoes", 25),
        ("title", "Harbour Men Blue Casual Shirt", 40),
    ],
)


def texts(typed: str, limit: int = 8) -> list[str]:
    return [each.text for each in SHOP.suggest(typed, limit)]


def test_a_word_is_completed_the_most_frequent_first() -> None:
    assert texts("sh")[:2] == ["shirt", "Shirts"]
    assert SHOP.suggest("strip") == [
        Suggestion("striped", Kind.WORD, 30),
        Suggestion("striped shirt", Kind.PHRASE, 30),
        Suggestion("men striped shirt", Kind.PHRASE, 30),
    ]


def test_what_stands_before_is_kept() -> None:
    found = SHOP.suggest("blue shi")
    assert found[0] == Suggestion("blue shirt", Kind.PHRASE, 52)
    assert "blue shirt dress" in [each.text for each in found]
    assert all(each.text.startswith("blue shi") for each in found)


def test_words_go_together_in_whatever_order_and_with_whatever_between_them() -> None:
    assert SHOP.suggest("shirt harb")[0] == Suggestion("shirt harbour", Kind.PHRASE, 52)
    assert texts("harbour sh") == ["harbour shirt"]
    assert texts("men shirt str") == ["men shirt striped"]


def test_nothing_is_proposed_that_no_product_is_called() -> None:
    assert texts("harbour mu") == []
    assert texts("linden sho") == []
    assert texts("women striped sh") == []


def test_other_forms_of_a_word_before_will_do() -> None:
    assert texts("shirts blu") == ["shirts blue"]
    assert texts("men's blue sh")[0] == "men's blue shirt"


def test_words_before_that_no_product_is_called_speak_against_nothing() -> None:
    assert texts("cheap mu")[0] == "cheap mug"
    assert texts("cheap red mu") == ["cheap red mug"]


def test_behind_a_whole_word_phrases_go_on() -> None:
    assert texts("striped ") == ["striped shirt"]
    assert texts("blue ")[0] == "blue casual shirt"


@pytest.mark.parametrize("typed", ["strpied sh", "STRPIED SH", "striped  shi"])
def test_a_slip_in_a_word_before_is_put_right(typed: str) -> None:
    assert texts(typed) == ["striped shirt"]


@pytest.mark.parametrize("typed", ["strpi", "stirped", "stripde", "striiped"])
def test_a_slip_in_the_word_that_is_being_typed_is_put_right(typed: str) -> None:
    assert texts(typed)[0] == "striped"


def test_slips_everywhere_are_put_right() -> None:
    assert texts("fernhil strpied shrit") == ["fernhill striped shirt"]


def test_names_are_their_own_kind_and_say_what_to_filter_by() -> None:
    assert SHOP.suggest("linden")[0] == Suggestion("Linden & Loom", Kind.BRAND, 10, "Linden & Loom")
    assert Suggestion("Shirts", Kind.CATEGORY, 70, "Clothes/Shirts") in SHOP.suggest("shirts")


def test_a_name_is_found_by_each_of_its_words() -> None:
    assert texts("loo")[0] == "Linden & Loom"
    assert texts("linden & lo")[0] == "Linden & Loom"


def test_a_name_takes_the_place_of_a_word_that_is_written_alike() -> None:
    found = SHOP.suggest("harb")
    assert [(each.text, each.kind) for each in found][:1] == [("Harbour", Kind.BRAND)]
    assert "harbour" not in [each.text for each in found]


def test_a_category_that_is_called_like_the_one_above_it_is_told_once() -> None:
    assert [each.value for each in SHOP.suggest("shoes") if each.kind is Kind.CATEGORY] == ["Shoes"]


def test_a_category_beside_a_far_larger_one_of_its_name_is_not_told() -> None:
    named = [("category", "Men/Shoes", 100), ("category", "Women/Shoes", 90), ("category", "Toys/Shoes", 3)]
    found = vocabulary_of({"Shoe": 193}, named=named).suggest("shoes")
    assert [each.value for each in found] == ["Men/Shoes", "Women/Shoes"]


def test_of_two_forms_the_commoner_one_is_told() -> None:
    vocabulary = vocabulary_of({"Blue Shirt": 9, "Blue Shirts": 4})
    assert [each.text for each in vocabulary.suggest("blue sh")] == ["blue shirt"]


def test_a_title_of_several_products_is_proposed() -> None:
    assert SHOP.suggest("harbour men blue ca")[0].products == 40
    assert Kind.TITLE in {each.kind for each in SHOP.suggest("harbour men blue ca")}


def test_article_numbers_are_not_proposed() -> None:
    assert texts("mx") == []
    assert "mug mx-4711" not in texts("mug")


def test_what_was_typed_is_not_proposed() -> None:
    assert "shirt" not in texts("shirt")
    assert "blue shirt" not in texts("blue shirt")


@pytest.mark.parametrize("limit", [0, 1, 3])
def test_no_more_than_asked_for(limit: int) -> None:
    assert len(texts("s", limit)) == limit


@pytest.mark.parametrize("typed", ["", "  ", "&", "?!", "x" * 101, "a " * 11])
def test_nothing_is_proposed_for_nothing_and_for_too_much(typed: str) -> None:
    assert texts(typed) == []


def test_an_empty_catalogue_proposes_nothing() -> None:
    assert Vocabulary().suggest("shi") == []
    assert Vocabulary(Rows(3, 0)).suggest("blue shi") == []


@given(st.text(max_size=30), st.integers(0, 9))
def test_anything_can_be_typed(typed: str, limit: int) -> None:
    assert len(demo_vocabulary().suggest(typed, limit)) <= limit


@given(st.text("bdelmorstuw &-'", max_size=20))
def test_suggestions_are_sorted_and_said_once(typed: str) -> None:
    found = demo_vocabulary().suggest(typed)
    assert [each.products for each in found] == sorted((each.products for each in found), reverse=True)
    assert len({(each.text, each.kind, each.value) for each in found}) == len(found)
    assert all(each.products > 0 for each in found)
