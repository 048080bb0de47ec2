"""What a hit's score is made of, and which hits are relevant."""

from datetime import UTC, datetime

import pytest

from server.search import scoring
from server.search.hits import Candidate
from server.search.scoring import FEWEST_TO_CUT, FLOOR, SHARE, Scale, Scored, cutoff_of, relevant, score
from server.search.text_query import IN_TITLE, MOST_WEIGHT, Group, TextQuery, Worded

SCALE = Scale(0.0, 0.1)


def candidate(sku: str, similarity: float | None) -> Candidate:
    distance = None if similarity is None else 1.0 - similarity
    return Candidate(sku, None, None, "USD", datetime(2026, 1, 1, tzinfo=UTC), distance, None)


def looks(*similarities: float) -> list[Scored]:
    return score([candidate(f"P{n}", one) for n, one in enumerate(similarities)], SCALE, {}, {})


def query(*weights: float) -> TextQuery:
    return TextQuery(tuple(Group(f"w{n}", f"'w{n}'", f"'w{n}':AB", weight) for n, weight in enumerate(weights)))


def skus(scored: list[Scored]) -> list[str]:
    return [one.candidate.sku for one in scored]


def test_a_score_is_the_sum_of_its_parts() -> None:
    (one,) = score([candidate("A", 0.3)], SCALE, {"A": Worded(0.5, True)}, {"A": ("sku",)}, text_weight=8.0)
    assert one.parts.z == pytest.approx(3.0)
    assert (one.parts.text, one.parts.text_weight, one.parts.rule) == (0.5, 8.0, scoring.RULES["sku"])
    assert one.parts.score == pytest.approx(3.0 + 8.0 * 0.5 + scoring.RULES["sku"])


def test_where_the_distance_ranks_words_change_no_place() -> None:
    found = score(
        [candidate("A", 0.2), candidate("B", 0.3)], SCALE, {"A": Worded(1.0, True)}, {}, 50.0, by_distance=True
    )
    assert skus(found) == ["B", "A"]


def test_a_product_called_by_all_words_and_nothing_else_has_a_text_score_of_one() -> None:
    assert query(0.6, 0.4).worded([IN_TITLE, IN_TITLE], 2) == Worded(pytest.approx(1.0), True)


def test_words_tell_more_the_nearer_to_the_title_they_stand() -> None:
    places = [query(0.5, 0.5).worded([IN_TITLE, where], 2).text for where in (0, 1, 2, 3)]
    assert places == sorted(set(places))


def test_what_else_the_title_says_counts_against_it() -> None:
    asked = query(0.5, 0.5)
    assert asked.worded([IN_TITLE, IN_TITLE], 2).text > asked.worded([IN_TITLE, IN_TITLE], 6).text


def test_half_of_the_words_are_worth_far_less_than_half() -> None:
    half = query(0.5, 0.5).worded([IN_TITLE, 0], 1)
    assert not half.has_all
    assert half.text < 0.1


def test_a_group_is_looked_for_in_category_and_attributes_too() -> None:
    assert query(1.0).groups[0].named == "'w0':ABC"


def test_the_cutoff_is_a_share_of_the_best_look() -> None:
    found = looks(0.8, 0.57, 0.55, 0.2)
    assert cutoff_of(found, FEWEST_TO_CUT) == pytest.approx(SHARE * 8.0)
    assert skus(relevant(found, cutoff_of(found, FEWEST_TO_CUT))) == ["P0", "P1"]


def test_where_even_the_best_look_is_ordinary_nothing_is_relevant() -> None:
    found = looks(0.28, 0.25)
    assert cutoff_of(found, FEWEST_TO_CUT) == FLOOR
    assert relevant(found, FLOOR) == []


def test_all_words_or_a_rule_are_relevant_whatever_the_look() -> None:
    texts = {"all": Worded(0.01, True), "some": Worded(0.01, False)}
    found = score([candidate(sku, 0.0) for sku in ("all", "some", "named")], SCALE, texts, {"named": ("brand",)}, 1.0)
    assert set(skus(relevant(found, 50.0))) == {"all", "named"}


def test_in_a_small_catalogue_nothing_is_cut() -> None:
    found = looks(0.8, 0.0)
    assert cutoff_of(found, FEWEST_TO_CUT - 1) is None
    assert relevant(found, None) == found


def test_where_no_look_ranks_nothing_is_cut() -> None:
    found = score([candidate("A", None)], None, {"A": Worded(0.2, False)}, {}, MOST_WEIGHT)
    assert cutoff_of(found, 10_000) is None


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8])
def test_at_least_so_many_groups_are_asked_of_the_index(size: int) -> None:
    asked = TextQuery(tuple(Group(f"w{n}", f"w{n}", f"w{n}:AB", 1.0 / (n + 1)) for n in range(size)))
    for number in range(1, size + 1):
        told = asked.at_least(number).replace("&", "and").replace("|", "or")
        for held in range(2**size):
            has = {f"w{n}": bool(held >> n & 1) for n in range(size)}
            assert eval(told, {}, has) == (sum(has.values()) >= number)  # noqa: S307
