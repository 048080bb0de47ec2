"""Toys."""

from __future__ import annotations

from random import Random

from server.demo.canvas import Pen
from server.demo.kinds.base import Details, Kind
from server.demo.kinds.playthings import robot, sailboat, ukulele
from server.demo.palette import GLASS, GOLD, METAL, SLATE
from server.demo.paths import Path, arc, box, ellipse, heart, rounded, smooth, star

_WOODEN = ("beech", "birch", "maple")
_PLUSH = ("plush", "organic cotton", "wool felt")


def teddy_bear(pen: Pen, rng: Random, details: Details) -> None:
    """A sitting teddy bear."""
    fat = rng.uniform(0.38, 0.46)
    pen.both(ellipse(0.36, -0.76, 0.17))
    pen.both(ellipse(0.36, -0.76, 0.09), "light")
    pen.both(ellipse(0.46, 0.22, 0.15, 0.34, -35))
    pen.shape(ellipse(0, 0.34, fat, 0.46))
    pen.both(ellipse(0.38, 0.72, 0.26, 0.2, -15))
    pen.both(ellipse(0.46, 0.74, 0.12), "light")
    pen.shape(ellipse(0, -0.42, 0.48, 0.42))
    pen.shape(ellipse(0, -0.28, 0.2, 0.16), (250, 240, 222))
    pen.shape(ellipse(0, -0.35, 0.075, 0.055), SLATE)
    pen.line([(0, -0.3), (0, -0.23)], 0.025, SLATE)
    for side in (-1, 1):
        pen.dot(side * 0.19, -0.5, 0.055, (30, 28, 34), edge=False)
        pen.dot(side * 0.19 + 0.015, -0.52, 0.018, (255, 255, 255), edge=False)
    if "bow" in details:
        pen.bow(0, -0.02, 0.26)
    if "heart" in details:
        pen.shape(heart(0, 0.36, 0.22), (226, 66, 86) if pen.tones.body[1] > 90 else (255, 190, 200))
    if "hat" in details:
        pen.shape([(-0.22, -0.78), (0.22, -0.78), (0.0, -1.08)], "trim")
        pen.dot(0, -1.04, 0.07, GOLD)


def toy_car(pen: Pen, rng: Random, details: Details) -> None:
    """A small car from the side."""
    front, back = rng.uniform(0.32, 0.42), rng.uniform(-0.62, -0.54)
    roof = -0.46
    if "roof rack" in details:
        pen.both(box(0.18, roof - 0.14, 0.24, roof + 0.06, 0.01), METAL)
        pen.shape(box(-0.42, roof - 0.26, 0.36, roof - 0.12, 0.05), GOLD)
    if "siren" in details:
        pen.shape([*arc(-0.04, roof, 0.13, 0.2, 180, 360)], (90, 180, 240))
    cabin = [(back, 0.0), (back + 0.14, roof, 0.14), (front - 0.16, roof, 0.14), (front + 0.08, 0.0)]
    pen.shape(rounded(cabin, 0.03))
    mid = (back + front) / 2
    for x0, x1, slope in ((back + 0.16, mid - 0.04, 0), (mid + 0.04, front - 0.1, 1)):
        pen.shape(
            rounded([(x0, roof + 0.1), (x1 - slope * 0.06, roof + 0.1), (x1 + slope * 0.1, -0.04), (x0, -0.04)], 0.04),
            GLASS,
        )
    pen.shape(rounded([(-0.9, -0.06, 0.16), (0.62, -0.06, 0.2), (0.94, 0.1, 0.16), (0.94, 0.42), (-0.9, 0.42)], 0.08))
    pen.dot(0.84, 0.16, 0.09, (255, 236, 150))
    pen.line([(mid, 0.0), (mid, 0.36)], 0.02)
    for x in (-0.5, 0.52):
        pen.dot(x, 0.44, 0.24, SLATE)
        pen.dot(x, 0.44, 0.11, METAL)
    if "spoiler" in details:
        pen.shape(
            rounded([(-0.86, -0.02), (-0.92, -0.26), (-1.0, -0.34), (-0.66, -0.34), (-0.76, -0.02)], 0.02), "trim"
        )


def ball(pen: Pen, rng: Random, details: Details) -> None:
    """A beach ball in curved segments."""
    r, pole = 0.74, rng.uniform(0.2, 0.34)
    pen.shape(ellipse(0, 0, r), "body", shade=False)
    white = (255, 254, 250) if sum(pen.tones.body) < 690 else (196, 202, 212)
    for start in (20, 140, 260):
        rim = arc(0, 0, r, r, start, start + 44)
        end, far = rim[0], rim[-1]
        spot = (-pole, -pole)
        a = ((spot[0] + far[0]) / 2 + far[1] * 0.18, (spot[1] + far[1]) / 2 - far[0] * 0.18)
        b = ((spot[0] + end[0]) / 2 + end[1] * 0.18, (spot[1] + end[1]) / 2 - end[0] * 0.18)
        back = smooth([far, a, spot], closed=False)
        out = smooth([spot, b, end], closed=False)
        pen.shape([*rim, *back, *out], white)
    pen.shape(ellipse(-pole, -pole, 0.1, 0.1), white)
    pen.line(arc(0, 0, r, r, 0, 360), 0.022, "ink")
    pen.shine(ellipse(0, 0, r))
    if "star" in details:
        pen.shape(star(-0.4, 0.26, 0.24) if "smile" in details else star(0.22, 0.26, 0.26), GOLD)
    if "smile" in details:
        for x in (-0.02, 0.3):
            pen.dot(x, 0.0, 0.07, (36, 34, 42))
        pen.line(arc(0.14, 0.1, 0.3, 0.26, 15, 165), 0.12, (255, 255, 255))
        pen.line(arc(0.14, 0.1, 0.3, 0.26, 15, 165), 0.06, (36, 34, 42))


