"""Which word was meant, and that words which are right, or of another kind, are left alone."""

import random
import string
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.search.words.vocabulary import Rows, Vocabulary
from tests.vocabularies import demo_rows, demo_vocabulary, vocabulary_of

SHOP = {"Blue Striped Shirt": 40, "Red Skirt": 30, "Running Sneakers": 20, "Crème T-Shirt": 9, "Shorts 5XL": 5}


def a_slip(word: str, rng: Random) -> str:
    """The word with a letter left out, put in, changed or swapped with its neighbour, behind the first one."""
    place, letter = rng.randrange(1, len(word) - 1), rng.choice(string.ascii_lowercase)
    before, rest = word[:place], word[place:]
    slips = (
        before + rest[1:],
        before + letter + rest,
        before + letter + rest[1:],
        before + rest[1] + rest[0] + rest[2:],
    )
    return rng.choice(slips)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("shrit", "shirt"),
        ("strpied", "striped"),
        ("stripped", "striped"),
        ("sneekers", "sneakers"),
        ("snekaerz", "sneakers"),
        ("shiirt", "shirt"),
        ("skrt", "skirt"),
        ("SHRIT", "shirt"),
        ("tshirt", "t-shirt"),
        ("creme", "crème"),
    ],
)
def test_a_slip_is_put_right(typed: str, meant: str) -> None:
    assert vocabulary_of(SHOP).correct(typed) == meant


@pytest.mark.parametrize(
    "typed",
    ["shirt", "shirts", "Shirt", "stripe", "stripes", "run", "sneaker", "skirt's", "t-shirts"],
)
def test_a_known_word_and_its_forms_are_left_alone(typed: str) -> None:
    assert vocabulary_of(SHOP).correct(typed) is None


@pytest.mark.parametrize(
    "typed", ["shr", "5xk", "shirt5", "umbrella", "sh irt", "shrit skirt", "", "  ", "---", "x" * 41]
)
def test_what_is_short_or_far_or_no_single_word_is_left_alone(typed: str) -> None:
    assert vocabulary_of(SHOP).correct(typed) is None


def test_short_words_get_one_slip_and_long_ones_two() -> None:
    vocabulary = vocabulary_of({"sandal": 50, "sunglasses": 50})
    assert vocabulary.correct("sanadl") == "sandal"
    assert vocabulary.correct("snadla") is None
    assert vocabulary.correct("sunglases") == "sunglasses"
    assert vocabulary.correct("snuglases") == "sunglasses"
    assert vocabulary.correct("snuglazez") is None


def test_of_words_equally_near_the_more_frequent_is_meant() -> None:
    assert vocabulary_of({"shirt": 40, "skirt": 30}).correct("sirt") == "shirt"
    assert vocabulary_of({"shirt": 30, "skirt": 40}).correct("sirt") == "skirt"


def test_a_nearer_word_is_meant_rather_than_a_more_frequent_one() -> None:
    assert vocabulary_of({"necklace": 40, "necklaces": 300}).correct("neklace") == "necklace"


def test_a_word_of_descriptions_is_known_and_may_be_meant() -> None:
    vocabulary = vocabulary_of({"Blue Shirt": 100}, told={"breathable": 60})
    assert vocabulary.correct("breathable") is None
    assert vocabulary.correct("breathabel") == "breathable"


def test_in_a_large_catalogue_a_short_word_takes_more_products_to_be_believed() -> None:
    """Four letters are near to some word whatever they are, and a rare word of many products may be a slip itself."""
    assert vocabulary_of({"boot": 20}, live=1_000).correct("boat") == "boot"
    assert vocabulary_of({"boot": 20}, live=1_000_000).correct("boat") is None
    assert vocabulary_of({"sandals": 20}, live=1_000_000).correct("sandels") == "sandals"


def test_a_first_letter_is_hardly_ever_missed() -> None:
    vocabulary = vocabulary_of({"sandals": 5}, live=40_000)
    assert vocabulary.correct("sandels") == "sandals"
    assert vocabulary.correct("asndals") == "sandals"
    assert vocabulary.correct("wandals") is None


def test_ordinary_words_of_the_language_are_left_alone() -> None:
    rows = Rows(1, 100, [("boot", 20, 20)])
    assert Vocabulary(rows).correct("boat") == "boot"
    assert Vocabulary(rows, ordinary={"boat"}).correct("boat") is None


def test_an_empty_catalogue_has_no_words() -> None:
    vocabulary = Vocabulary()
    assert vocabulary.version == 0
    assert len(vocabulary) == 0
    assert "shirt" not in vocabulary
    assert vocabulary.products("shirt") == 0
    assert vocabulary.correct("shirt") is None


def test_words_are_counted() -> None:
    vocabulary = vocabulary_of(SHOP)
    assert "shirt" in vocabulary
    assert "shirts" not in vocabulary
    assert (vocabulary.products("shirt"), vocabulary.products("umbrella")) == (40, 0)


@given(st.text())
def test_anything_can_be_typed(typed: str) -> None:
    meant = demo_vocabulary().correct(typed)
    assert meant is None or meant in demo_vocabulary()


@given(st.text("abcdefghilmnoprst-'", min_size=4, max_size=9))
def test_nearly_anything_like_a_word_can_be_typed(typed: str) -> None:
    meant = demo_vocabulary().correct(typed)
    assert meant is None or (meant in demo_vocabulary() and not demo_vocabulary().knows(typed))


def test_a_frequent_long_word_with_a_slip_is_nearly_always_put_right() -> None:
    rng, vocabulary = random.Random(7), demo_vocabulary()
    words = [word for word, products, _ in demo_rows().words if len(word) >= 6 and products >= 20]
    assert len(words) > 40
    tried = right = 0
    for word in words * 20:
        typed = a_slip(word, rng)
        if not vocabulary.knows(typed):
            tried += 1
            # Another form of the word finds the same products: "sneaker" for "sneakerz".
            meant = vocabulary.correct(typed)
            right += meant is not None and (meant == word or vocabulary_of({word: 1}).knows(meant))
    assert tried > 600
    assert right / tried > 0.97


RARE = {**{f"Puma Black Shirt {number}": 400 for number in range(3)}, "Puma Nova Black Shirt": 2, "Mug": 1}


def test_a_rare_word_is_believed_where_it_goes_with_what_stands_beside_it() -> None:
    shop = vocabulary_of(RARE)
    assert shop.correct("nvoa") is None
    assert shop.correct("nvoa", ["puma", "nvoa", "black"]) == "nova"
    # Too little, unknown words, or words that go with something else.
    for beside in (
        ["puma"],
        ["nvoa", "nvoa"],
        ["velvet", "umbrella"],
        ["puma", "mug"],
        ["puma", "puma"],
        ["for", "puma"],
    ):
        assert shop.correct("nvoa", beside) is None, beside


def test_what_stands_beside_it_makes_no_word_of_a_far_one() -> None:
    assert vocabulary_of(RARE).correct("navel", ["puma", "black", "shirt"]) is None
