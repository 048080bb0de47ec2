"""Furniture and things for the living room."""

from __future__ import annotations

from random import Random

from server.demo.canvas import Pen
from server.demo.kinds.base import Details, Kind
from server.demo.palette import DARK_WOOD, GOLD, METAL, SLATE, WOOD
from server.demo.paths import arc, box, ellipse, mirrored, rounded

_SOFT = ("linen", "velvet", "bouclé", "wool blend")
_HARD = ("oak", "beech", "ash", "birch plywood")


def _tufts(pen: Pen, xs: tuple[float, ...], y: float) -> None:
    for x in xs:
        pen.dot(x, y, 0.05)


def _legs(pen: Pen, x: float, y: float, end: float = 0.92) -> None:
    pen.both(rounded([(x - 0.06, y), (x + 0.06, y), (x + 0.08, end), (x + 0.02, end)], 0.01), DARK_WOOD)


def armchair(pen: Pen, rng: Random, details: Details) -> None:
    """A soft chair with two thick arms."""
    top, wide = rng.uniform(-0.82, -0.66), rng.uniform(0.66, 0.74)
    _legs(pen, wide - 0.14, 0.66)
    pen.shape(box(-wide + 0.12, top, wide - 0.12, 0.5, 0.22))
    if "buttons" in details:
        _tufts(pen, (-0.26, 0.0, 0.26), top + 0.26)
        _tufts(pen, (-0.13, 0.13), top + 0.46)
    pen.shape(box(-wide + 0.16, 0.1, wide - 0.16, 0.42, 0.1), "light")
    pen.shape(box(-wide + 0.1, 0.36, wide - 0.1, 0.7, 0.05))
    pen.both(box(wide - 0.24, -0.16, wide + 0.04, 0.72, 0.12))
    if "fringe" in details:
        for k in range(11):
            x = (k - 5) * wide / 5.2
            pen.rod([(x, 0.7), (x, 0.88)], 0.06, "trim")
    if "cushion" in details:
        pen.shape(rounded([(-0.26, -0.26), (0.2, -0.32), (0.28, 0.14), (-0.2, 0.2)], 0.06), "trim")


def sofa(pen: Pen, rng: Random, details: Details) -> None:
    """A sofa for three."""
    top = rng.uniform(-0.44, -0.34)
    _legs(pen, 0.74, 0.46, 0.66)
    pen.shape(box(-0.82, top, 0.82, 0.3, 0.12))
    pen.line([(-0.27, top + 0.04), (-0.27, 0.1)], 0.022, "ink")
    pen.line([(0.27, top + 0.04), (0.27, 0.1)], 0.022, "ink")
    if "buttons" in details:
        _tufts(pen, (-0.54, 0.0, 0.54), top + 0.22)
    for x in (-0.54, 0.0, 0.54):
        pen.shape(box(x - 0.27, 0.02, x + 0.27, 0.26, 0.06), "light")
    pen.shape(box(-0.84, 0.22, 0.84, 0.5, 0.04))
    pen.both(box(0.74, -0.14, 0.98, 0.52, 0.1))
    if "cushions" in details:
        pen.both(rounded([(0.4, -0.26), (0.74, -0.2), (0.68, 0.16), (0.34, 0.1)], 0.06), "trim")


def chair(pen: Pen, rng: Random, details: Details) -> None:
    """A dining chair, seat and back coloured."""
    high, back = rng.uniform(-0.94, -0.82), rng.uniform(0.36, 0.42)
    pen.both(box(back - 0.06, high + 0.1, back + 0.03, 0.1, 0.02), DARK_WOOD)
    pen.both(rounded([(0.28, 0.16), (0.36, 0.16), (0.38, 0.78), (0.31, 0.78)], 0.01), DARK_WOOD)
    pen.shape(box(-back - 0.06, high, back + 0.06, -0.24, 0.14))
    if "armrests" in details:
        pen.both(rounded([(0.56, -0.16), (0.64, -0.16), (0.6, 0.14), (0.52, 0.14)], 0.01), WOOD)
        pen.both(rounded([(back, -0.26), (0.72, -0.2), (0.72, -0.1), (back, -0.16)], 0.03), WOOD)
    pen.shape(rounded([(-0.46, 0.04), (0.46, 0.04), (0.58, 0.26), (-0.58, 0.26)], 0.05))
    pen.both(rounded([(0.44, 0.24), (0.54, 0.24), (0.58, 0.94), (0.5, 0.94)], 0.01), WOOD)
    if "cushion" in details:
        pen.shape(rounded([(-0.4, -0.08), (0.4, -0.08), (0.5, 0.14), (-0.5, 0.14)], 0.09), "trim")


