"""Toys with many parts: a robot, a boat, a ukulele."""

from __future__ import annotations

from random import Random

from server.demo.canvas import Pen
from server.demo.kinds.base import Details
from server.demo.palette import DARK_METAL, GLASS, GOLD, METAL, SLATE, WOOD
from server.demo.paths import box, heart, mirrored, rounded, smooth, star


def robot(pen: Pen, rng: Random, details: Details) -> None:
    """A friendly tin robot."""
    wide = rng.uniform(0.38, 0.46)
    if "antenna" in details:
        pen.rod([(0, -0.78), (0, -0.96)], 0.05, METAL)
        pen.dot(0, -0.98, 0.09, (236, 70, 60))
    pen.both(box(wide - 0.02, -0.04, wide + 0.22, 0.12, 0.04), METAL)
    pen.both(box(wide + 0.1, -0.04, wide + 0.24, 0.46, 0.05), METAL)
    if "wheels" in details:
        pen.both(box(0.12, 0.6, 0.24, 0.8, 0.01), METAL)
        for x in (-0.26, 0.26):
            pen.dot(x, 0.8, 0.17, SLATE)
            pen.dot(x, 0.8, 0.06, METAL)
    else:
        pen.both(box(0.1, 0.6, 0.28, 0.86, 0.02), METAL)
        pen.both(box(0.06, 0.8, 0.38, 0.94, 0.04), DARK_METAL)
    pen.shape(box(-0.12, -0.3, 0.12, -0.1, 0.01), METAL)
    pen.shape(box(-wide, -0.16, wide, 0.66, 0.08))
    pen.shape(box(-wide + 0.04, -0.8, wide - 0.04, -0.24, 0.1))
    for side in (-1, 1):
        pen.dot(side * 0.17, -0.56, 0.12, (255, 255, 252))
        pen.dot(side * 0.17, -0.56, 0.05, (30, 34, 44), edge=False)
    pen.shape(box(-0.16, -0.38, 0.16, -0.3, 0.02), SLATE)
    if "heart" in details:
        pen.shape(heart(0, 0.24, 0.22), "trim")


def sailboat(pen: Pen, rng: Random, details: Details) -> None:
    """A toy boat with two coloured sails."""
    high = rng.uniform(-0.9, -0.78)
    pen.rod([(0, high), (0, 0.5)], 0.05, WOOD)
    pen.shape(rounded([(0.06, high + 0.06), (0.76, 0.3), (0.06, 0.3)], 0.02))
    pen.shape(rounded([(-0.06, high + 0.2), (-0.06, 0.3), (-0.58, 0.3)], 0.02))
    if "flag" in details:
        pen.shape([(0.0, high - 0.18), (0.34, high - 0.07), (0.0, high + 0.05)], (226, 60, 60))
    hull = [(-0.82, 0.42), (0.9, 0.42), (0.6, 0.82, 0.14), (-0.56, 0.82, 0.14)]
    pen.shape(rounded(hull, 0.03), WOOD)
    if "portholes" in details:
        for x in (-0.34, 0.02, 0.38):
            pen.dot(x, 0.6, 0.1, GLASS)


def ukulele(pen: Pen, rng: Random, details: Details) -> None:
    """A small guitar, upright."""
    waist = rng.uniform(0.26, 0.31)
    half = [(0.08, -0.12), (0.3, -0.1), (0.36, 0.06), (waist, 0.26), (0.46, 0.5), (0.44, 0.8), (0.2, 0.95), (0, 0.97)]
    body = smooth([(c[0], c[1]) for c in mirrored(half)])
    if "strap" in details:
        pen.rod(smooth([(0.1, -0.7), (0.6, -0.4), (0.74, 0.2), (0.4, 0.8)], closed=False), 0.08, "trim")
    pen.shape(body)
    pen.shape(box(-0.08, -0.72, 0.08, 0.1, 0.01), WOOD)
    pen.shape(rounded(mirrored([(0.14, -1.0), (0.1, -0.7)]), 0.03), "dark")
    pen.dot(0, 0.22, 0.14, (56, 40, 32))
    pen.shape(box(-0.2, 0.62, 0.2, 0.7, 0.01), WOOD)
    for x in (-0.045, 0.0, 0.045):
        pen.line([(x, -0.74), (x, 0.64)], 0.014, (250, 246, 236))
    for y in (-0.93, -0.8):
        pen.dot(-0.16, y, 0.045, GOLD)
        pen.dot(0.16, y, 0.045, GOLD)
    if "star" in details:
        pen.shape(star(0.24, 0.8, 0.16), "trim")
