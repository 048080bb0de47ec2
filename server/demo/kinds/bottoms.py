"""Clothes for the legs, and what is worn with them."""

from __future__ import annotations

from random import Random

from server.demo.canvas import Pen
from server.demo.kinds.base import Details, Kind
from server.demo.palette import GOLD, METAL
from server.demo.paths import arc, box, ellipse, mirrored, rounded, smooth, star

_FABRIC = ("cotton", "linen", "twill", "corduroy")
_KNIT = ("merino wool", "cotton", "acrylic", "lambswool")


def _belt(pen: Pen, width: float, y: float) -> None:
    pen.shape(box(-width, y, width, y + 0.13, 0.02), "trim")
    pen.shape(box(-0.09, y - 0.02, 0.09, y + 0.15, 0.02), GOLD)


def skirt(pen: Pen, rng: Random, details: Details) -> None:
    """A flared skirt with a waistband."""
    flare, hem = rng.uniform(0.62, 0.8), rng.uniform(0.55, 0.7)
    if "frill" in details:
        for k in range(9):
            pen.dot((k - 4) * flare / 4.3, hem - 0.03, flare / 6, "trim")
    pen.shape(rounded(mirrored([(0.32, -0.62), (flare, hem, 0.08)]), 0.03))
    for x in (-0.66, -0.33, 0.0, 0.33, 0.66):
        pen.line([(x * 0.4, -0.3), (x * flare, hem - 0.02)], 0.018)
    pen.shape(box(-0.33, -0.72, 0.33, -0.56, 0.02), "dark")
    if "belt" in details:
        _belt(pen, 0.34, -0.71)
    if "buttons" in details:
        for k in range(4):
            pen.dot(0, -0.42 + k * 0.26, 0.06)


def trousers(pen: Pen, rng: Random, details: Details) -> None:
    """Long trousers."""
    leg, spread = rng.uniform(0.1, 0.17), rng.uniform(0.36, 0.46)
    half = [(0.33, -0.9), (0.38, -0.5, 0.1), (spread + leg, 0.88), (spread - leg, 0.88), (0.0, -0.28)]
    pen.shape(rounded(mirrored(half), 0.03))
    pen.shape(box(-0.34, -0.93, 0.34, -0.8, 0.02), "dark")
    pen.line([(0, -0.8), (0, -0.28)], 0.022)
    if "pockets" in details:
        pen.both(rounded([(0.14, -0.78), (0.36, -0.78), (0.38, -0.42), (0.2, -0.5)], 0.02), "trim")
    if "knee patches" in details:
        pen.both(box(0.19, 0.06, 0.43, 0.32, 0.03), "trim")
    if "cuffs" in details:
        cuff = [
            (spread - leg - 0.03, 0.72),
            (spread + leg + 0.01, 0.72),
            (spread + leg + 0.03, 0.9),
            (spread - leg - 0.03, 0.9),
        ]
        pen.both(rounded(cuff, 0.02), "trim")
    if "belt" in details:
        _belt(pen, 0.35, -0.93)


def shorts(pen: Pen, rng: Random, details: Details) -> None:
    """Short trousers."""
    spread, hem = rng.uniform(0.62, 0.72), rng.uniform(0.34, 0.5)
    half = [(0.44, -0.52), (0.52, -0.1, 0.1), (spread, hem), (0.1, hem + 0.06), (0.0, -0.02)]
    pen.shape(rounded(mirrored(half), 0.03))
    pen.shape(box(-0.45, -0.56, 0.45, -0.4, 0.02), "dark")
    pen.line([(0, -0.4), (0, 0)], 0.022)
    if "pockets" in details:
        pen.both(rounded([(0.2, -0.38), (0.48, -0.38), (0.54, 0.02), (0.3, -0.06)], 0.02), "trim")
    if "cuffs" in details:
        cuff = [(0.1, hem - 0.08), (spread - 0.02, hem - 0.13), (spread + 0.02, hem + 0.01), (0.1, hem + 0.08)]
        pen.both(rounded(cuff, 0.02), "trim")
    if "drawstring" in details:
        pen.bow(0, -0.48, 0.17)
        pen.both(rounded([(0.02, -0.46), (0.07, -0.46), (0.14, -0.12), (0.08, -0.12)], 0.01), "trim")


