"""The benchmark's questions are worded as training never worded its captions."""

import re

from benchmarks.demo_queries import PATTERN_WORDS, TEMPLATES, detail_phrase, make_questions
from models import wordings

SLOT = re.compile(r"\{\w+\}")


def _skeleton(template: str) -> str:
    """A template without its slots and its articles: what is left is how it is worded."""
    return " ".join(word for word in SLOT.sub("_", template).lower().split() if word not in ("a", "an", "the"))


def test_no_template_of_the_benchmark_is_one_of_training() -> None:
    trained = {_skeleton(template) for templates in wordings.TEMPLATES.values() for template in templates}
    shapes = [templates for style in TEMPLATES.values() for templates in style.values()]
    asked = {_skeleton(template) for templates in shapes for template in templates}
    assert asked.isdisjoint(trained)


def test_no_roundabout_phrase_of_the_benchmark_is_one_of_training() -> None:
    trained = {
        phrase
        for adjectives, nouns in wordings.PATTERN_WORDS.values()
        for noun in (*adjectives, *nouns)
        for phrase in (noun, f"with {noun}", f"in {noun}", f"in a {noun}")
    }
    assert trained.isdisjoint(phrase for _, _, phrase in PATTERN_WORDS.values())


def test_details_are_named_as_a_shopper_would() -> None:
    assert [detail_phrase(detail) for detail in ("buttons", "hood", "ankle strap", "cutlery")] == [
        "buttons",
        "a hood",
        "an ankle strap",
        "cutlery",
    ]


def test_a_question_has_at_least_three_right_answers_and_only_right_ones() -> None:
    mug = {"kind": "mug", "colour": "red", "pattern": "striped", "details": ["lid"]}
    truth = {f"A{number}": mug for number in range(3)} | {
        f"B{number}": {**mug, "colour": "blue", "details": []} for number in range(2)
    }
    questions = make_questions(truth, per_shape=5)
    assert questions
    for question in questions:
        assert len(question.right) >= 3
        if "colour" in question.asks or "detail" in question.asks:
            assert question.right == {"A0", "A1", "A2"}
        else:
            assert question.right == set(truth)
