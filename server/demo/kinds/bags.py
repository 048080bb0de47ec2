"""Bags and things carried along."""

from __future__ import annotations

from random import Random

from server.demo.canvas import Pen
from server.demo.kinds.base import Details, Kind
from server.demo.palette import DARK_METAL, DARK_WOOD, GOLD, METAL, SLATE
from server.demo.paths import Path, arc, box, heart, mirrored, rounded, smooth, star

_LEATHER = ("leather", "vegan leather", "suede", "canvas")


def handbag(pen: Pen, rng: Random, details: Details) -> None:
    """A lady's handbag with an arched handle and a flap."""
    rise, wide = rng.uniform(0.5, 0.66), rng.uniform(0.6, 0.72)
    pen.rod(arc(0, -0.16, 0.36, rise, 180, 360), 0.09, "dark")
    if "fringe" in details:
        for k in range(9):
            x = (k - 4) * wide / 4.6
            pen.rod([(x, 0.6), (x, 0.9)], 0.06, "trim")
    pen.shape(rounded(mirrored([(wide - 0.12, -0.22), (wide + 0.06, 0.68)]), 0.12))
    flap = mirrored([(wide - 0.1, -0.24), (wide - 0.06, 0.08, 0.1), (0.0, 0.24)])
    pen.shape(rounded(flap, 0.06), "dark")
    if "buckle" in details:
        pen.shape(box(-0.12, 0.04, 0.12, 0.34, 0.04), GOLD)
        pen.shape(box(-0.05, 0.11, 0.05, 0.27, 0.02), "dark")
    if "bow" in details:
        pen.bow(0, -0.12 if "buckle" in details else 0.12, 0.26)


def backpack(pen: Pen, rng: Random, details: Details) -> None:
    """A rucksack from the front, with a top loop and shoulder straps."""
    wide, top = rng.uniform(0.48, 0.56), rng.uniform(-0.78, -0.68)
    pen.rod(arc(0, top + 0.04, 0.16, 0.2, 180, 360), 0.07, "dark")
    pen.both(
        smooth(
            [
                (wide - 0.1, -0.5),
                (wide + 0.16, -0.3),
                (wide + 0.16, 0.5),
                (wide - 0.05, 0.6),
                (wide + 0.04, 0.3),
                (wide + 0.02, -0.2),
            ]
        ),
        "dark",
    )
    if "side pockets" in details:
        pen.both(box(wide - 0.1, 0.2, wide + 0.26, 0.74, 0.08), "trim")
    pen.shape(rounded([(-wide, top, 0.36), (wide, top, 0.36), (wide + 0.02, 0.82), (-wide - 0.02, 0.82)], 0.12))
    pen.line(arc(0, -0.1, wide * 0.82, 0.42, 180, 360), 0.03, "ink")
    pen.shape(box(-wide * 0.76, 0.16, wide * 0.76, 0.7, 0.1), "dark")
    pen.line([(-wide * 0.7, 0.32), (wide * 0.7, 0.32)], 0.03, "ink")
    if "zip" in details:
        pen.line([(-wide * 0.62, 0.32), (wide * 0.62, 0.32)], 0.05, METAL)
        pen.shape(box(wide * 0.4, 0.3, wide * 0.56, 0.5, 0.02), GOLD)
    if "straps" in details:
        for side in (-1, 1):
            x = side * wide * 0.45
            pen.shape(box(x - 0.06, top + 0.24, x + 0.06, 0.46, 0.02), "trim")
            pen.shape(box(x - 0.08, -0.02, x + 0.08, 0.1, 0.02), GOLD)


def tote_bag(pen: Pen, rng: Random, details: Details) -> None:
    """A flat shopping bag with two long handles."""
    wide, rise = rng.uniform(0.5, 0.6), rng.uniform(0.56, 0.66)
    pen.rod(arc(0, -0.22, 0.27, rise * 0.9, 180, 360), 0.07, "dark")
    pen.shape(rounded(mirrored([(wide, -0.3), (wide - 0.06, 0.82)]), 0.03))
    pen.rod(arc(0, -0.14, 0.27, rise, 180, 360), 0.07, "dark")
    pen.line([(-wide + 0.02, -0.2), (wide - 0.02, -0.2)], 0.02)
    if "pocket" in details:
        pen.shape(box(-0.27, 0.16, 0.27, 0.66, 0.03), "trim")
        pen.line([(-0.27, 0.27), (0.27, 0.27)], 0.02, "ink")
    if "heart" in details:
        pen.shape(
            heart(0, 0.34, 0.2) if "pocket" in details else heart(0, 0.26, 0.3),
            (222, 70, 90) if "pocket" in details else "trim",
        )
    if "tassel" in details:
        pen.rod([(0.27, -0.14), (0.31, 0.1)], 0.04, GOLD)
        for k in range(3):
            pen.rod([(0.31, 0.08), (0.24 + k * 0.07, 0.34)], 0.05, GOLD)


