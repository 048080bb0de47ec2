"""Clothes for the upper body."""

from __future__ import annotations

from random import Random

from server.demo.canvas import Fill, Pen
from server.demo.kinds.base import Details, Kind
from server.demo.paths import arc, box, ellipse, mirrored, rounded, smooth, star

_COTTON = ("cotton", "linen", "jersey", "twill")
_WOOL = ("merino wool", "lambswool", "cotton blend", "alpaca")


def _sleeves(pen: Pen, long: bool, width: float, cuff: Fill | None = None) -> None:
    if long:
        sleeve = [(width - 0.06, -0.66), (0.83, 0.4, 0.05), (0.6, 0.5, 0.05), (width - 0.1, -0.16)]
        band = [(0.775, 0.28), (0.83, 0.41), (0.6, 0.5), (0.555, 0.37)]
    else:
        sleeve = [(width - 0.06, -0.66), (0.86, -0.2, 0.05), (0.63, -0.02, 0.05), (width - 0.1, -0.22)]
        band = [(0.8, -0.28), (0.86, -0.2), (0.63, -0.02), (0.575, -0.11)]
    pen.both(rounded(sleeve, 0.06))
    if cuff is not None:
        pen.both(rounded(band, 0.02), cuff)


def _torso(pen: Pen, width: float, hem: float, neck: float = 0.2, fill: Fill = "body") -> None:
    half = [(neck, -0.74, 0.01), (width, -0.62, 0.12), (width - 0.03, -0.1, 0.2), (width, hem, 0.05)]
    pen.shape(rounded(mirrored(half), 0.05), fill)


def _neckline(pen: Pen, neck: float, depth: float, band: Fill) -> None:
    outer, inner = neck + 0.06, neck
    pen.shape([*arc(0, -0.74, outer, 0.05, 180, 360), *arc(0, -0.74, outer, depth + 0.06, 0, 180)], band, shade=False)
    pen.shape([*arc(0, -0.735, inner, 0.02, 360, 180), *arc(0, -0.735, inner, depth, 180, 0)], "dark")


def _pocket(pen: Pen, x: float, y: float, w: float = 0.13) -> None:
    pocket = [(x - w, y - w), (x + w, y - w), (x + w, y + w * 0.7), (x, y + w * 1.25), (x - w, y + w * 0.7)]
    pen.shape(rounded(pocket, 0.02), "dark")
    pen.line([(x - w, y - w * 0.5), (x + w, y - w * 0.5)], 0.022, "trim")


def shirt(pen: Pen, rng: Random, details: Details) -> None:
    """A shirt with a turned-down collar and a front band."""
    width, hem = rng.uniform(0.42, 0.48), rng.uniform(0.62, 0.76)
    _sleeves(pen, "long sleeves" in details, width, "dark")
    _torso(pen, width, hem)
    pen.shape(ellipse(0, -0.73, 0.19, 0.09), "dark")
    pen.shape(box(-0.05, -0.62, 0.05, hem, 0.01), "dark")
    if "buttons" in details:
        for k in range(5):
            pen.dot(0, -0.48 + k * 0.25, 0.045)
    if "pocket" in details:
        _pocket(pen, 0.24, -0.2)
    flap = [(0.0, -0.6), (0.16, -0.8), (0.25, -0.72), (0.19, -0.47)]
    pen.both(rounded(flap, 0.02), "light")


def t_shirt(pen: Pen, rng: Random, details: Details) -> None:
    """A short-sleeved shirt without a collar."""
    width, hem = rng.uniform(0.44, 0.5), rng.uniform(0.66, 0.78)
    _sleeves(pen, False, width)
    _torso(pen, width, hem)
    if "v-neck" in details:
        pen.shape([(-0.23, -0.75), (0.23, -0.75), (0, -0.36)], "trim")
        pen.shape([(-0.16, -0.76), (0.16, -0.76), (0, -0.47)], "dark")
    else:
        _neckline(pen, 0.17, 0.1, "plain")
    if "pocket" in details:
        _pocket(pen, 0.23, -0.22)
    if "star" in details:
        pen.shape(star(0, 0.18, 0.27), "trim")


