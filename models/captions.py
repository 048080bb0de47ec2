"""Captions: from what is known of a product to one of the many ways of asking for it.

A caption also says which labels it uses, so that the loss knows every other picture of the batch that it describes.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from models.wordings import AFTER, BEFORE, TEMPLATES, WEIGHTS

VOWELS = "aeiou"


@dataclass(frozen=True)
class Subject:
    """What can be said of one product. Empty tuples are what is not known.

    kind holds the words for one of it, kinds for several; pattern is (adjectives, nouns); details maps the name of
    a detail to its words after "with" and its adjectives; titles and sentences are said as they stand.
    """

    kind: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    colour: tuple[str, ...] = ()
    pattern: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
    details: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = field(default_factory=dict)
    gender: tuple[str, ...] = ()
    usage: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()
    sentences: tuple[str, ...] = ()


@dataclass(frozen=True)
class Caption:
    """Words, and the names of the labels ("kind", "colour", "pattern", "gender", "title") and details they state."""

    text: str
    uses: frozenset[str]
    details: frozenset[str] = frozenset()


LABEL_OF_SLOT = {"k": "kind", "c": "colour", "p": "pattern"}


def article(words: str) -> str:
    """The indefinite article of a phrase; plurals and "pair of" included, as a shopper would type it."""
    return "an" if words[:1] in VOWELS else "a"


def without_article(text: str) -> str:
    """The text without a leading "a", "an", "the" or "some", so that a word can stand before it."""
    first, _, rest = text.partition(" ")
    return rest if first in ("a", "an", "the", "some") and rest else text


def say_detail(words: tuple[str, ...], draw: random.Random) -> str:
    """A detail after "with": half of the time as a hasty shopper types it, without its article."""
    chosen = draw.choice(words)
    return without_article(chosen) if draw.random() < 0.5 else chosen


def can_say(subject: Subject, key: str) -> bool:
    """Whether a subject has what the templates of a key need."""
    needed_details = sum(slot in key for slot in "de")
    return (
        ("k" not in key or bool(subject.kind))
        and ("c" not in key or bool(subject.colour))
        and ("p" not in key or bool(subject.pattern[0]))
        and len(subject.details) >= needed_details
    )


def fill_template(template: str, key: str, subject: Subject, draw: random.Random) -> Caption:
    """Fill one template of a key; see wordings.py for the slots."""
    kind = draw.choice(subject.kind) if subject.kind else ""
    details = draw.sample(sorted(subject.details), sum(slot in key for slot in "de"))
    said = [say_detail(subject.details[name][0], draw) for name in details]
    adjectives = [draw.choice(subject.details[name][1] or subject.details[name][0]) for name in details]
    values = {
        "k": kind,
        "K": draw.choice(subject.kinds or subject.kind) if subject.kind else "",
        "ak": f"{article(kind)} {kind}",
        "c": draw.choice(subject.colour) if subject.colour else "",
        "p": draw.choice(subject.pattern[0]) if subject.pattern[0] else "",
        "P": draw.choice(subject.pattern[1]) if subject.pattern[1] else "",
        "d": said[0] if said else "",
        "e": said[1] if len(said) > 1 else "",
        "D": adjectives[0] if said else "",
        "E": adjectives[1] if len(said) > 1 else "",
    }
    before, found, after = template.partition("{a}")
    text = before.format(**values)
    if found:
        rest = after.format(**values).strip()
        text = f"{text}{article(rest)} {rest}"
    uses = frozenset(LABEL_OF_SLOT[slot] for slot in key if slot in LABEL_OF_SLOT)
    return Caption(" ".join(text.split()), uses, frozenset(details))


def surround(caption: Caption, draw: random.Random) -> Caption:
    """One caption in four gets words around it that do not matter, so that the text tower learns to look past such."""
    chance = draw.random()
    text = caption.text
    if chance < 0.2:
        text = f"{draw.choice(BEFORE)} {without_article(text) if draw.random() < 0.5 else text}"
    if 0.15 < chance < 0.28:
        text = f"{text} {draw.choice(AFTER)}"
    return Caption(text, caption.uses, caption.details)


def compose_caption(subject: Subject, draw: random.Random) -> Caption:
    """A caption from the templates, of a combination that the subject can fill."""
    keys = [key for key in WEIGHTS if can_say(subject, key)]
    key = draw.choices(keys, [WEIGHTS[key] for key in keys])[0]
    caption = surround(fill_template(draw.choice(TEMPLATES[key]), key, subject, draw), draw)
    chance = draw.random()
    if subject.gender and chance < 0.3:
        words = draw.choice(subject.gender)
        text = f"{words} {without_article(caption.text)}" if chance < 0.2 else f"{caption.text} for {words}"
        return Caption(text, caption.uses | {"gender"}, caption.details)
    if subject.usage and chance > 0.92:
        return Caption(f"{draw.choice(subject.usage)} {without_article(caption.text)}", caption.uses, caption.details)
    return caption


def draw_caption(subject: Subject, draw: random.Random, composed: float = 0.3) -> Caption:
    """Any caption of a subject: composed with that probability, else a title or a sentence where there is one."""
    plain = subject.titles or subject.sentences
    if (subject.kind or subject.colour) and (not plain or draw.random() < composed):
        return compose_caption(subject, draw)
    if subject.sentences and (not subject.titles or draw.random() < 0.2):
        return Caption(draw.choice(subject.sentences), frozenset({"title"}))
    text = draw.choice(subject.titles).lower()
    words = text.split()
    # A shopper rarely types the brand and the whole name: now and then leave the first words out.
    if len(words) > 3 and draw.random() < 0.1:
        text = " ".join(words[draw.randint(1, 2) :])
    return Caption(text, frozenset({"title"}))
