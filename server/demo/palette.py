"""The twelve colour names, their shades and the tones derived from them."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass
from random import Random

RGB = tuple[int, int, int]

_SHADES: dict[str, tuple[RGB, RGB]] = {
    "red": ((206, 32, 40), (226, 52, 48)),
    "blue": ((32, 84, 196), (52, 112, 224)),
    "green": ((38, 140, 62), (62, 164, 76)),
    "yellow": ((246, 204, 32), (252, 220, 66)),
    "orange": ((240, 122, 22), (250, 142, 40)),
    "purple": ((112, 46, 160), (140, 74, 190)),
    "pink": ((242, 128, 176), (250, 158, 196)),
    "brown": ((110, 66, 34), (138, 86, 48)),
    "black": ((30, 31, 36), (46, 46, 52)),
    "white": ((246, 246, 244), (254, 254, 252)),
    "grey": ((136, 140, 146), (166, 170, 174)),
    "teal": ((0, 138, 140), (24, 164, 160)),
}
COLOURS: tuple[str, ...] = tuple(_SHADES)

CREAM: RGB = (252, 248, 238)
SLATE: RGB = (58, 62, 76)
WOOD: RGB = (190, 138, 88)
DARK_WOOD: RGB = (132, 88, 54)
METAL: RGB = (186, 192, 200)
DARK_METAL: RGB = (96, 102, 112)
GOLD: RGB = (228, 180, 64)
LEATHER: RGB = (128, 80, 44)
GLASS: RGB = (206, 228, 238)
LEAF: RGB = (92, 150, 84)


def mix(a: RGB, b: RGB, share: float) -> RGB:
    """`a` with `share` of `b` in it."""
    return (
        round(a[0] + (b[0] - a[0]) * share),
        round(a[1] + (b[1] - a[1]) * share),
        round(a[2] + (b[2] - a[2]) * share),
    )


def brightness(colour: RGB) -> float:
    """Perceived brightness, 0 to 255."""
    return 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]


def shade_of(name: str, rng: Random) -> RGB:
    """One shade that everybody would call by this name."""
    low, high = _SHADES[name]
    colour = mix(low, high, rng.random())
    if name in ("black", "white", "grey"):
        return colour
    h, s, v = colorsys.rgb_to_hsv(*(c / 255 for c in colour))
    h = (h + rng.uniform(-0.008, 0.008)) % 1.0
    r, g, b = colorsys.hsv_to_rgb(h, min(1.0, s * rng.uniform(0.94, 1.04)), min(1.0, v * rng.uniform(0.95, 1.04)))
    return round(r * 255), round(g * 255), round(b * 255)


@dataclass(frozen=True)
class Tones:
    """Everything a picture needs to know about colour."""

    body: RGB  # the product's colour
    second: RGB  # the pattern's colour
    dark: RGB  # a darker body, for inner sides and seams
    light: RGB
    ink: RGB  # outlines
    line: RGB  # inner lines, always visible on the body
    trim: RGB  # buttons, laces, bows: contrasts with the body
    accent: RGB  # petals' hearts and the like

    def named(self, name: str) -> RGB:
        """The tone called `name`."""
        tone: RGB = getattr(self, name)
        return tone


def tones_of(name: str, rng: Random) -> Tones:
    """The tones of one product of the colour `name`."""
    body = shade_of(name, rng)
    bright = brightness(body)
    cream = mix(CREAM, (255, 255, 255), rng.random())
    if name == "white":
        second = rng.choice(((70, 84, 112), (96, 100, 108), (120, 92, 84)))
    elif name == "grey" and rng.random() < 0.4:
        second = mix(body, (20, 20, 30), 0.62)
    else:
        second = cream
    black = name == "black"
    return Tones(
        body=body,
        second=second,
        dark=mix(body, (255, 255, 255), 0.16) if black else mix(body, (24, 22, 40), 0.12 if name == "white" else 0.24),
        light=mix(body, (255, 255, 255), 0.25),
        ink=(12, 12, 14) if black else mix(body, (26, 24, 38), 0.58),
        line=(128, 130, 138) if black else mix(body, (26, 24, 38), 0.5),
        trim=SLATE if bright > 165 else cream,
        accent=(232, 150, 40) if name in ("yellow", "white", "pink") else (250, 206, 70),
    )