def hoodie(pen: Pen, rng: Random, details: Details) -> None:
    """A sweatshirt with a hood."""
    width, hem = rng.uniform(0.44, 0.5), rng.uniform(0.64, 0.74)
    _sleeves(pen, True, width, "dark")
    _torso(pen, width, hem, 0.26)
    pen.shape(box(-width, hem - 0.09, width, hem + 0.03, 0.02), "dark")
    if "pouch" in details:
        pouch = mirrored([(0.18, 0.16), (0.32, 0.36), (0.32, hem - 0.09)])
        pen.shape(rounded(pouch, 0.03), "dark")
    hood = mirrored([(0.0, -0.98), (0.26, -0.92), (0.35, -0.62), (0.2, -0.46), (0, -0.4)])
    pen.shape(smooth([(p[0], p[1]) for p in hood]))
    pen.shape(ellipse(0, -0.68, 0.19, 0.22), "dark")
    pen.line(arc(0, -0.68, 0.19, 0.22, 0, 360), 0.03, "ink")
    if "zip" in details:
        pen.line([(0, -0.45), (0, hem)], 0.07, "ink")
        pen.line([(0, -0.45), (0, hem)], 0.03, (205, 208, 214))
        pen.shape(box(-0.045, -0.4, 0.045, -0.26), (205, 208, 214))
    if "drawstring" in details:
        for side in (-1, 1):
            pen.rod([(side * 0.12, -0.5), (side * 0.15, -0.06)], 0.035, "trim")
            pen.dot(side * 0.15, -0.04, 0.045)


def sweater(pen: Pen, rng: Random, details: Details) -> None:
    """A knitted pullover with ribbed cuffs and hem."""
    width, hem = rng.uniform(0.44, 0.5), rng.uniform(0.6, 0.7)
    _sleeves(pen, True, width, "dark")
    if "elbow patches" in details:
        pen.both(ellipse(0.63, 0.02, 0.1, 0.15, -20), "trim")
    _torso(pen, width, hem)
    pen.shape(box(-width, hem - 0.13, width, hem + 0.03, 0.03), "dark")
    for k in range(9):
        x = (k - 4) * width / 4.6
        pen.line([(x, hem - 0.12), (x, hem + 0.02)], 0.018)
    for y in (-0.3, 0.0, 0.3):
        for k in range(5):
            x = (k - 2) * 0.16
            pen.line([(x - 0.04, y - 0.05), (x, y), (x + 0.04, y - 0.05)], 0.018)
    if "turtleneck" in details:
        pen.shape(box(-0.21, -0.96, 0.21, -0.66, 0.06), "plain")
        for k in range(-2, 3):
            pen.line([(k * 0.075, -0.93), (k * 0.075, -0.69)], 0.018)
    else:
        _neckline(pen, 0.16, 0.09, "dark")
    if "buttons" in details:
        pen.shape(box(-0.06, -0.66, 0.06, hem + 0.03, 0.01), "dark")
        for k in range(4):
            pen.dot(0, -0.46 + k * 0.28, 0.058)


def jacket(pen: Pen, rng: Random, details: Details) -> None:
    """An open-lapelled jacket over a pale lining."""
    width, hem = rng.uniform(0.46, 0.51), rng.uniform(0.76, 0.88)
    _sleeves(pen, True, width)
    _torso(pen, width, hem)
    pen.shape([(-0.2, -0.75), (0.2, -0.75), (0.02, 0.02), (-0.02, 0.02)], (236, 232, 224))
    lapel = [(0.17, -0.8), (0.32, -0.72), (0.37, -0.5), (0.3, -0.44), (0.34, -0.38), (0.02, 0.08)]
    pen.both(rounded(lapel, 0.01), "dark")
    pen.line([(0, 0.05), (0, hem)], 0.028, "ink")
    if "pockets" in details:
        for side in (-1, 1):
            x = side * 0.27
            pen.shape(box(x - 0.13, 0.34, x + 0.13, 0.6, 0.03), "dark")
            pen.shape(box(x - 0.14, 0.3, x + 0.14, 0.4, 0.02), "trim")
    if "belt" in details:
        pen.shape(box(-width, 0.1, width, 0.24, 0.01), "trim")
        pen.shape(box(-0.09, 0.08, 0.09, 0.26, 0.02), (228, 180, 64))
    if "buttons" in details:
        for y in (0.0, 0.32, 0.52, 0.7):
            pen.dot(0.08, y, 0.05)
    if "fur collar" in details:
        fur = [(side * (0.05 + k * 0.055), -0.34 - k * 0.085) for k in range(6) for side in (-1, 1)]
        pen.fluff(fur, 0.12)