def suitcase(pen: Pen, rng: Random, details: Details) -> None:
    """An upright trolley case with its handle pulled out."""
    wide, top = rng.uniform(0.44, 0.52), rng.uniform(-0.46, -0.36)
    pen.both(box(0.14, -0.92, 0.2, top, 0.01), METAL)
    pen.shape(box(-0.24, -0.97, 0.24, -0.86, 0.04), DARK_METAL)
    if "wheels" in details:
        for x in (-wide + 0.1, wide - 0.1):
            pen.dot(x, 0.86, 0.13, SLATE)
            pen.dot(x, 0.86, 0.05, METAL)
    pen.shape(box(-wide, top, wide, 0.8, 0.13))
    for x in (-0.5, 0.0, 0.5):
        pen.line([(x * wide * 1.2, top + 0.1), (x * wide * 1.2, 0.7)], 0.024)
    if "straps" in details:
        pen.both(box(0.2, top, 0.31, 0.8, 0.02), "trim")
        pen.both(box(0.18, 0.12, 0.33, 0.24, 0.02), GOLD)
    if "stickers" in details:
        pen.shape(star(-0.14, 0.02, 0.17), (250, 206, 70))
        pen.dot(0.16, 0.34, 0.14, (90, 190, 220))
        pen.shape(heart(-0.18, 0.54, 0.13), (240, 90, 110))


def umbrella(pen: Pen, rng: Random, details: Details) -> None:
    """An open umbrella with a hooked handle."""
    rise = rng.uniform(0.66, 0.8)
    hook: Path = [(0, -0.1), (0, 0.68), *arc(0.13, 0.7, 0.13, 0.17, 180, 10)]
    pen.rod(hook, 0.055, DARK_WOOD)
    pen.line([(0, -rise - 0.24), (0, -rise)], 0.05, "ink")
    rim = -0.02
    if "frill" in details:
        for k in range(13):
            pen.dot((k - 6) * 0.142, rim + 0.03, 0.1, "trim")
    scallops: Path = []
    for k in range(4):
        scallops += arc(0.69 - k * 0.46, rim, 0.23, 0.11, 0, -180)
    pen.shape([*arc(0, rim, 0.92, rise, 180, 360), *scallops])
    for x in (0.23, 0.69):
        for side in (-1, 1):
            path = arc(0, rim, x * side + side * 0.23 * (x < 0.5), rise, 270, 360)
            if x < 0.5:
                pen.line(path, 0.02)
    pen.line([(0, rim), (0, -rise)], 0.02)
    if "bow" in details:
        pen.bow(0, -rise + 0.02, 0.24)


def watch(pen: Pen, rng: Random, details: Details) -> None:
    """A wristwatch laid out straight."""
    band = rng.uniform(0.22, 0.27)
    pen.shape(rounded([(-band, -0.1), (-band * 0.78, -0.96), (band * 0.78, -0.96), (band, -0.1)], 0.05))
    pen.shape(rounded([(-band, 0.1), (-band * 0.78, 0.96), (band * 0.78, 0.96), (band, 0.1)], 0.05))
    for k in range(3):
        pen.dot(0, 0.62 + k * 0.12, 0.028, "ink", edge=False)
    if "side buttons" in details:
        for y in (-0.22, 0.0, 0.22):
            pen.shape(box(0.36, y - 0.07, 0.54, y + 0.07, 0.02), GOLD)
    if "digital" in details:
        pen.shape(box(-0.42, -0.38, 0.42, 0.38, 0.1), DARK_METAL)
        pen.shape(box(-0.32, -0.24, 0.32, 0.24, 0.03), (196, 214, 186))
        for x in (-0.2, -0.06, 0.1, 0.23):
            pen.line([(x, -0.13), (x, 0.13)], 0.06, (40, 48, 40))
        return
    pen.dot(0, 0, 0.44, "trim" if "bezel" in details else METAL)
    pen.dot(0, 0, 0.31 if "bezel" in details else 0.36, (252, 252, 250))
    for x, y in ((0, -0.25), (0.25, 0), (0, 0.25), (-0.25, 0)):
        pen.line([(x * 0.9, y * 0.9), (x * 1.1, y * 1.1)], 0.04, (50, 54, 62))
    pen.line([(0, 0), (0.02, -0.22)], 0.045, (40, 44, 52))
    pen.line([(0, 0), (0.15, 0.08)], 0.055, (40, 44, 52))
    pen.dot(0, 0, 0.04, (200, 60, 50), edge=False)


