"""Questions about the drawn demo catalogue, in wordings that the bundled model's training never saw.

The words for colours and kinds are plain English ones; what is held out is how they are put together, and the words
for patterns and details. A test compares them with models/wordings.py.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

# What a product has to be, for how a question asks for it. `typed` is what people type into a search box; `spoken` is
# how they would say it to someone, with many words that say nothing of the product, and plainness as a negation.
TEMPLATES = {
    "typed": {
        ("kind", "colour"): ("{kind}, {colour} version", "the {kind} but {colour}", "{kind} - {colour}"),
        ("kind", "pattern"): (
            "{kind}, {adjective} version",
            "{kind} made {adjective}",
            "the {adjective} kind of {kind}",
        ),
        ("colour", "pattern"): ("all that is {colour} and {adjective}", "{adjective}, {colour}"),
        ("kind", "detail"): ("{kind} plus {detail}", "a {kind} featuring {detail}"),
        ("kind", "colour", "pattern"): (
            "{adjective} {kind}, best in {colour}",
            "a {kind} both {colour} and {adjective}",
        ),
        ("kind", "colour", "detail"): ("a {colour} {kind}, {detail} included",),
        ("kind", "pattern", "detail"): ("a {kind} {noun} plus {detail}",),
        ("kind", "colour", "pattern", "detail"): ("a {colour} {kind} {noun} and {detail}",),
    },
    "spoken": {
        ("kind", "colour"): (
            "do you sell any {kind} that comes in {colour}?",
            "my friend wants a new {kind}, {colour} would be nice",
        ),
        ("kind", "pattern"): ("is there a {kind} around here {phrase}?", "a gift: one {kind} {phrase}"),
        ("kind", "detail"): ("any {kind} you stock, as long as it comes with {detail}", "must have {detail}: {kind}"),
        ("kind", "colour", "pattern"): (
            "a {colour} {kind} for my sister, {phrase}",
            "please find one {kind}, mostly {colour}, {phrase}",
        ),
        ("kind", "colour", "detail"): ("one {colour} {kind}, and it should come with {detail}",),
    },
}

# pattern -> an adjective, a noun with its preposition, and a roundabout phrase.
PATTERN_WORDS = {
    "plain": ("plain", "in one colour", "without any pattern on it"),
    "striped": ("striped", "with stripes", "with stripes all over"),
    "dotted": ("dotted", "with dots", "with lots of little dots"),
    "checked": ("checked", "with checks", "in a checked fabric look"),
    "floral": ("floral", "with flowers", "with flowers on it"),
}

# A question counts if so many products are right.
FEWEST_RIGHT = 3

# Said without an article, though they end in no "s".
UNCOUNTED = frozenset({"cutlery", "high top", "fur trim"})


def detail_phrase(detail: str) -> str:
    """How a shopper names a detail: "a hood", "buttons", "an ankle strap"."""
    if detail in UNCOUNTED or detail.endswith("s"):
        return detail
    return f"{'an' if detail[0] in 'aeiou' else 'a'} {detail}"


@dataclass(frozen=True)
class Question:
    """Words, and the SKUs that answer them."""

    text: str
    style: str
    asks: tuple[str, ...]
    right: frozenset[str]


def _facts(truth: Mapping[str, object]) -> dict[str, list[str]]:
    details = truth["details"]
    assert isinstance(details, list)
    return {
        "kind": [str(truth["kind"])],
        "colour": [str(truth["colour"])],
        "pattern": [str(truth["pattern"])],
        "detail": [str(detail) for detail in details],
    }


def _answers(truth: Mapping[str, Mapping[str, object]], asks: tuple[str, ...]) -> dict[tuple[str, ...], set[str]]:
    """Values of the attributes in `asks` -> SKUs that have them, where there are at least three."""
    answers: dict[tuple[str, ...], set[str]] = {}
    for sku, told in truth.items():
        facts = _facts(told)
        for values in product(*(facts[name] for name in asks)):
            answers.setdefault(values, set()).add(sku)
    return {values: skus for values, skus in answers.items() if len(skus) >= FEWEST_RIGHT}


def _words(named: Mapping[str, str]) -> dict[str, str]:
    adjective, noun, phrase = PATTERN_WORDS.get(named.get("pattern", ""), ("", "", ""))
    return {
        "kind": named.get("kind", ""),
        "colour": named.get("colour", ""),
        "adjective": adjective,
        "noun": noun,
        "phrase": phrase,
        "detail": detail_phrase(named["detail"]) if "detail" in named else "",
    }


def make_questions(truth: Mapping[str, Mapping[str, object]], per_shape: int, seed: int = 5) -> list[Question]:
    """At most `per_shape` questions for each style and combination of attributes.

    `truth` holds the corpus alone, by SKU.
    """
    draw = random.Random(seed)
    questions = []
    for style, shapes in TEMPLATES.items():
        for asks, templates in shapes.items():
            answers = _answers(truth, asks)
            candidates = sorted(answers)
            for values in draw.sample(candidates, min(per_shape, len(candidates))):
                words = _words(dict(zip(asks, values, strict=True)))
                text = draw.choice(templates).format(**words)
                questions.append(Question(text, style, asks, frozenset(answers[values])))
    return questions
