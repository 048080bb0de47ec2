"""What a change did to a product, before and after, as people read it: pictures to be seen, prices as prices."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import psycopg

from server.admin.page import told_value
from server.admin.product_form import shown_attributes
from server.catalog.stored import read_media_types

PRICES = frozenset({"price", "sale_price"})
PICTURES = "pictures"
# How the first picture stands in what was written down before lists of pictures were.
FIRST_PICTURE = "image_sha256"
# Where nothing stands, and that says something.
EMPTY = {"stock": "not counted", PICTURES: "none"}

Values = Mapping[str, Any]


@dataclass(frozen=True)
class SmallPicture:
    """A picture to be shown small. alt: what is said of it; may be empty."""

    sha256: str
    media_type: str
    alt: str


@dataclass(frozen=True)
class Side:
    """What stood there, as text, as pictures, or as both where some are not stored any more."""

    text: str
    pictures: Sequence[SmallPicture] = ()


@dataclass(frozen=True)
class Difference:
    """What differs: a column, or `pictures`."""

    name: str
    before: Side
    after: Side


def read_differences(
    connection: psycopg.Connection, changes: Sequence[tuple[Values | None, Values | None]]
) -> list[list[Difference]]:
    """Of each (before, after) of the history what differs, by name; nothing where a product was made or is gone."""
    sides = [side for change in changes for side in change if side is not None]
    digests = {one["sha256"] for side in sides for one in _pictures_of(side) or []}
    media_types = read_media_types(connection, sorted(digests)) if digests else {}
    return [_differences(before or {}, after or {}, media_types) for before, after in changes]


def _differences(before: Values, after: Values, media_types: Mapping[str, str]) -> list[Difference]:
    if not before or not after:
        return []
    names = sorted((before.keys() | after.keys()) - {PICTURES, FIRST_PICTURE})
    found = []
    for name in names:
        one, other = before.get(name), after.get(name)
        if name == "attributes":
            one, other = _only_differing(one or {}, other or {}), _only_differing(other or {}, one or {})
        found.append(Difference(name, Side(_told(name, one)), Side(_told(name, other))))
    shown = [_pictures_of(side) for side in (before, after)]
    if shown[0] is not None and shown[1] is not None:
        found.append(Difference(PICTURES, _seen(shown[0], media_types), _seen(shown[1], media_types)))
    return found


def _pictures_of(side: Values) -> Sequence[Mapping[str, Any]] | None:
    """The list that a side holds; None where pictures do not differ."""
    if PICTURES in side:
        return list(side[PICTURES])
    if FIRST_PICTURE not in side:
        return None
    return [] if side[FIRST_PICTURE] is None else [{"sha256": side[FIRST_PICTURE], "alt": ""}]


def _seen(pictures: Sequence[Mapping[str, Any]], media_types: Mapping[str, str]) -> Side:
    stored = [
        SmallPicture(one["sha256"], media_types[one["sha256"]], one["alt"])
        for one in pictures
        if one["sha256"] in media_types
    ]
    gone = len(pictures) - len(stored)
    if gone:
        return Side("1 picture is not stored any more" if gone == 1 else f"{gone} are not stored any more", stored)
    return Side("" if stored else EMPTY[PICTURES], stored)


def _only_differing(one: Values, other: Values) -> dict[str, Any]:
    return {name: value for name, value in one.items() if name not in other or other[name] != value}


def _told(name: str, value: Any) -> str:
    if value in (None, "", {}):
        return EMPTY.get(name, told_value(None))
    if name == "attributes":
        return told_value(shown_attributes(value))
    if name in PRICES:
        return f"{Decimal(str(value)):.2f}"
    return told_value(value)
