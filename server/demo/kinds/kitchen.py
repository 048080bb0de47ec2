"""Things for the kitchen and the laid table."""

from __future__ import annotations

from random import Random

from server.demo.canvas import Pen
from server.demo.kinds.base import Details, Kind
from server.demo.palette import DARK_METAL, GOLD, LEAF, METAL, SLATE, WOOD
from server.demo.paths import Path, arc, box, ellipse, heart, mirrored, rounded, smooth

_EGG = ((-1, -0.2), (-0.4, -0.9), (0.5, -0.8), (1.05, 0.0), (0.6, 0.8), (-0.4, 0.75), (-0.9, 0.5))
_CLAY = ("stoneware", "porcelain", "earthenware", "bone china")


def _spoon(pen: Pen, x: float, y: float, tilt: float, length: float = 0.5) -> None:
    pen.rod([(x, y), (x + tilt * length, y - length)], 0.05, METAL)
    pen.shape(ellipse(x + tilt * (length + 0.1), y - length - 0.08, 0.11, 0.15, tilt * 50), METAL)


def mug(pen: Pen, rng: Random, details: Details) -> None:
    """A mug with one ear."""
    wide, top = rng.uniform(0.42, 0.5), rng.uniform(-0.5, -0.4)
    if "spoon" in details:
        _spoon(pen, 0.0, top + 0.02, 0.3, 0.38)
    pen.rod(arc(wide - 0.02, 0.12, 0.34, 0.34, -90, 90), 0.12, "plain")
    pen.shape([*arc(0, top, wide, 0.13, 180, 360), *arc(0, 0.6, wide - 0.03, 0.15, 0, 180)])
    if "lid" in details:
        pen.shape(ellipse(0, top - 0.02, wide + 0.05, 0.17), "trim")
        pen.shape(ellipse(0, top - 0.14, 0.12, 0.1), "trim")
    else:
        pen.shape(ellipse(0, top, wide, 0.13), "light")
        pen.shape(ellipse(0, top + 0.025, wide - 0.08, 0.085), (110, 70, 44))
    if "heart" in details:
        pen.shape(heart(0, 0.2, 0.25), "trim")


def teapot(pen: Pen, rng: Random, details: Details) -> None:
    """A round teapot with spout, ear and lid."""
    round_ = rng.uniform(0.44, 0.5)
    pen.rod(arc(-0.48, 0.12, 0.36, 0.32, 80, 290), 0.1, "plain")
    spout: Path = smooth(
        [
            (0.36, 0.36),
            (0.62, 0.2),
            (0.72, -0.1),
            (0.94, -0.26),
            (0.98, -0.16),
            (0.86, 0.06),
            (0.78, 0.36),
            (0.44, 0.56),
        ]
    )
    pen.shape(spout)
    if "feet" in details:
        for x in (-0.3, 0.0, 0.3):
            pen.dot(x, 0.66, 0.12, GOLD)
    pen.shape(ellipse(0, 0.18, 0.56, round_))
    pen.shape([*arc(0, -0.22, 0.32, 0.22, 180, 360), (0.32, -0.18), (-0.32, -0.18)], "dark")
    pen.dot(0, -0.5, 0.1, GOLD if "feet" in details else "dark")
    if "heart" in details:
        pen.shape(heart(0, 0.2, 0.25), "trim")
    if "bow" in details:
        pen.bow(0, -0.14, 0.24)


def plate(pen: Pen, rng: Random, details: Details) -> None:
    """A round plate from above."""
    r = 0.62 if "cutlery" in details else rng.uniform(0.74, 0.84)
    pen.shape(ellipse(0, 0, r), "body")
    if "gold rim" in details:
        pen.line(arc(0, 0, r - 0.035, r - 0.035, 0, 360), 0.075, GOLD)
    pen.line(arc(0, 0, r * 0.66, r * 0.66, 0, 360), 0.07, "light")
    pen.line(arc(0, 0, r * 0.69, r * 0.69, 0, 360), 0.022)
    pen.line(arc(0, 0, r * 0.62, r * 0.62, 0, 360), 0.022)
    if "cutlery" in details:
        pen.rod([(-0.82, 0.7), (-0.82, -0.3)], 0.06, METAL)
        for k in (-1, 0, 1):
            pen.rod([(-0.82 + k * 0.075, -0.3), (-0.82 + k * 0.075, -0.64)], 0.03, METAL)
        pen.shape(box(-0.92, -0.4, -0.72, -0.26, 0.05), METAL)
        pen.rod([(0.82, 0.7), (0.82, 0.0)], 0.06, METAL)
        pen.shape(rounded([(0.77, 0.05), (0.77, -0.66), (0.93, -0.4, 0.1), (0.9, 0.05)], 0.04), METAL)


