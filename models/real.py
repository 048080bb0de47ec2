"""Real catalogues, any that `vitrine import` reads, as items to train on and to measure with."""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

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
from server.catalog.feeds.columns import ColumnMatcher
from server.catalog.feeds.fetch import Fetcher
from server.catalog.feeds.interpret import Interpreter
from server.catalog.feeds.opening import open_feeds
from server.errors import VitrineError
from server.settings import load_settings

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


def read_attributes(attributes: Mapping[str, Any]) -> tuple[str | None, dict[str, DetailWords], frozenset[str]]:
    """A product's attributes -> (pattern, details and their words, the details whose presence is known)."""
    pattern = PATTERN_OF_ATTRIBUTE.get(str(attributes.get("Pattern", "")))
    details, known = {}, set()
    for (name, value), words in ATTRIBUTE_DETAILS.items():
        if name in attributes:
            known.add(f"{name}: {value}")
            if attributes[name] == value:
                details[f"{name}: {value}"] = words
    return pattern, details, frozenset(known)


def say_attribute(attributes: Mapping[str, Any], *names: str) -> str:
    """The first of these attributes that has words, whatever the case of its name; else ""."""
    known = {name.lower(): value for name, value in attributes.items()}
    return next((str(known[name]) for name in names if isinstance(known.get(name), str)), "")


def describe_product(product: Mapping[str, Any]) -> tuple[Subject, Labels]:
    """What an import makes of a row (title, category, description, attributes) -> what can be said of it, its labels.

    Attributes that are looked at: colour or color, gender, usage, Pattern and those of shop_words.ATTRIBUTE_DETAILS.
    Whatever is missing is not said.
    """
    attributes: Mapping[str, Any] = product.get("attributes") or {}
    kind, group, one, several = name_kind(product.get("category") or "other")
    said_colour = say_attribute(attributes, "colour", "color")
    colour, gender = said_colour.lower(), say_attribute(attributes, "gender")
    pattern, details, known = read_attributes(attributes)
    title = str(product["title"])
    titles = (title, title, f"{title} {one[0]}") if not said_colour else (title,)
    subject = Subject(
        kind=one,
        kinds=several,
        colour=() if colour in UNSAID_COLOURS else COLOUR_WORDS.get(colour, (colour,)),
        pattern=PATTERN_WORDS[pattern] if pattern else ((), ()),
        details=details,
        gender=GENDER_WORDS.get(gender, ()),
        usage=USAGE_WORDS.get(say_attribute(attributes, "usage"), ()),
        titles=titles,
        sentences=useful_sentences(product.get("description")),
    )
    values = {"kind": kind, "group": group, "title": title.strip().lower()}
    if colour not in ("", "na"):
        values["colour"] = colour
    if pattern:
        values["pattern"] = pattern
    if gender:
        values["gender"] = gender
    return subject, Labels("real", values, frozenset(details), known)


def read_products(path: Path) -> Iterator[tuple[dict[str, Any], bytes]]:
    """Products with a picture of any catalogue that `vitrine import` reads, read as the import reads them.

    Rows that it would refuse, and rows without title or picture, are left out and counted on standard error.
    """
    settings, left_out = load_settings(), 0
    with open_feeds(path) as feeds:
        for feed in feeds:
            matcher = ColumnMatcher()
            interpreter = Interpreter(feed, matcher, settings, Fetcher())
            for row in feed.rows():
                change = interpreter.read(row, "").change
                values = {} if change is None else {**change.defaults, **change.values}
                try:
                    picture = change.picture() if change is not None and change.picture is not None else None
                except VitrineError:
                    picture = None
                if change is None or picture is None or not values.get("title"):
                    left_out += 1
                    continue
                values["attributes"] = {**values.get("attributes", {}), **change.attributes}
                # The title as it stands in the file, before spaces are tidied: the split goes by its letters.
                for column, field in matcher.match(tuple(row.cells)).items():
                    if field == "title" and isinstance(row.cells[column], str):
                        values["title"] = row.cells[column]
                yield values, picture
    if left_out:
        print(f"{path.name}: {left_out} rows left out that have no picture or cannot be read", file=sys.stderr)


def decode_or_none(data: bytes, size: int) -> Pixels | None:
    """Pixels of a picture; None where the bytes are none that can be decoded."""
    try:
        return decode_picture(data, size)
    except (OSError, ValueError):
        return None


def read_catalogue(path: Path, size: int) -> list[Item]:
    """Every product of a catalogue that has a picture; pictures as (size, size, 3) uint8."""
    products, pictures = [], []
    for values, picture in read_products(path):
        products.append(values)
        pictures.append(picture)
    with ProcessPoolExecutor(2) as pool:
        pixels = list(pool.map(partial(decode_or_none, size=size), pictures, chunksize=256))
    items = []
    for values, decoded in zip(products, pixels, strict=True):
        if decoded is None:
            continue
        subject, labels = describe_product(values)
        part = "fashion" if "gender" in labels.values else path.stem
        items.append(Item(np.ascontiguousarray(decoded), subject, labels, part))
    return items
