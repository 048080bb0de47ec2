"""Outlines in unit coordinates: x and y run from -1 to 1, y grows downwards."""

from __future__ import annotations

import math
from collections.abc import Sequence

Point = tuple[float, float]
Path = list[Point]
# A corner is (x, y) or (x, y, radius).
Corner = tuple[float, ...]


def rounded(corners: Sequence[Corner], radius: float = 0.05) -> Path:
    """A closed polygon whose corners are rounded off."""
    path: Path = []
    count = len(corners)
    for i, corner in enumerate(corners):
        x, y = corner[0], corner[1]
        reach = corner[2] if len(corner) > 2 else radius
        before, after = corners[i - 1], corners[(i + 1) % count]
        start = _towards((x, y), (before[0], before[1]), reach)
        end = _towards((x, y), (after[0], after[1]), reach)
        if reach <= 0.004:
            path.append((x, y))
            continue
        steps = 4 if reach < 0.12 else 8
        for k in range(steps + 1):
            t = k / steps
            a, b, c = (1 - t) ** 2, 2 * t * (1 - t), t * t
            path.append((a * start[0] + b * x + c * end[0], a * start[1] + b * y + c * end[1]))
    return path


def _towards(point: Point, other: Point, reach: float) -> Point:
    length = math.hypot(other[0] - point[0], other[1] - point[1]) or 1e-9
    t = min(reach / length, 0.5)
    return point[0] + (other[0] - point[0]) * t, point[1] + (other[1] - point[1]) * t


def smooth(points: Sequence[Point], closed: bool = True, steps: int = 6) -> Path:
    """A Catmull-Rom curve through the points."""
    path: Path = []
    count = len(points)
    for i in range(count if closed else count - 1):
        if closed:
            p0, p1, p2, p3 = points[i - 1], points[i], points[(i + 1) % count], points[(i + 2) % count]
        else:
            p0, p1 = points[max(i - 1, 0)], points[i]
            p2, p3 = points[i + 1], points[min(i + 2, count - 1)]
        for k in range(steps):
            path.append(_catmull(p0, p1, p2, p3, k / steps))
    if not closed:
        path.append(points[-1])
    return path


def _catmull(p0: Point, p1: Point, p2: Point, p3: Point, t: float) -> Point:
    def axis(a: float, b: float, c: float, d: float) -> float:
        return 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t * t + (3 * b - a - 3 * c + d) * t**3)

    return axis(p0[0], p1[0], p2[0], p3[0]), axis(p0[1], p1[1], p2[1], p3[1])


def mirrored(half: Sequence[Corner]) -> list[Corner]:
    """The right half of an outline, from top to bottom, completed on the left."""
    return [*half, *[(-c[0], *c[1:]) for c in reversed(half)]]


def flipped(path: Sequence[Point]) -> Path:
    """The same outline on the other side of the vertical axis."""
    return [(-x, y) for x, y in path]


def ellipse(x: float, y: float, rx: float, ry: float | None = None, tilt: float = 0.0) -> Path:
    """A whole ellipse; `tilt` in degrees."""
    return arc(x, y, rx, rx if ry is None else ry, 0, 360, tilt)[:-1]


def arc(x: float, y: float, rx: float, ry: float, start: float, end: float, tilt: float = 0.0) -> Path:
    """Part of an ellipse, angles in degrees clockwise from three o'clock."""
    steps = max(6, int(abs(end - start) / 360 * (16 + 36 * min(max(rx, ry), 0.6))))
    cos, sin = math.cos(math.radians(tilt)), math.sin(math.radians(tilt))
    path: Path = []
    for k in range(steps + 1):
        angle = math.radians(start + (end - start) * k / steps)
        u, v = rx * math.cos(angle), ry * math.sin(angle)
        path.append((x + u * cos - v * sin, y + u * sin + v * cos))
    return path


def box(x0: float, y0: float, x1: float, y1: float, radius: float = 0.03) -> Path:
    """A rectangle with rounded corners."""
    return rounded([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], radius)


def star(x: float, y: float, r: float) -> Path:
    """A five-pointed star."""
    return [
        (
            x + (r if k % 2 == 0 else r * 0.45) * math.sin(math.pi * k / 5),
            y - (r if k % 2 == 0 else r * 0.45) * math.cos(math.pi * k / 5),
        )
        for k in range(10)
    ]


def heart(x: float, y: float, r: float) -> Path:
    """A heart about 2r wide."""
    path: Path = []
    for k in range(24):
        t = 2 * math.pi * k / 24
        u = 16 * math.sin(t) ** 3
        v = 13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t)
        path.append((x + u * r / 16, y - v * r / 16))
    return path
