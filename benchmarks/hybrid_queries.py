"""What somebody types who looks for a product that they know by name, more or less, and how good an answer is."""

import math
import random
import re
import string
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

DEPTH = 10
# A word of so many letters may be misspelt.
SHORTEST = 4
# A description counts if so many products answer it.
FEWEST_RIGHT = 3
_LETTERS = re.compile(r"[A-Za-z]+")


@dataclass(frozen=True)
class Question:
    """Words, and the SKUs that answer them."""

    text: str
    right: frozenset[str]


Writer = Callable[[list[str], random.Random], list[str]]


def slip(word: str, draw: random.Random) -> str:
    """The word with one letter left out, put in, changed, or swapped with the next."""
    while True:
        at, letter = draw.randrange(len(word)), draw.choice(string.ascii_lowercase)
        written = draw.choice([
            word[:at] + word[at + 1 :],
            word[:at] + letter + word[at:],
            word[:at] + letter + word[at + 1 :],
            word[:at] + word[at + 1 : at + 2] + word[at] + word[at + 2 :],
        ])  # fmt: skip
        if written.lower() != word.lower():
            return written


def plain(words: list[str], draw: random.Random) -> list[str]:
    """As it stands."""
    del draw
    return words


def careless(words: list[str], draw: random.Random) -> list[str]:
    """One word misspelt, of those that are long enough, and another left out."""
    long = [at for at, word in enumerate(words) if len(word) >= SHORTEST and _LETTERS.fullmatch(word)]
    if not long or len(words) < 2:
        return words
    at = draw.choice(long)
    gone = draw.choice([other for other in range(len(words)) if other != at])
    return [slip(word, draw) if n == at else word for n, word in enumerate(words) if n != gone]


def shuffled(words: list[str], draw: random.Random) -> list[str]:
    """In another order."""
    return draw.sample(words, len(words))


# Groups of the table -> how a title is written.
WRITERS: dict[str, Writer] = {"title": plain, "slip + word dropped": careless, "other order": shuffled}


def title_questions(answers: Mapping[str, frozenset[str]], titles: Sequence[str], writer: Writer) -> list[Question]:
    """A question for each title, the same in every run."""
    return [Question(" ".join(writer(title.split(), random.Random(title))), answers[title]) for title in titles]


def descriptions(rows: Iterable[Mapping[str, Any]]) -> list[Question]:
    """`navy blue men shirts`: colour, gender and the last part of the category, for all that at least three have."""
    answers = defaultdict(set)
    for row in rows:
        words = [row["colour"], row["gender"], (row["category"] or "").rsplit("/", 1)[-1]]
        if all(word and word.strip() and word != "NA" for word in words):
            answers[" ".join(words).lower()].add(row["id"])
    return [Question(text, frozenset(answers[text])) for text in sorted(answers) if len(answers[text]) >= FEWEST_RIGHT]


def kinds(rows: Iterable[Mapping[str, Any]]) -> list[Question]:
    """`shirts`: the last part of the category."""
    answers = defaultdict(set)
    for row in rows:
        kind = (row["category"] or "").rsplit("/", 1)[-1].lower()
        answers[kind].add(row["id"])
    return [Question(kind, frozenset(answers[kind])) for kind in sorted(answers) if kind and len(answers[kind]) >= 10]


def recall(found: Sequence[str], right: frozenset[str]) -> float:
    """Of the right ones that have room in the first DEPTH, the share that is there."""
    return sum(sku in right for sku in found[:DEPTH]) / min(DEPTH, len(right))


def ndcg(found: Sequence[str], right: frozenset[str]) -> float:
    """Right ones in the first DEPTH, each counted 1 / log2(rank + 1), of what the best order has (Järvelin 2002)."""
    gains = [1.0 / math.log2(rank + 2) for rank in range(DEPTH)]
    got = sum(gain for gain, sku in zip(gains, found, strict=False) if sku in right)
    return got / sum(gains[: min(DEPTH, len(right))])