def sunglasses(pen: Pen, rng: Random, details: Details) -> None:
    """Dark glasses from the front."""
    lens = (52, 56, 68) if pen.tones.body[0] + pen.tones.body[1] > 140 else (150, 170, 190)
    wide, high = rng.uniform(0.38, 0.43), rng.uniform(0.3, 0.38)
    if "cord" in details:
        pen.rod(smooth([(-0.86, -0.1), (-0.8, 0.5), (0, 0.74), (0.8, 0.5), (0.86, -0.1)], closed=False), 0.05, "trim")
    pen.both(box(0.76, -0.24, 0.96, 0.06, 0.03), "plain")
    pen.rod(arc(0, -0.02, 0.16, 0.14, 180, 360), 0.1, "plain")
    if "heart lenses" in details:
        pen.both(heart(0.44, -0.02, 0.46), "plain")
        pen.both(heart(0.44, -0.03, 0.31), lens)
    else:
        pen.both(
            rounded([(0.46 - wide, -high), (0.46 + wide, -high), (0.42 + wide, high), (0.48 - wide, high)], 0.2),
            "plain",
        )
        w, h = wide - 0.1, high - 0.1
        pen.both(rounded([(0.46 - w, -h), (0.46 + w, -h), (0.42 + w, h), (0.48 - w, h)], 0.16), lens)
    for x in (-0.52, 0.36):
        pen.line([(x, 0.06), (x + 0.16, -0.12)], 0.05, (226, 232, 240))


BAGS: tuple[Kind, ...] = (
    Kind(
        "handbag",
        handbag,
        ("buckle", "fringe", "bow"),
        "Bags/Handbags",
        ("Handbag", "Purse"),
        (39, 219),
        _LEATHER,
        standing=True,
        family="bags",
    ),
    Kind(
        "backpack",
        backpack,
        ("side pockets", "zip", "straps"),
        "Bags/Backpacks",
        ("Backpack", "Rucksack"),
        (35, 149),
        ("canvas", "nylon", "recycled polyester"),
        standing=True,
        family="bags",
    ),
    Kind(
        "tote bag",
        tote_bag,
        ("pocket", "heart", "tassel"),
        "Bags/Tote Bags",
        ("Tote Bag", "Shopper"),
        (14, 59),
        ("canvas", "cotton", "jute"),
        family="bags",
    ),
    Kind(
        "suitcase",
        suitcase,
        ("wheels", "straps", "stickers"),
        "Bags/Luggage",
        ("Suitcase", "Trolley Case"),
        (79, 299),
        ("polycarbonate", "aluminium", "nylon"),
        standing=True,
        family="bags",
    ),
    Kind(
        "umbrella",
        umbrella,
        ("frill", "bow"),
        "Accessories/Umbrellas",
        ("Umbrella",),
        (15, 59),
        ("polyester", "nylon", "pongee"),
        mirrors=True,
        family="bags",
    ),
    Kind(
        "watch",
        watch,
        ("bezel", "digital", "side buttons"),
        "Accessories/Watches",
        ("Watch", "Wristwatch"),
        (49, 299),
        ("steel", "silicone", "leather"),
        family="bags",
    ),
    Kind(
        "sunglasses",
        sunglasses,
        ("heart lenses", "cord"),
        "Accessories/Eyewear",
        ("Sunglasses", "Shades"),
        (15, 129),
        ("acetate", "metal", "recycled plastic"),
        patterned=False,
        family="bags",
    ),
)
