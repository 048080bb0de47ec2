"""Shoes, seen from the side, and flip-flops from above."""

from __future__ import annotations

from random import Random

from server.demo.canvas import Pen
from server.demo.kinds.base import Details, Kind
from server.demo.palette import GOLD, RGB
from server.demo.paths import Path, box, rounded, smooth, star

_SOLE: RGB = (244, 242, 236)
_DARK_SOLE: RGB = (74, 62, 56)


def sneaker(pen: Pen, rng: Random, details: Details) -> None:
    """A sports shoe with a thick pale sole."""
    collar = -0.62 if "high top" in details else -0.2
    upper = [
        (-0.78, collar),
        (-0.28, collar),
        (-0.2, collar + 0.12, 0.08),
        (0.25, 0.06, 0.2),
        (0.78, 0.16, 0.2),
        (0.9, 0.46),
        (-0.8, 0.46),
        (-0.84, 0.1, 0.1),
    ]
    pen.shape(rounded(upper, 0.06))
    pen.shape(rounded([(0.5, 0.12), (0.78, 0.16, 0.2), (0.9, 0.46), (0.46, 0.46)], 0.04), _SOLE)
    pen.shape(rounded([(-0.78, collar), (-0.28, collar), (-0.34, collar + 0.12), (-0.79, collar + 0.12)], 0.03), "dark")
    sole = [(-0.88, 0.4), (0.92, 0.4), (0.97, 0.56), (0.86, 0.66), (-0.84, 0.66)]
    pen.shape(rounded(sole, 0.08), _SOLE if rng.random() < 0.8 else (206, 176, 130))
    pen.line([(-0.84, 0.55), (0.92, 0.55)], 0.02, "ink")
    if "laces" in details:
        for k in range(4):
            x, y = -0.16 + k * 0.13, collar * 0.2 - 0.02 + k * 0.07
            pen.rod([(x - 0.07, y + 0.1), (x + 0.06, y - 0.07)], 0.04, "trim")
        pen.bow(-0.22, collar + 0.1, 0.15)
    if "star" in details:
        pen.dot(-0.48, 0.12, 0.2, "trim")
        pen.shape(star(-0.48, 0.12, 0.16), "plain", edge=False, shade=False)


def boot(pen: Pen, rng: Random, details: Details) -> None:
    """A boot with a tall shaft."""
    top = rng.uniform(-0.88, -0.7)
    path = [
        (-0.52, top),
        (0.08, top),
        (0.1, 0.12, 0.2),
        (0.6, 0.3, 0.22),
        (0.76, 0.66),
        (-0.56, 0.66),
        (-0.5, 0.1, 0.2),
    ]
    pen.shape(rounded(path, 0.05))
    pen.shape(
        rounded([(-0.58, 0.62), (0.78, 0.62), (0.78, 0.76), (-0.06, 0.76), (-0.12, 0.88), (-0.58, 0.88)], 0.03),
        _DARK_SOLE,
    )
    if "zip" in details:
        pen.line([(-0.2, top + 0.12), (-0.2, 0.46)], 0.09, "ink")
        pen.line([(-0.2, top + 0.12), (-0.2, 0.46)], 0.04, (210, 214, 220))
        pen.shape(box(-0.25, top + 0.1, -0.15, top + 0.26, 0.02), GOLD)
    if "laces" in details:
        for k in range(5):
            y = top + 0.2 + k * 0.17
            pen.rod([(-0.14, y + 0.07), (0.11, y - 0.03)], 0.04, "trim")
    if "fur trim" in details:
        pen.fluff([(-0.5 + k * 0.14, top + 0.03 * (k % 2)) for k in range(5)], 0.15)
    if "buckle" in details:
        pen.shape(rounded([(-0.53, 0.2), (0.2, 0.2), (0.3, 0.36), (-0.54, 0.36)], 0.02), "trim")
        pen.shape(box(-0.24, 0.16, 0.02, 0.4, 0.03), GOLD)


