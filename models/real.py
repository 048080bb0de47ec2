"""Real catalogues, Parquet files named on the command line, as items to train on and to measure with."""

from __future__ import annotations

import hashlib
import json
import re
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from models.captions import Subject
from models.items import Item, Labels
from models.pictures import Pixels, decode_picture
from models.shop_words import (
    ATTRIBUTE_DETAILS,
    DULL_WORDS,
    GENDER_WORDS,
    KIND_OF_TYPE,
    PATTERN_OF_ATTRIBUTE,
    TYPE_WORDS,
    USAGE_WORDS,
)
from models.wordings import COLOUR_WORDS, PATTERN_WORDS

DULL = re.compile(DULL_WORDS, re.IGNORECASE)
LONGEST_SENTENCE = 22  # words
DetailWords = tuple[tuple[str, ...], tuple[str, ...]]
UNSAID_COLOURS = {"", "na", "multi", "skin", "metallic"}


def is_held_out(title: str, share: float) -> bool:
    """Whether a title belongs to the validation set; the same for every run, and for every product of that title."""
    digest = hashlib.sha256(title.strip().lower().encode()).digest()
    return int.from_bytes(digest[:4], "big") < share * 2**32


def is_held_out_picture(item: Item, share: float) -> bool:
    """The same for products that share few titles: by the picture, so that a file that occurs twice is on one side."""
    digest = hashlib.sha256(item.pixels.tobytes()).digest()
    return int.from_bytes(digest[:4], "big") < share * 2**32


def useful_sentences(description: str | None) -> tuple[str, ...]:
    """The lines and sentences of a description that speak of the product, at most eight, lower case."""
    parts = re.split(r"[\n.;]+", description or "")
    kept = [" ".join(part.lower().split()[:LONGEST_SENTENCE]) for part in parts if not DULL.search(part)]
    return tuple(part for part in kept if len(part.split()) >= 3)[:8]


def name_kind(category: str) -> tuple[str, str, tuple[str, ...], tuple[str, ...]]:
    """A category path -> (kind, group, words for one, words for several)."""
    parts = category.split("/")
    leaf, group = parts[-1], "/".join(parts[:-1][:2]) or parts[0]
    one, several = TYPE_WORDS.get(leaf, ((leaf.lower(),), (leaf.lower(),)))
    if leaf.lower() not in several:
        several = (*several, leaf.lower())
    return KIND_OF_TYPE.get(leaf, one[0]), group, one, several


def read_attributes(text: str | None) -> tuple[str | None, dict[str, DetailWords], frozenset[str]]:
    """The attributes' JSON -> (pattern, details and their words, the details whose presence is known)."""
    try:
        attributes = json.loads(text or "{}")
    except json.JSONDecodeError:
        attributes = {}
    pattern = PATTERN_OF_ATTRIBUTE.get(attributes.get("Pattern", ""))
    details, known = {}, set()
    for (name, value), words in ATTRIBUTE_DETAILS.items():
        if name in attributes:
            known.add(f"{name}: {value}")
            if attributes[name] == value:
                details[f"{name}: {value}"] = words
    return pattern, details, frozenset(known)


def describe_row(row: dict[str, Any]) -> tuple[Subject, Labels]:
    """One row of a catalogue -> what can be said of it, and its labels. Missing columns are fine."""
    kind, group, one, several = name_kind(row["category"] or "other")
    colour = (row.get("colour") or "").lower()
    pattern, details, known = read_attributes(row.get("attributes"))
    title, gender = row["title"], row.get("gender") or ""
    titles = (title, title, f"{title} {one[0]}") if not row.get("colour") else (title,)
    subject = Subject(
        kind=one,
        kinds=several,
        colour=() if colour in UNSAID_COLOURS else COLOUR_WORDS.get(colour, (colour,)),
        pattern=PATTERN_WORDS[pattern] if pattern else ((), ()),
        details=details,
        gender=GENDER_WORDS.get(gender, ()),
        usage=USAGE_WORDS.get(row.get("usage") or "", ()),
        titles=titles,
        sentences=useful_sentences(row.get("description")),
    )
    values = {"kind": kind, "group": group, "title": title.strip().lower()}
    if colour not in ("", "na"):
        values["colour"] = colour
    if pattern:
        values["pattern"] = pattern
    if gender:
        values["gender"] = gender
    return subject, Labels("real", values, frozenset(details), known)


def read_catalogue(path: Path, size: int) -> list[Item]:
    """Every product of a Parquet file; pictures as (size, size, 3) uint8."""
    rows = pq.read_table(path).to_pylist()
    with ProcessPoolExecutor(2) as pool:
        pixels: list[Pixels] = list(
            pool.map(partial(decode_picture, size=size), (row["image"] for row in rows), chunksize=256)
        )
    items = []
    for row, picture in zip(rows, pixels, strict=True):
        subject, labels = describe_row(row)
        fashion = bool(row.get("gender"))
        items.append(Item(np.ascontiguousarray(picture), subject, labels, "fashion" if fashion else path.stem))
    return items