def dress(pen: Pen, rng: Random, details: Details) -> None:
    """A dress with a narrow waist and a wide skirt."""
    flare, waist = rng.uniform(0.5, 0.66), rng.uniform(-0.2, -0.1)
    hem = rng.uniform(0.76, 0.9)
    if "long sleeves" in details:
        sleeve = [(0.22, -0.8), (0.34, -0.74), (0.62, 0.02), (0.48, 0.08), (0.24, -0.42)]
        pen.both(rounded(sleeve, 0.04))
    else:
        pen.both([(0.14, -0.95), (0.22, -0.95), (0.29, -0.66), (0.17, -0.66)], "plain")
    if "frill" in details:
        for k in range(7):
            pen.dot((k - 3) * flare / 3.3, hem, flare / 5.2, "trim")
    top = -0.84 if "long sleeves" in details else -0.68
    half = [(0.16, top), (0.32, top + 0.04), (0.28, -0.45), (0.2, waist, 0.08), (flare, hem, 0.06)]
    pen.shape(rounded(mirrored(half), 0.05))
    pen.shape(arc(0, top, 0.17, 0.13, 0, 180), "dark")
    for x in (-0.45, 0.0, 0.45):
        pen.line([(x * 0.4, waist + 0.2), (x * flare * 1.3, hem - 0.06)], 0.016)
    if "belt" in details:
        pen.shape(box(-0.22, waist - 0.07, 0.22, waist + 0.07, 0.02), "trim")
        pen.shape(box(-0.07, waist - 0.09, 0.07, waist + 0.09, 0.02), (228, 180, 64))
    if "bow" in details:
        pen.bow(0, -0.48, 0.2)


TOPS: tuple[Kind, ...] = (
    Kind(
        "shirt", shirt, ("long sleeves", "buttons", "pocket"), "Apparel/Topwear/Shirts", ("Shirt",), (24, 79), _COTTON
    ),
    Kind(
        "t-shirt",
        t_shirt,
        ("v-neck", "pocket", "star"),
        "Apparel/Topwear/T-Shirts",
        ("T-Shirt", "Tee"),
        (12, 39),
        _COTTON,
    ),
    Kind(
        "hoodie",
        hoodie,
        ("zip", "pouch", "drawstring"),
        "Apparel/Topwear/Hoodies",
        ("Hoodie", "Hooded Sweatshirt"),
        (35, 95),
        ("fleece", "cotton", "cotton blend"),
    ),
    Kind(
        "sweater",
        sweater,
        ("turtleneck", "buttons", "elbow patches"),
        "Apparel/Topwear/Sweaters",
        ("Sweater", "Pullover", "Jumper"),
        (39, 129),
        _WOOL,
    ),
    Kind(
        "jacket",
        jacket,
        ("pockets", "belt", "buttons", "fur collar"),
        "Apparel/Outerwear/Jackets",
        ("Jacket", "Coat"),
        (69, 249),
        ("wool blend", "twill", "canvas", "tweed"),
    ),
    Kind(
        "dress",
        dress,
        ("long sleeves", "belt", "bow", "frill"),
        "Apparel/Dresses",
        ("Dress",),
        (39, 159),
        ("viscose", "cotton", "linen", "satin"),
    ),
)