def sock(pen: Pen, rng: Random, details: Details) -> None:
    """One sock, seen from the side."""
    high, width = rng.uniform(-0.86, -0.6), rng.uniform(0.24, 0.29)
    path = [
        (-0.42, high),
        (-0.42 + 2 * width, high),
        (-0.38 + 2 * width, 0.2, 0.15),
        (0.62, 0.36, 0.2),
        (0.66, 0.78, 0.22),
        (-0.2, 0.78, 0.3),
        (-0.44, 0.3, 0.15),
    ]
    pen.shape(rounded(path, 0.04))
    pen.shape(box(-0.45, high - 0.04, -0.39 + 2 * width, high + 0.16, 0.03), "dark")
    for k in range(5):
        x = -0.36 + k * width * 0.44
        pen.line([(x, high), (x, high + 0.13)], 0.02)
    if "contrast toe" in details:
        pen.shape(rounded([(0.4, 0.3), (0.62, 0.36, 0.2), (0.66, 0.78, 0.22), (0.34, 0.78)], 0.03), "trim")
        pen.shape(rounded([(-0.44, 0.3), (-0.14, 0.42), (-0.06, 0.78), (-0.2, 0.78, 0.3)], 0.06), "trim")
    if "bow" in details:
        pen.bow(-0.42 + width, high + 0.06, 0.24)


def cap(pen: Pen, rng: Random, details: Details) -> None:
    """A baseball cap with its peak to one side."""
    height = rng.uniform(0.55, 0.68)
    peak = smooth([(0.3, 0.16), (0.62, 0.2), (0.94, 0.36), (0.9, 0.46), (0.5, 0.4), (0.0, 0.34)])
    pen.shape(peak, "dark")
    dome = [*arc(-0.14, 0.26, 0.6, height, 180, 360), (0.3, 0.36), (-0.5, 0.34)]
    pen.shape(dome)
    pen.line(arc(-0.14, 0.26, 0.24, height, 180, 270), 0.018)
    pen.line(arc(-0.14, 0.26, 0.24, height, 270, 360), 0.018)
    if "top button" in details:
        pen.shape(ellipse(-0.14, 0.26 - height, 0.12, 0.07), "trim")
    if "badge" in details:
        pen.dot(0.18, 0.0, 0.19, "trim")
        pen.shape(star(0.18, 0.0, 0.15), "plain", edge=False, shade=False)


def beanie(pen: Pen, rng: Random, details: Details) -> None:
    """A knitted hat."""
    height = rng.uniform(0.8, 1.0)
    pen.shape([*arc(0, 0.36, 0.58, height, 180, 360), (0.58, 0.42), (-0.58, 0.42)])
    if "pompom" in details:
        top = 0.36 - height
        for x, y in ((-0.13, 0.02), (0.13, 0.02), (0, -0.12), (0, 0.08), (-0.08, -0.07), (0.08, -0.07)):
            pen.dot(x, top + y, 0.13, "trim", edge=False)
        pen.line(arc(0, top - 0.01, 0.24, 0.22, 0, 360), 0.02, "ink")
    pen.shape(box(-0.63, 0.3, 0.63, 0.62, 0.09), "dark")
    for k in range(11):
        pen.line([((k - 5) * 0.11, 0.33), ((k - 5) * 0.11, 0.59)], 0.02)
    if "badge" in details:
        pen.shape(box(-0.17, 0.32, 0.17, 0.6, 0.02), "trim")
        pen.shape(star(0, 0.46, 0.12), "plain", edge=False, shade=False)


def scarf(pen: Pen, rng: Random, details: Details) -> None:
    """A scarf tied once, both ends hanging."""
    left, right = rng.uniform(0.6, 0.72), rng.uniform(0.35, 0.55)
    for x0, x1, end in ((-0.36, -0.06, left), (0.06, 0.36, right)):
        tilt = 0.1 if x0 > 0 else -0.1
        if "fringe" in details:
            for k in range(5):
                x = x0 + 0.03 + k * 0.06 + tilt
                pen.rod([(x, end - 0.02), (x + tilt * 0.15, end + 0.2)], 0.03, "trim")
        pen.shape(rounded([(x0, -0.45), (x1, -0.45), (x1 + tilt, end), (x0 + tilt, end)], 0.03))
        if "pocket" in details:
            pen.shape(box(x0 + tilt + 0.04, end - 0.32, x1 + tilt - 0.04, end - 0.06, 0.03), "trim")
    loop = [
        (-0.5, -0.62),
        (-0.3, -0.84),
        (0, -0.9),
        (0.3, -0.84),
        (0.5, -0.62),
        (0.36, -0.36),
        (0, -0.26),
        (-0.36, -0.36),
    ]
    pen.shape(smooth(loop))
    pen.shape(ellipse(0, -0.68, 0.26, 0.11), "dark")
    pen.line(arc(0, -0.72, 0.42, 0.34, 30, 150), 0.02)


