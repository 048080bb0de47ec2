"""The questions of benchmarks/hybrid.py and how their answers are judged."""

import random

import pytest

from benchmarks.hybrid_queries import careless, descriptions, kinds, ndcg, recall, shuffled, slip, title_questions
from server.search.words.lookalikes import Lookalikes


def test_a_slip_is_one_edit_away_and_never_none() -> None:
    for seed in range(200):
        written = slip("shirts", random.Random(seed))
        assert written != "shirts"
        assert Lookalikes(["shirts"]).near(written, 1) == [("shirts", 1)]


def test_a_careless_title_lacks_a_word_and_has_a_slip_in_another() -> None:
    words = ["Nike", "Men", "Grey", "Shorts"]
    for seed in range(50):
        written = careless(words, random.Random(seed))
        assert len(written) == 3
        assert len([word for word in written if word not in words]) == 1
    assert careless(["Nike"], random.Random(0)) == ["Nike"]


def test_questions_are_the_same_in_every_run() -> None:
    answers = {"Nike Men Grey Shorts": frozenset({"1"})}
    first = title_questions(answers, list(answers), shuffled)
    assert first == title_questions(answers, list(answers), shuffled)
    assert sorted(first[0].text.split()) == sorted(["Nike", "Men", "Grey", "Shorts"])
    assert first[0].right == {"1"}


def test_descriptions_name_what_enough_products_have() -> None:
    row = {"category": "Apparel/Topwear/Shirts", "colour": "Navy Blue", "gender": "Men"}
    rows = [{"id": str(number), **row} for number in range(3)] + [{"id": "4", **row, "colour": "Red"}]
    rows.append({"id": "5", **row, "colour": "NA"})
    assert [(one.text, one.right) for one in descriptions(rows)] == [("navy blue men shirts", {"0", "1", "2"})]


def test_kinds_are_the_ends_of_category_paths() -> None:
    rows = [{"id": str(number), "category": "Apparel/Topwear/Shirts"} for number in range(10)]
    assert [(one.text, len(one.right)) for one in kinds(rows)] == [("shirts", 10)]


def test_a_full_page_of_right_ones_is_perfect_and_order_counts() -> None:
    many = frozenset(str(number) for number in range(30))
    assert recall([str(number) for number in range(10)], many) == 1.0
    assert ndcg([str(number) for number in range(10)], many) == pytest.approx(1.0)
    assert recall(["x", "1"], frozenset({"1", "2"})) == 0.5
    assert ndcg(["1", "x"], frozenset({"1"})) > ndcg(["x", "1"], frozenset({"1"})) > 0.0
