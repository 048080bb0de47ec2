"""What lies under a prefix, and which words go together."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from server.search.words.index import PairIndex, PrefixIndex, largest

ENTRIES = st.dictionaries(st.text("abc", min_size=1, max_size=4), st.integers(1, 5))


@given(ENTRIES, st.text("abc", max_size=3), st.integers(1, 4))
def test_the_most_frequent_of_a_prefix_come_first(entries: dict[str, int], prefix: str, limit: int) -> None:
    index = PrefixIndex((text, products, text) for text, products in entries.items())
    under = sorted((-products, text) for text, products in entries.items() if text.startswith(prefix))
    assert index.top(prefix, limit) == [text for _, text in under[:limit]]
    assert index.most(prefix) == (-under[0][0] if under else 0)


@given(st.lists(st.integers(0, 9)), st.integers(1, 5))
def test_the_largest_are_those_of_a_sort(numbers: list[int], limit: int) -> None:
    found = list(largest(np.array(numbers, np.int32), limit))
    assert found == sorted(range(len(numbers)), key=lambda place: -numbers[place])[:limit]


def test_words_that_share_products_are_found_from_either_side() -> None:
    pairs = PairIndex(4, [(0, 2, 7), (2, 3, 5), (1, 0, 9)])
    assert pairs.shared([[0]], 0, 4).tolist() == [0, 9, 7, 0]
    assert pairs.shared([[2]], 0, 4).tolist() == [7, 0, 0, 5]
    assert pairs.shared([[2]], 1, 4).tolist() == [0, 0, 5]


def test_of_several_words_the_fewest_count_and_of_forms_the_most() -> None:
    pairs = PairIndex(4, [(0, 3, 7), (1, 3, 5), (2, 3, 6), (0, 2, 1)])
    assert pairs.shared([[0], [1]], 0, 4).tolist() == [0, 0, 0, 5]
    assert pairs.shared([[0, 1], [2]], 3, 4).tolist() == [6]


def test_no_pairs_are_fine() -> None:
    assert PairIndex(2, []).shared([[0]], 0, 2).tolist() == [0, 0]