def tie(pen: Pen, rng: Random, details: Details) -> None:
    """A long necktie with its knot."""
    width = rng.uniform(0.2, 0.27)
    pen.shape(rounded(mirrored([(0.09, -0.62), (width, 0.6), (0.0, 0.92)]), 0.02))
    pen.shape(rounded(mirrored([(0.19, -0.94), (0.1, -0.58)]), 0.03), "dark")
    if "clip" in details:
        pen.shape(box(-0.24, -0.06, 0.2, 0.06, 0.02), GOLD if rng.random() < 0.5 else METAL)


def mitten(pen: Pen, rng: Random, details: Details) -> None:
    """One mitten."""
    top = rng.uniform(-0.88, -0.74)
    pen.shape(smooth([(0.2, 0.2), (0.44, -0.18), (0.66, -0.3), (0.74, -0.12), (0.52, 0.22), (0.3, 0.46)]))
    hand = [(-0.4, 0.5), (-0.46, -0.2, 0.2), (-0.4, top, 0.36), (0.28, top, 0.36), (0.34, -0.2, 0.2), (0.3, 0.5)]
    pen.shape(rounded(hand, 0.02))
    if "fur cuff" in details:
        pen.fluff([(-0.4 + k * 0.145, 0.62 + 0.03 * (k % 2)) for k in range(6)], 0.17)
    else:
        pen.shape(box(-0.42, 0.44, 0.34, 0.82, 0.04), "dark")
        for k in range(7):
            pen.line([(-0.34 + k * 0.1, 0.47), (-0.34 + k * 0.1, 0.79)], 0.02)
    if "bow" in details:
        pen.bow(-0.05, 0.36, 0.24)


BOTTOMS: tuple[Kind, ...] = (
    Kind("skirt", skirt, ("belt", "buttons", "frill"), "Apparel/Bottomwear/Skirts", ("Skirt",), (25, 89), _FABRIC),
    Kind(
        "trousers",
        trousers,
        ("belt", "pockets", "cuffs", "knee patches"),
        "Apparel/Bottomwear/Trousers",
        ("Trousers", "Pants"),
        (39, 119),
        _FABRIC,
    ),
    Kind(
        "shorts",
        shorts,
        ("drawstring", "pockets", "cuffs"),
        "Apparel/Bottomwear/Shorts",
        ("Shorts",),
        (19, 59),
        _FABRIC,
    ),
    Kind("sock", sock, ("contrast toe", "bow"), "Apparel/Socks", ("Sock", "Socks"), (6, 19), _KNIT, mirrors=True),
    Kind(
        "cap",
        cap,
        ("badge", "top button"),
        "Accessories/Headwear/Caps",
        ("Cap", "Baseball Cap"),
        (14, 39),
        ("cotton", "twill", "canvas"),
        mirrors=True,
    ),
    Kind(
        "beanie",
        beanie,
        ("pompom", "badge"),
        "Accessories/Headwear/Beanies",
        ("Beanie", "Winter Beanie"),
        (12, 35),
        _KNIT,
    ),
    Kind("scarf", scarf, ("fringe", "pocket"), "Accessories/Scarves", ("Scarf",), (18, 69), _KNIT, mirrors=True),
    Kind("tie", tie, ("clip",), "Accessories/Ties", ("Tie", "Necktie"), (19, 59), ("silk", "wool", "satin")),
    Kind(
        "mitten",
        mitten,
        ("fur cuff", "bow"),
        "Accessories/Gloves",
        ("Mitten", "Mittens"),
        (12, 35),
        _KNIT,
        mirrors=True,
    ),
)
