"""The measures, on cases small enough to work out by hand."""

from itertools import permutations

import numpy as np
import pytest

from benchmarks.corpus import Product
from benchmarks.scores import (
    TEMPLATES,
    chance_of_ranks,
    first_right,
    name_vectors,
    score_colours,
    score_titles,
    score_types,
)
from server.embedding.encoder import Vector, Vectors

AXES = np.eye(4, dtype=np.float32)
WORDS = {"mug": AXES[0], "lamp": AXES[1], "red": AXES[2], "blue": AXES[3]}


def embed_text(text: str) -> Vector:
    """The sum of the words that are known, at length 1."""
    total = np.sum([WORDS[word] for word in text.split() if word in WORDS], axis=0)
    unit: Vector = (total / np.linalg.norm(total)).astype(np.float32)
    return unit


def pictures(*texts: str) -> Vectors:
    return np.stack([embed_text(text) for text in texts])


def test_a_title_is_asked_once_and_all_its_products_are_right() -> None:
    products = [Product(title, None, None) for title in ("mug", "mug", "lamp", "blue lamp", None)]
    # "mug": its second picture is first. "lamp": three pictures are better than its own. "blue lamp": one is.
    shown = np.array([[0, 0, 0, 1], [1, 0, 0, 0], [0, 0, 1, 0], [0, 1, 0, 0], [0, 0.7, 0.1, 0.72]], np.float32)
    figures = {figure.measure: figure for figure in score_titles(embed_text, products, shown)}
    # lamp: the pictures score 0, 0, 0, 1, 0.7 and its own 0: four stand before it. blue lamp: 0.71 after 1.0.
    assert figures["title, R@1"].value == pytest.approx(1 / 3)
    assert figures["title, R@10"].value == 1.0
    assert figures["title, MRR"].value == pytest.approx((1 + 1 / 5 + 1 / 3) / 3)
    assert {figure.asked for figure in figures.values()} == {3}
    assert {figure.candidates for figure in figures.values()} == {5}


def test_ten_is_ten() -> None:
    scores = np.arange(12, 0, -1, dtype=np.float32)[:, None]
    ranks = first_right(np.ones((2, 1), np.float32), scores, [np.array([9]), np.array([10, 11])])
    assert ranks.tolist() == [10, 11]


def test_one_vector_for_everything_gains_nothing() -> None:
    same = np.ones((20, 3), np.float32)
    ranks = first_right(same[:2], same, [np.array([0]), np.array([3, 4])])
    assert ranks.tolist() == [20, 19]


def test_chance_is_what_random_orders_reach() -> None:
    orders = list(permutations(range(5)))
    for right in (1, 2, 5):
        firsts = [1 + min(order.index(place) for place in range(right)) for order in orders]
        first, tenth, mrr = chance_of_ranks([right], 5)
        assert first == pytest.approx(np.mean([rank == 1 for rank in firsts]))
        assert tenth == pytest.approx(1.0)
        assert mrr == pytest.approx(np.mean([1 / rank for rank in firsts]))
    assert chance_of_ranks([1, 1, 3], 40)[1] == pytest.approx((0.25 + 0.25 + 1 - 30 * 29 * 28 / (40 * 39 * 38)) / 3)


def test_types_are_told_apart_among_all_that_occur() -> None:
    products = [Product(None, kind, None) for kind in ("mug", "mug", "lamp", None)]
    (figure,) = score_types(embed_text, products, pictures("mug", "lamp", "lamp", "mug"))
    assert (figure.value, figure.asked, figure.candidates) == (pytest.approx(2 / 3), 3, 2)
    assert figure.chance == 0.5
    assert figure.largest_class == pytest.approx(2 / 3)


def test_colours_are_asked_with_the_products_own_type_and_alone() -> None:
    products = [
        Product(None, "mug", "red"),
        Product(None, "lamp", "red"),
        Product(None, None, "blue"),
        Product(None, "lamp", "blue"),
        Product(None, "lamp", None),
    ]
    # The third has no type, so it is asked alone only; the last has no colour.
    shown = pictures("red mug", "blue lamp", "blue", "blue lamp", "red lamp")
    given, alone = score_colours(embed_text, products, shown)
    assert (given.measure, given.value, given.asked) == ("colour, type given", pytest.approx(2 / 3), 3)
    assert (alone.measure, alone.value, alone.asked) == ("colour alone", pytest.approx(3 / 4), 4)
    assert (alone.candidates, alone.chance, alone.largest_class) == (2, 0.5, 0.5)


def test_what_no_row_says_has_no_figure() -> None:
    nothing = [Product(None, None, None)]
    shown = pictures("mug")
    assert score_titles(embed_text, nothing, shown) == []
    assert score_types(embed_text, nothing, shown) == []
    assert score_colours(embed_text, nothing, shown) == []


def test_a_name_is_the_mean_of_its_templates() -> None:
    asked: list[str] = []

    def listen(text: str) -> Vector:
        asked.append(text)
        return embed_text(text if text == "mug" else "mug red")

    (vector,) = name_vectors(listen, ["mug"])
    assert asked == [template.format("mug") for template in TEMPLATES]
    assert np.linalg.norm(vector) == pytest.approx(1.0)
    assert vector[0] > vector[2] > 0