def bowl(pen: Pen, rng: Random, details: Details) -> None:
    """A wide bowl from the side."""
    wide, deep = rng.uniform(0.72, 0.8), rng.uniform(0.66, 0.78)
    if "chopsticks" in details:
        pen.rod([(0.1, 0.0), (0.76, -0.78)], 0.055, WOOD)
        pen.rod([(0.24, 0.0), (0.92, -0.68)], 0.055, WOOD)
    if "spoon" in details:
        _spoon(pen, -0.3, 0.0, -0.6, 0.5)
    if "foot" in details:
        pen.shape(rounded(mirrored([(0.3, deep - 0.2), (0.36, deep + 0.1)]), 0.03), "trim")
    pen.shape([*arc(0, -0.08, wide, deep, 0, 180)])
    pen.shape(ellipse(0, -0.08, wide, 0.17), "light")
    pen.shape(ellipse(0, -0.05, wide - 0.1, 0.115), "dark")


def frying_pan(pen: Pen, rng: Random, details: Details) -> None:
    """A shallow pan with a long handle, seen at a slant."""
    wide, deep = rng.uniform(0.6, 0.66), rng.uniform(0.34, 0.46)
    cx, cy, tall = -0.24, -0.06, 0.3
    if "helper handle" in details:
        pen.rod(arc(cx - wide, cy + 0.12, 0.16, 0.15, 90, 270), 0.08, GOLD)
    pen.shape(
        rounded([(cx + wide - 0.1, cy + 0.06), (0.92, -0.36, 0.08), (0.98, -0.2, 0.08), (cx + wide, cy + 0.24)], 0.04),
        SLATE,
    )
    pen.dot(0.89, -0.26, 0.035, METAL)
    pen.shape([*arc(cx, cy, wide, tall, 180, 360), *arc(cx, cy + deep * 0.5, wide - 0.1, tall + 0.08, 0, 180)])
    pen.shape(ellipse(cx, cy, wide, tall), "light")
    pen.shape(ellipse(cx, cy + 0.015, wide - 0.09, tall - 0.06), (78, 80, 88))
    if "egg" in details:
        white: Path = smooth([(cx + x * 0.36, cy + 0.02 + y * 0.15) for x, y in _EGG])
        pen.shape(white, (255, 254, 250))
        pen.shape(ellipse(cx + 0.02, cy, 0.13, 0.08), (250, 184, 40))


def pot(pen: Pen, rng: Random, details: Details) -> None:
    """A cooking pot with two ears."""
    wide, top = rng.uniform(0.56, 0.62), rng.uniform(-0.22, -0.12)
    pen.both(rounded([(wide - 0.04, 0.0), (0.88, 0.0), (0.88, 0.24), (wide - 0.04, 0.24)], 0.08), SLATE)
    if "spoon" in details:
        pen.rod([(0.1, 0.0), (0.52, -0.86)], 0.09, WOOD)
    pen.shape([*arc(0, top, wide, 0.12, 180, 360), *arc(0, 0.6, wide - 0.04, 0.16, 0, 180)])
    if "lid" in details:
        pen.shape(
            [*arc(0, top - 0.02, wide + 0.04, 0.3, 180, 360), (wide + 0.04, top + 0.07), (-wide - 0.04, top + 0.07)],
            METAL,
        )
        pen.dot(0, top - 0.38, 0.1, SLATE)
    else:
        pen.shape(ellipse(0, top, wide, 0.12), METAL)
        pen.shape(ellipse(0, top + 0.02, wide - 0.08, 0.08), DARK_METAL)


def bottle(pen: Pen, rng: Random, details: Details) -> None:
    """A drinking bottle with a screw top."""
    wide, shoulder = rng.uniform(0.28, 0.34), rng.uniform(-0.46, -0.34)
    if "straw" in details:
        pen.rod([(0.02, -0.7), (0.02, -0.9), (0.26, -1.02)], 0.06, METAL)
    if "loop" in details:
        pen.rod(arc(-0.14, -0.62, 0.26, 0.2, 90, 300), 0.07, "trim")
    pen.shape(
        rounded(
            mirrored([(0.14, -0.66), (0.15, shoulder - 0.06, 0.04), (wide, shoulder + 0.16, 0.14), (wide, 0.92, 0.1)]),
            0.03,
        )
    )
    pen.shape(box(-0.19, -0.82, 0.19, -0.58, 0.04), SLATE)
    if "label" in details:
        pen.shape(box(-wide, 0.06, wide, 0.5, 0.01), (250, 246, 236))
        pen.line([(-wide * 0.6, 0.22), (wide * 0.6, 0.22)], 0.05, SLATE)
        pen.line([(-wide * 0.4, 0.35), (wide * 0.4, 0.35)], 0.04, SLATE)