def kite(pen: Pen, rng: Random, details: Details) -> None:
    """A diamond kite on a curly tail."""
    wide, knee = rng.uniform(0.5, 0.6), rng.uniform(-0.44, -0.34)
    tail = smooth([(0, 0.4), (0.14, 0.56), (-0.1, 0.74), (0.1, 0.96)], closed=False)
    pen.line(tail, 0.035, "ink")
    if "bows" in details:
        for x, y in ((0.12, 0.56), (-0.07, 0.74), (0.08, 0.94)):
            pen.bow(x, y, 0.16)
    if "fringe" in details:
        for k in range(4):
            for side in (-1, 1):
                x, y = side * (wide - k * wide / 4.4), knee + 0.06 + k * 0.2
                pen.rod([(x, y), (x + side * 0.07, y + 0.22)], 0.055, "trim")
    pen.shape([(0, -0.96), (wide, knee), (0, 0.42), (-wide, knee)])
    pen.line([(0, -0.94), (0, 0.4)], 0.035, "ink")
    pen.line([(-wide, knee), (wide, knee)], 0.035, "ink")
    if "star" in details:
        pen.shape(star(0, knee + 0.02, 0.24), GOLD)


def rubber_duck(pen: Pen, rng: Random, details: Details) -> None:
    """A bath duck."""
    tail = rng.uniform(-0.16, 0.0)
    body: Path = smooth(
        [
            (-0.92, tail),
            (-0.5, 0.14),
            (-0.1, 0.04),
            (0.4, -0.1),
            (0.66, 0.3),
            (0.5, 0.66),
            (0, 0.8),
            (-0.5, 0.72),
            (-0.82, 0.36),
        ]
    )
    pen.shape(body)
    beak = smooth([(0.6, -0.42), (0.8, -0.44), (0.98, -0.34), (0.82, -0.22), (0.6, -0.2)])
    pen.shape(beak, (244, 130, 40) if pen.tones.body[2] > 70 or pen.tones.body[0] < 200 else (214, 70, 40))
    pen.shape(ellipse(0.3, -0.38, 0.4, 0.39))
    pen.dot(0.42, -0.48, 0.07, (255, 255, 255))
    pen.dot(0.44, -0.48, 0.042, (24, 24, 30), edge=False)
    pen.shape(smooth([(-0.5, 0.26), (-0.1, 0.2), (0.2, 0.3), (0.02, 0.54), (-0.34, 0.56)]), "light")
    if "hat" in details:
        pen.shape(box(-0.0, -0.8, 0.6, -0.68, 0.03), SLATE)
        pen.shape(box(0.08, -1.08, 0.52, -0.76, 0.03), SLATE)
        pen.shape(box(0.08, -0.88, 0.52, -0.79, 0.01), (222, 70, 70))
    if "bow" in details:
        pen.bow(0.26, 0.04, 0.26)


TOYS: tuple[Kind, ...] = (
    Kind(
        "teddy bear",
        teddy_bear,
        ("bow", "heart", "hat"),
        "Toys/Soft Toys",
        ("Teddy Bear", "Teddy"),
        (14, 49),
        _PLUSH,
        standing=True,
        family="toys",
    ),
    Kind(
        "toy car",
        toy_car,
        ("roof rack", "siren", "spoiler"),
        "Toys/Vehicles",
        ("Toy Car",),
        (9, 39),
        _WOODEN,
        standing=True,
        mirrors=True,
        family="toys",
    ),
    Kind(
        "ball",
        ball,
        ("star", "smile"),
        "Toys/Outdoor/Balls",
        ("Ball", "Beach Ball"),
        (6, 25),
        ("vinyl", "rubber"),
        standing=True,
        mirrors=True,
        family="toys",
    ),
    Kind(
        "kite",
        kite,
        ("bows", "fringe", "star"),
        "Toys/Outdoor/Kites",
        ("Kite",),
        (12, 45),
        ("ripstop nylon", "paper"),
        mirrors=True,
        family="toys",
    ),
    Kind(
        "rubber duck",
        rubber_duck,
        ("hat", "bow"),
        "Toys/Bath",
        ("Rubber Duck", "Bath Duck"),
        (5, 15),
        ("natural rubber", "vinyl"),
        standing=True,
        mirrors=True,
        family="toys",
    ),
    Kind(
        "robot",
        robot,
        ("antenna", "wheels", "heart"),
        "Toys/Figures",
        ("Robot", "Toy Robot"),
        (15, 59),
        ("tin", "beech", "recycled plastic"),
        standing=True,
        family="toys",
    ),
    Kind(
        "sailboat",
        sailboat,
        ("flag", "portholes"),
        "Toys/Vehicles",
        ("Sailboat", "Toy Boat"),
        (12, 45),
        _WOODEN,
        standing=True,
        mirrors=True,
        family="toys",
    ),
    Kind(
        "ukulele",
        ukulele,
        ("strap", "star"),
        "Toys/Music",
        ("Ukulele", "Toy Guitar"),
        (24, 89),
        _WOODEN,
        mirrors=True,
        family="toys",
    ),
)
