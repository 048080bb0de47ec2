"""Questions about the drawn demo catalogue, in wordings that the bundled model's training never saw.

The words for colours and kinds are plain English ones; what is held out is how they are put together, and the words
for patterns and details. A test compares them with models/wordings.py.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

# What a product has to be, for how a question asks for it.
TEMPLATES = {
    ("kind", "colour"): (
        "do you sell any {kind} that comes in {colour}?",
        "my friend wants a new {kind}, {colour} would be nice",
        "{colour}, {kind}",
    ),
    ("kind", "pattern"): ("is there a {kind} around here {pattern}?", "a gift: one {kind} {pattern}"),
    ("colour", "pattern"): ("anything {colour} {pattern}?",),
    ("kind", "detail"): ("any {kind} you stock, as long as it comes with {detail}", "must have {detail}: {kind}"),
    ("kind", "colour", "pattern"): (
        "a {colour} {kind} for my sister, {pattern}",
        "please find one {kind}, mostly {colour}, {pattern}",
    ),
    ("kind", "colour", "detail"): ("one {colour} {kind}, and it should come with {detail}",),
    ("kind", "pattern", "detail"): ("a {kind} {pattern}, and {detail} too",),
    ("kind", "colour", "pattern", "detail"): ("a {colour} {kind} {pattern} and {detail}",),
}

PATTERN_PHRASES = {
    "plain": "without any pattern on it",
    "striped": "with stripes all over",
    "dotted": "with lots of little dots",
    "checked": "in a checked fabric look",
    "floral": "with flowers on it",
}


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


def make_questions(truth: Mapping[str, Mapping[str, object]], per_shape: int, seed: int = 5) -> list[Question]:
    """At most `per_shape` questions for each combination of attributes that at least three products answer.

    `truth` holds the corpus alone, by SKU.
    """
    draw = random.Random(seed)
    questions = []
    for asks, templates in TEMPLATES.items():
        answers: dict[tuple[str, ...], set[str]] = {}
        for sku, told in truth.items():
            facts = _facts(told)
            for values in product(*(facts[name] for name in asks)):
                answers.setdefault(values, set()).add(sku)
        candidates = sorted(values for values, skus in answers.items() if len(skus) >= 3)
        for values in draw.sample(candidates, min(per_shape, len(candidates))):
            named = dict(zip(asks, values, strict=True))
            words = {
                "kind": named.get("kind", ""),
                "colour": named.get("colour", ""),
                "pattern": PATTERN_PHRASES.get(named.get("pattern", ""), ""),
                "detail": detail_phrase(named["detail"]) if "detail" in named else "",
            }
            text = draw.choice(templates).format(**words)
            questions.append(Question(text, asks, frozenset(answers[values])))
    return questions