def table(pen: Pen, rng: Random, details: Details) -> None:
    """A table with four legs."""
    wide = rng.uniform(0.84, 0.94)
    pen.both(rounded([(0.46, -0.2), (0.53, -0.2), (0.52, 0.5), (0.47, 0.5)], 0.01), DARK_WOOD)
    if "shelf" in details:
        pen.shape(rounded(mirrored([(wide - 0.22, 0.28), (wide - 0.12, 0.42)]), 0.02), "dark")
    if "wheels" in details:
        for x in (-wide + 0.15, wide - 0.15):
            pen.dot(x, 0.74, 0.11, SLATE)
            pen.dot(x, 0.74, 0.04, METAL)
    pen.both(rounded([(wide - 0.2, -0.2), (wide - 0.08, -0.2), (wide - 0.11, 0.7), (wide - 0.18, 0.7)], 0.01), WOOD)
    pen.shape(box(-wide + 0.08, -0.26, wide - 0.08, -0.02, 0.01), "dark")
    if "drawer" in details:
        pen.shape(box(-0.34, -0.22, 0.34, -0.05, 0.01), "trim")
        pen.dot(0, -0.14, 0.05, GOLD)
    pen.shape(rounded(mirrored([(wide - 0.16, -0.62), (wide, -0.26), (wide, -0.18)]), 0.02))
    pen.line([(-wide, -0.25), (wide, -0.25)], 0.02, "ink")


def lamp(pen: Pen, rng: Random, details: Details) -> None:
    """A table lamp with a wide shade."""
    top, bottom = rng.uniform(0.26, 0.36), rng.uniform(0.58, 0.68)
    pen.rod([(0, 0), (0, 0.8)], 0.07, METAL)
    pen.shape(rounded(mirrored([(0.1, 0.34), (0.22, 0.56, 0.1), (0.08, 0.78)]), 0.06), "dark")
    pen.shape(rounded(mirrored([(0.26, 0.78), (0.36, 0.92)]), 0.05), METAL)
    if "pull chain" in details:
        pen.line([(0.3, 0.0), (0.3, 0.4)], 0.03, "ink")
        pen.dot(0.3, 0.44, 0.08, GOLD)
    if "fringe" in details:
        for k in range(13):
            x = (k - 6) * bottom / 6.4
            pen.rod([(x, 0.06), (x, 0.26)], 0.045, "trim")
    pen.shape(rounded(mirrored([(top, -0.86), (bottom, 0.1)]), 0.03))
    if "bow" in details:
        pen.bow(0, -0.05, 0.22)


def cushion(pen: Pen, rng: Random, details: Details) -> None:
    """A plump square cushion."""
    r = rng.uniform(0.62, 0.72)
    if "tassels" in details:
        for x in (-1, 1):
            for y in (-1, 1):
                for k in (-0.08, 0.0, 0.08):
                    pen.rod([(x * r * 0.95, y * r * 0.95), (x * (r + 0.2 + k), y * (r + 0.2 - k))], 0.05, "trim")
    if "frill" in details:
        for step in range(10):
            t = (step - 4.5) * r / 4.9
            for side in (-1, 1):
                pen.dot(t, side * (r - 0.03), 0.13, "trim")
                pen.dot(side * (r - 0.03), t, 0.13, "trim")
    soft = [
        (-r, -r),
        (0, -r + 0.1, 0.5),
        (r, -r),
        (r - 0.1, 0, 0.5),
        (r, r),
        (0, r - 0.1, 0.5),
        (-r, r),
        (-r + 0.1, 0, 0.5),
    ]
    pen.shape(rounded(soft, 0.06))
    if "buttons" in details:
        for u, v in ((0, 0), (-0.28, -0.28), (0.28, -0.28), (-0.28, 0.28), (0.28, 0.28)):
            pen.dot(u, v, 0.07)