def vase(pen: Pen, rng: Random, details: Details) -> None:
    """A vase with a belly and a narrow neck."""
    belly, neck = rng.uniform(0.4, 0.5), rng.uniform(0.14, 0.2)
    top = -0.3 if "bouquet" in details else -0.6
    if "bouquet" in details:
        for x, tone in ((-0.36, (236, 110, 130)), (0.38, (250, 190, 70)), (0.0, (200, 130, 220))):
            y = -0.66 - (0.12 if x == 0 else 0)
            pen.line([(x * 0.2, top), (x, y)], 0.05, LEAF)
            pen.shape(ellipse(x * 0.6, -0.46, 0.14, 0.06, 40 if x > 0 else -40), LEAF)
            for k in range(5):
                px, py = arc(x, y, 0.11, 0.11, k * 72, k * 72 + 1)[0]
                pen.dot(px, py, 0.085, tone)
            pen.dot(x, y, 0.07, (255, 244, 200))
    if "handles" in details:
        for side in (-1, 1):
            start, end = (-90, 90) if side > 0 else (90, 270)
            pen.rod(arc(side * neck * 1.2, top + 0.3, 0.24, 0.2, start, end), 0.075, "plain")
    half = [(neck + 0.1, top, 0.04), (neck, top + 0.2, 0.1), (belly, 0.3, 0.3), (0.24, 0.9, 0.04)]
    pen.shape(rounded(mirrored(half), 0.04))
    pen.shape(ellipse(0, top, neck + 0.1, 0.06), "dark")


KITCHEN: tuple[Kind, ...] = (
    Kind(
        "mug",
        mug,
        ("lid", "spoon", "heart"),
        "Kitchen/Drinkware/Mugs",
        ("Mug", "Coffee Mug"),
        (8, 29),
        _CLAY,
        standing=True,
        mirrors=True,
        family="kitchen",
    ),
    Kind(
        "teapot",
        teapot,
        ("feet", "heart", "bow"),
        "Kitchen/Drinkware/Teapots",
        ("Teapot",),
        (24, 79),
        _CLAY,
        standing=True,
        mirrors=True,
        family="kitchen",
    ),
    Kind(
        "plate",
        plate,
        ("gold rim", "cutlery"),
        "Kitchen/Tableware/Plates",
        ("Plate", "Dinner Plate"),
        (7, 29),
        _CLAY,
        family="kitchen",
    ),
    Kind(
        "bowl",
        bowl,
        ("spoon", "chopsticks", "foot"),
        "Kitchen/Tableware/Bowls",
        ("Bowl", "Serving Bowl"),
        (8, 35),
        _CLAY,
        standing=True,
        mirrors=True,
        family="kitchen",
    ),
    Kind(
        "frying pan",
        frying_pan,
        ("egg", "helper handle"),
        "Kitchen/Cookware/Pans",
        ("Frying Pan", "Skillet"),
        (24, 99),
        ("cast iron", "aluminium", "steel"),
        mirrors=True,
        family="kitchen",
    ),
    Kind(
        "cooking pot",
        pot,
        ("lid", "spoon"),
        "Kitchen/Cookware/Pots",
        ("Cooking Pot", "Stock Pot"),
        (29, 139),
        ("enamel", "cast iron", "steel"),
        standing=True,
        mirrors=True,
        family="kitchen",
    ),
    Kind(
        "bottle",
        bottle,
        ("straw", "loop", "label"),
        "Kitchen/Drinkware/Bottles",
        ("Bottle", "Water Bottle"),
        (12, 45),
        ("steel", "tritan", "glass"),
        standing=True,
        mirrors=True,
        family="kitchen",
    ),
    Kind(
        "vase",
        vase,
        ("bouquet", "handles"),
        "Home/Decor/Vases",
        ("Vase",),
        (18, 89),
        (*_CLAY, "glass"),
        standing=True,
        family="home",
    ),
)
