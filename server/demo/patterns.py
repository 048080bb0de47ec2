"""The five patterns, drawn as square textures that parts of a product are cut from."""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random

from PIL import Image, ImageDraw

from server.demo.palette import Tones, brightness, mix

PATTERNS: tuple[str, ...] = ("plain", "striped", "dotted", "checked", "floral")

Grid = Callable[[float, float], tuple[float, float]]


def texture(pattern: str, size: int, unit: float, turn: float, tones: Tones, rng: Random) -> Image.Image:
    """A `size` pixel square of the pattern; `unit` is the pixels per unit, `turn` the angle in degrees."""
    image = Image.new("RGB", (size, size), tones.body)
    if pattern != "plain":
        angle = math.radians(turn + _own_angle(pattern, rng))
        cos, sin = math.cos(angle), math.sin(angle)
        half = size / 2

        def place(u: float, v: float) -> tuple[float, float]:
            return half + (u * cos - v * sin) * unit, half + (u * sin + v * cos) * unit

        reach = 0.75 * size / unit
        _DRAWERS[pattern](ImageDraw.Draw(image), place, reach, unit, tones, rng)
    return image


def _own_angle(pattern: str, rng: Random) -> float:
    draw = rng.random()
    if pattern == "striped":
        return 0.0 if draw < 0.5 else 90.0 if draw < 0.8 else 45.0
    if pattern == "checked":
        return 0.0 if draw < 0.8 else 45.0
    return rng.uniform(0, 90)


def _bar(draw: ImageDraw.ImageDraw, place: Grid, box: tuple[float, ...], fill: tuple[int, int, int]) -> None:
    u0, v0, u1, v1 = box
    draw.polygon([place(u0, v0), place(u1, v0), place(u1, v1), place(u0, v1)], fill=fill)


def _stripes(draw: ImageDraw.ImageDraw, place: Grid, reach: float, unit: float, tones: Tones, rng: Random) -> None:
    period = rng.uniform(0.2, 0.27)
    width = period * rng.uniform(0.32, 0.42)
    v = -reach + rng.uniform(0, period)
    while v < reach:
        _bar(draw, place, (-reach, v, reach, v + width), tones.second)
        v += period


def _checks(draw: ImageDraw.ImageDraw, place: Grid, reach: float, unit: float, tones: Tones, rng: Random) -> None:
    period = rng.uniform(0.23, 0.3)
    width = period * rng.uniform(0.36, 0.44)
    soft = mix(tones.body, tones.second, 0.55)
    starts: list[float] = []
    v = -reach + rng.uniform(0, period)
    while v < reach:
        starts.append(v)
        v += period
    for v in starts:
        _bar(draw, place, (-reach, v, reach, v + width), soft)
        _bar(draw, place, (v, -reach, v + width, reach), soft)
    for v in starts:
        for u in starts:
            _bar(draw, place, (u, v, u + width, v + width), tones.second)


def _dots(draw: ImageDraw.ImageDraw, place: Grid, reach: float, unit: float, tones: Tones, rng: Random) -> None:
    step = rng.uniform(0.2, 0.26)
    r = step * rng.uniform(0.27, 0.33) * unit
    count = int(reach / step) + 1
    for j in range(-count, count + 1):
        for i in range(-count, count + 1):
            x, y = place((i + 0.5 * (j % 2)) * step, j * step * 0.87)
            draw.ellipse((x - r, y - r, x + r, y + r), fill=tones.second)


def _flowers(draw: ImageDraw.ImageDraw, place: Grid, reach: float, unit: float, tones: Tones, rng: Random) -> None:
    step = rng.uniform(0.36, 0.42)
    petal = step * 0.17 * unit
    leaf = mix((60, 130, 70), tones.body, 0.15)
    if abs(brightness(leaf) - brightness(tones.body)) < 30:
        leaf = mix(tones.body, (20, 60, 30), 0.5)
    count = int(reach / step) + 1
    limit = 1.6 * unit
    for j in range(-count, count + 1):
        for i in range(-count, count + 1):
            jitter = rng.uniform(-0.06, 0.06), rng.uniform(-0.06, 0.06)
            spin = rng.uniform(0, 2 * math.pi)
            x, y = place((i + 0.5 * (j % 2)) * step + jitter[0], j * step * 0.87 + jitter[1])
            if -petal * 4 < x < limit * 1.6 and -petal * 4 < y < limit * 1.6:
                _flower(draw, (x, y), petal, spin, tones, leaf)


def _flower(
    draw: ImageDraw.ImageDraw,
    at: tuple[float, float],
    petal: float,
    spin: float,
    tones: Tones,
    leaf: tuple[int, int, int],
) -> None:
    x, y = at
    for side in (0.6, 1.5):
        u, v = x + 2.3 * petal * math.cos(spin + side), y + 2.3 * petal * math.sin(spin + side)
        r = petal * 0.72
        draw.ellipse((u - r, v - r, u + r, v + r), fill=leaf)
    for k in range(5):
        angle = spin + 2 * math.pi * k / 5
        u, v = x + 1.15 * petal * math.cos(angle), y + 1.15 * petal * math.sin(angle)
        draw.ellipse((u - petal, v - petal, u + petal, v + petal), fill=tones.second)
    r = petal * 0.8
    draw.ellipse((x - r, y - r, x + r, y + r), fill=tones.accent)


_DRAWERS: dict[str, Callable[[ImageDraw.ImageDraw, Grid, float, float, Tones, Random], None]] = {
    "striped": _stripes,
    "checked": _checks,
    "dotted": _dots,
    "floral": _flowers,
}