def high_heel(pen: Pen, rng: Random, details: Details) -> None:
    """A court shoe with a thin high heel."""
    lift = rng.uniform(0.0, 0.14)
    heel: Path = [(-0.82, -0.22 - lift), (-0.58, -0.06), (-0.72, 0.3), (-0.74, 0.74), (-0.84, 0.74), (-0.88, 0.2)]
    pen.shape(heel, "dark")
    upper: Path = smooth(
        [
            (-0.86, -0.46 - lift),
            (-0.78, -0.5 - lift),
            (-0.6, -0.26),
            (-0.2, 0.14),
            (0.24, 0.34),
            (0.6, 0.36),
            (0.92, 0.56),
            (0.94, 0.7),
            (0.5, 0.73),
            (0.16, 0.7),
            (-0.24, 0.44),
            (-0.56, 0.04),
            (-0.84, -0.12),
        ]
    )
    pen.shape(upper)
    pen.line([(0.96, 0.72), (0.5, 0.75), (0.15, 0.72), (-0.1, 0.58)], 0.05, _DARK_SOLE)
    if "ankle strap" in details:
        strap = smooth([(-0.84, -0.4 - lift), (-0.5, -0.58), (-0.12, -0.5), (-0.04, -0.3)], closed=False)
        pen.rod([*strap, (-0.3, 0.02)], 0.075, "trim")
        pen.dot(-0.08, -0.4, 0.08, GOLD)
    if "bow" in details:
        pen.bow(0.46, 0.38, 0.24)


def flip_flop(pen: Pen, rng: Random, details: Details) -> None:
    """A pair of flip-flops seen from above."""
    width = rng.uniform(0.3, 0.36)
    for side in (-1, 1):
        x = side * 0.42
        sole: Path = smooth(
            [
                (x - side * width * 0.1, -0.86),
                (x + side * width * 0.8, -0.7),
                (x + side * width, -0.3),
                (x + side * width * 0.74, 0.3),
                (x + side * width * 0.66, 0.74),
                (x, 0.9),
                (x - side * width * 0.66, 0.74),
                (x - side * width * 0.66, 0.2),
                (x - side * width * 0.96, -0.4),
                (x - side * width * 0.8, -0.74),
            ]
        )
        pen.shape(sole)
        toe = (x - side * 0.04, -0.5)
        for end in (-1, 1):
            bend = (x + end * width * 0.62, -0.3)
            strap = smooth([toe, bend, (x + end * width * 0.8, 0.08)], closed=False)
            pen.rod(strap, 0.085, "trim")
        pen.dot(*toe, 0.06)
        if "flower" in details:
            for px, py in ((-0.09, -0.03), (0.09, -0.03), (0, -0.12), (-0.06, 0.08), (0.06, 0.08)):
                pen.dot(toe[0] + px, toe[1] + py, 0.085, (255, 252, 246))
            pen.dot(*toe, 0.06, GOLD)
        if "heel strap" in details:
            pen.rod(smooth([(x - width * 0.74, 0.2), (x, 0.52), (x + width * 0.74, 0.2)], closed=False), 0.085, "trim")


SHOES: tuple[Kind, ...] = (
    Kind(
        "sneaker",
        sneaker,
        ("laces", "high top", "star"),
        "Footwear/Sneakers",
        ("Sneaker", "Trainer"),
        (39, 139),
        ("canvas", "mesh", "suede"),
        standing=True,
        mirrors=True,
        family="shoes",
    ),
    Kind(
        "boot",
        boot,
        ("zip", "laces", "fur trim", "buckle"),
        "Footwear/Boots",
        ("Boot", "Boots"),
        (59, 199),
        ("leather", "suede", "rubber"),
        standing=True,
        mirrors=True,
        family="shoes",
    ),
    Kind(
        "high heel",
        high_heel,
        ("bow", "ankle strap"),
        "Footwear/Heels",
        ("High Heel", "Heels", "Pump"),
        (49, 179),
        ("satin", "leather", "suede"),
        standing=True,
        mirrors=True,
        family="shoes",
    ),
    Kind(
        "flip-flop",
        flip_flop,
        ("flower", "heel strap"),
        "Footwear/Sandals",
        ("Flip-Flops", "Beach Sandals"),
        (8, 29),
        ("rubber", "foam", "cork"),
        mirrors=True,
        family="shoes",
    ),
)
