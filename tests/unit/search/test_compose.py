"""What is embedded of what was typed, beside a product and alone."""

import pytest

from server.search.compose import AWAY, OF_ITS_KIND, WITHOUT_A_KIND, WeightedText, texts_beside_a_product, texts_of
from server.search.typed import parse_typed


def test_all_words_count_once_and_heavy_ones_more() -> None:
    typed = parse_typed("red^2 boots -laces")
    assert texts_of(typed, typed.words) == [
        WeightedText("red boots", 1.0),
        WeightedText("red", 1.0),
        WeightedText("laces", -AWAY),
    ]


def test_beside_a_product_the_words_are_also_said_of_its_kind() -> None:
    typed = parse_typed("blue -laces")
    assert texts_beside_a_product(typed, "blue", "Boots") == [
        WeightedText("blue", 1.0),
        WeightedText("laces", -AWAY),
        WeightedText("blue Boots", OF_ITS_KIND),
    ]


@pytest.mark.parametrize("kind", [None, ""])
def test_beside_a_product_of_no_kind_the_words_count_more(kind: str | None) -> None:
    typed = parse_typed("blue -laces")
    assert texts_beside_a_product(typed, "blue", kind) == [
        WeightedText("blue", WITHOUT_A_KIND),
        WeightedText("laces", -AWAY),
    ]


def test_what_leads_away_alone_brings_no_kind() -> None:
    typed = parse_typed("-laces")
    assert texts_beside_a_product(typed, "", "Boots") == [WeightedText("laces", -AWAY)]