def bed(pen: Pen, rng: Random, details: Details) -> None:
    """A bed from the side, the blanket coloured."""
    high = rng.uniform(-0.5, -0.36)
    pen.shape(box(-0.96, high, -0.82, 0.62, 0.05), WOOD)
    pen.shape(box(0.84, -0.06, 0.96, 0.62, 0.04), WOOD)
    pen.shape(box(-0.84, 0.26, 0.86, 0.48, 0.02), WOOD)
    if "drawers" in details:
        for x in (-0.42, 0.42):
            pen.shape(box(x - 0.36, 0.3, x + 0.36, 0.56, 0.02), (236, 226, 208))
            pen.dot(x, 0.43, 0.05, SLATE)
    pen.shape(box(-0.82, 0.0, 0.84, 0.3, 0.05), (248, 246, 240))
    pen.shape(rounded([(-0.8, -0.16), (-0.4, -0.2), (-0.36, 0.02), (-0.8, 0.04)], 0.07), (255, 254, 250))
    pen.shape(rounded([(-0.42, -0.12, 0.12), (0.86, -0.08, 0.1), (0.88, 0.42), (-0.42, 0.42)], 0.04))
    pen.shape(rounded([(-0.46, -0.13), (-0.22, -0.13), (-0.22, 0.42), (-0.46, 0.42)], 0.04), "light")
    if "canopy" in details:
        pen.both(box(0.86, -0.9, 0.94, high + 0.2, 0.01), WOOD)
        pen.shape(
            [
                (-0.98, -0.96),
                (0.98, -0.96),
                *[p for k in range(6) for p in arc(0.816 - k * 0.327, -0.76, 0.163, 0.13, 0, 180)],
            ],
            "trim",
        )


def clock(pen: Pen, rng: Random, details: Details) -> None:
    """A round alarm or wall clock with a coloured rim."""
    r = rng.uniform(0.6, 0.66)
    if "bells" in details:
        pen.both(arc(0.36, -0.58, 0.24, 0.22, 170, 380, 35), GOLD)
        pen.rod([(0, -0.6), (0, -0.84)], 0.06, METAL)
    if "feet" in details:
        pen.both(rounded([(0.3, 0.5), (0.44, 0.42), (0.6, 0.86), (0.5, 0.9)], 0.02), "trim")
    pen.shape(ellipse(0, 0.06, r))
    pen.dot(0, 0.06, r - 0.2, (254, 253, 248))
    for k in range(12):
        a = arc(0, 0.06, r - 0.26, r - 0.26, k * 30, k * 30 + 1)[0]
        b = arc(0, 0.06, r - 0.32, r - 0.32, k * 30, k * 30 + 1)[0]
        pen.line([a, b], 0.03, SLATE)
    for angle, length, width in ((rng.uniform(0, 360), 0.3, 0.035), (rng.uniform(0, 360), 0.2, 0.05)):
        pen.line([(0, 0.06), arc(0, 0.06, length, length, angle, angle + 1)[0]], width, SLATE)
    pen.dot(0, 0.06, 0.045, (210, 70, 60), edge=False)


FURNITURE: tuple[Kind, ...] = (
    Kind(
        "armchair",
        armchair,
        ("cushion", "buttons", "fringe"),
        "Furniture/Seating/Armchairs",
        ("Armchair",),
        (149, 599),
        _SOFT,
        standing=True,
        family="home",
    ),
    Kind(
        "sofa",
        sofa,
        ("cushions", "buttons"),
        "Furniture/Seating/Sofas",
        ("Sofa", "Couch"),
        (299, 1299),
        _SOFT,
        standing=True,
        family="home",
    ),
    Kind(
        "chair",
        chair,
        ("armrests", "cushion"),
        "Furniture/Seating/Chairs",
        ("Chair", "Dining Chair"),
        (49, 199),
        _HARD,
        standing=True,
        family="home",
    ),
    Kind(
        "table",
        table,
        ("drawer", "shelf", "wheels"),
        "Furniture/Tables",
        ("Table",),
        (89, 499),
        _HARD,
        standing=True,
        family="home",
    ),
    Kind(
        "lamp",
        lamp,
        ("fringe", "pull chain", "bow"),
        "Home/Lighting/Lamps",
        ("Lamp", "Table Lamp"),
        (24, 129),
        ("linen", "cotton", "paper"),
        standing=True,
        family="home",
    ),
    Kind(
        "cushion",
        cushion,
        ("tassels", "buttons", "frill"),
        "Home/Textiles/Cushions",
        ("Cushion", "Throw Pillow"),
        (14, 49),
        _SOFT,
        family="home",
    ),
    Kind(
        "bed",
        bed,
        ("drawers", "canopy"),
        "Furniture/Beds",
        ("Bed",),
        (199, 899),
        _HARD,
        standing=True,
        mirrors=True,
        family="home",
    ),
    Kind(
        "clock",
        clock,
        ("bells", "feet"),
        "Home/Decor/Clocks",
        ("Clock",),
        (15, 79),
        ("metal", "beech", "plastic"),
        family="home",
    ),
)
