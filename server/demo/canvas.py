"""A thin drawing helper: outlines in unit coordinates become shaded, outlined parts of a product."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from PIL import Image, ImageChops, ImageDraw

from server.demo.palette import RGB, Tones
from server.demo.paths import Path, Point, ellipse, flipped
from server.demo.patterns import texture

Fill = str | RGB
# The light map: neutral, darker on the far side, lighter on the near side of each part.
_NEUTRAL, _DIM, _GLOW = 128, 128 - 44, 128 + 66
_DARKNESS = [max(0, _NEUTRAL - v) for v in range(256)]
_LIGHTNESS = [max(0, v - _NEUTRAL) for v in range(256)]


@dataclass(frozen=True)
class Pose:
    """Where the product stands in its picture."""

    scale: float
    turn: float
    mirror: bool
    dx: float
    dy: float


class Pen:
    """Draws the parts of one product on its own layer, keeping its silhouette."""

    def __init__(self, size: int, pattern: str, tones: Tones, pose: Pose, rng: Random) -> None:
        """Prepare a layer of `size` pixels, twice the picture's, and the pattern's texture."""
        self.tones = tones
        self.size = size
        self.unit = size / 2 * pose.scale
        self.layer = Image.new("RGB", (size, size), tones.ink)
        self.silhouette = Image.new("L", (size, size), 0)
        self._draw = ImageDraw.Draw(self.layer)
        self._cut = ImageDraw.Draw(self.silhouette)
        self._light = Image.new("L", (size // 2, size // 2), _NEUTRAL)
        self._lit = ImageDraw.Draw(self._light)
        self._texture = None if pattern == "plain" else texture(pattern, size, self.unit, pose.turn, tones, rng)
        angle = math.radians(pose.turn)
        self._cos, self._sin = math.cos(angle), math.sin(angle)
        self._flip = -1.0 if pose.mirror else 1.0
        self._centre = size / 2 * (1 + pose.dx), size / 2 * (1 + pose.dy)
        self.edge = max(1, round(0.0085 * size))

    def _pixels(self, path: Sequence[Point]) -> list[tuple[float, float]]:
        cos, sin, unit, flip = self._cos, self._sin, self.unit, self._flip
        cx, cy = self._centre
        return [(cx + (x * flip * cos - y * sin) * unit, cy + (x * flip * sin + y * cos) * unit) for x, y in path]

    def _colour(self, fill: Fill) -> RGB:
        if isinstance(fill, str):
            return self.tones.named("body" if fill == "plain" else fill)
        return fill

    def shape(self, path: Path, fill: Fill = "body", edge: bool = True, shade: bool | None = None) -> None:
        """Fill an outline; "body" is the patterned colour, other names are tones."""
        points = self._pixels(path)
        self._cut.polygon(points, fill=255)
        if fill == "body" and self._texture is not None:
            self._fill_textured(points, self._texture)
        else:
            self._draw.polygon(points, fill=self._colour(fill))
        if shade if shade is not None else fill in ("body", "plain"):
            self._shade(points)
        else:
            self._lit.polygon([(x / 2, y / 2) for x, y in points], fill=_NEUTRAL)
        if edge:
            self._stroke([*points, points[0]], self.edge, self.tones.ink)

    def _fill_textured(self, points: list[Point], pattern: Image.Image) -> None:
        area, mask = _mask(points, self.size)
        if mask is not None:
            self.layer.paste(pattern.crop(area), area, mask)

    def _shade(self, points: list[Point]) -> None:
        area, mask = _mask([(x / 2, y / 2) for x, y in points], self._light.width)
        if mask is None:
            return
        self._light.paste(_NEUTRAL, area, mask)
        reach = min(0.035 * self.unit, 0.16 * min(mask.size))
        for amount, tone in ((-round(reach), _DIM), (round(reach / 2), _GLOW)):
            moved = Image.new("L", mask.size, 0)
            moved.paste(mask, (amount, amount))
            self._light.paste(tone, area, ImageChops.subtract(mask, moved))

    def place_on(self, image: Image.Image) -> None:
        """Put the product on a picture of half the layer's size, smoothed and lit."""
        bounds = self.silhouette.getbbox()
        if bounds is None:
            return
        x0, y0, x1, y1 = bounds[0] // 2, bounds[1] // 2, -(-bounds[2] // 2), -(-bounds[3] // 2)
        area = (2 * x0, 2 * y0, 2 * x1, 2 * y1)
        image.paste(self.layer.reduce(2, area), (x0, y0), self.silhouette.reduce(2, area))
        light = self._light.crop((x0, y0, x1, y1))
        image.paste((0, 0, 0), (x0, y0, x1, y1), light.point(_DARKNESS))
        image.paste((255, 255, 255), (x0, y0, x1, y1), light.point(_LIGHTNESS))

    def _stroke(self, points: list[tuple[float, float]], width: int, colour: RGB) -> None:
        joint = "curve" if width > 2 else None
        self._draw.line(points, fill=colour, width=width, joint=joint)
        self._cut.line(points, fill=255, width=width, joint=joint)

    def both(self, path: Path, fill: Fill = "body", edge: bool = True, shade: bool | None = None) -> None:
        """Fill an outline and its mirror image."""
        self.shape(path, fill, edge, shade)
        self.shape(flipped(path), fill, edge, shade)

    def line(self, path: Path, width: float = 0.02, fill: Fill = "line") -> None:
        """Stroke an open path; `width` in units."""
        self._stroke(self._pixels(path), max(1, round(width * self.unit)), self._colour(fill))

    def rod(self, path: Path, width: float, fill: Fill = "body") -> None:
        """A thick outlined stroke, such as a handle or a leg."""
        self.line(path, width + 2 * self.edge / self.unit, "ink")
        self.line(path, width, fill)

    def dot(self, x: float, y: float, r: float, fill: Fill = "trim", edge: bool = True) -> None:
        """A small disc: a button, a wheel hub."""
        self.shape(ellipse(x, y, r), fill, edge, False)

    def fluff(self, places: Sequence[Point], r: float, fill: Fill = (246, 236, 218)) -> None:
        """A fluffy rim of fur: overlapping tufts with one outline around them all."""
        for x, y in places:
            self.dot(x, y, r + 1.5 * self.edge / self.unit, "ink", edge=False)
        for x, y in places:
            self.dot(x, y, r, fill, edge=False)
        for x, y in places:
            self.line([(x - r * 0.3, y + r * 0.1), (x + r * 0.1, y + r * 0.35)], 0.02, (206, 190, 164))

    def bow(self, x: float, y: float, r: float, fill: Fill = "trim") -> None:
        """A ribbon bow about 2r wide."""
        wing = [(x, y), (x + r, y - r * 0.6), (x + r * 0.85, y), (x + r, y + r * 0.6)]
        self.shape(wing, fill)
        self.shape([(2 * x - u, v) for u, v in wing], fill)
        self.dot(x, y, r * 0.26, fill)

    def shine(self, path: Path) -> None:
        """Shade an area already drawn, as if it were one round body."""
        self._shade(self._pixels(path))


def _mask(points: Sequence[Point], limit: int) -> tuple[tuple[int, int, int, int], Image.Image | None]:
    """The smallest box around the points within the layer, and the filled outline in it."""
    xs, ys = [p[0] for p in points], [p[1] for p in points]
    x0, y0 = max(0, math.floor(min(xs))), max(0, math.floor(min(ys)))
    x1, y1 = min(limit, math.ceil(max(xs)) + 1), min(limit, math.ceil(max(ys)) + 1)
    if x1 <= x0 or y1 <= y0:
        return (0, 0, 0, 0), None
    mask = Image.new("L", (x1 - x0, y1 - y0), 0)
    ImageDraw.Draw(mask).polygon([(x - x0, y - y0) for x, y in points], fill=255)
    return (x0, y0, x1, y1), mask
