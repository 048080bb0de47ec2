"""Backgrounds and shadows: the shop's light and airy studio."""

from __future__ import annotations

from random import Random

from PIL import Image, ImageDraw, ImageFilter

from server.demo.palette import RGB, mix

_PASTELS: tuple[RGB, ...] = (
    (228, 236, 244),
    (240, 232, 224),
    (230, 240, 230),
    (244, 232, 238),
    (236, 232, 246),
    (246, 242, 224),
    (226, 240, 242),
)
_WHITES: tuple[RGB, ...] = ((255, 255, 255), (250, 250, 250), (246, 246, 248), (250, 248, 244))
_DIMS: tuple[RGB, ...] = (
    (168, 186, 206),
    (190, 176, 164),
    (166, 192, 176),
    (202, 176, 184),
    (182, 180, 206),
    (176, 180, 188),
)


def background(size: int, light_product: bool, standing: bool, rng: Random) -> Image.Image:
    """A picture's background; darker behind a white product."""
    mood = rng.random()
    hue = rng.choice(_DIMS if light_product else _PASTELS)
    if not light_product and mood < 0.45:
        return Image.new("RGB", (size, size), rng.choice(_WHITES))
    if mood < 0.7 or (mood < 0.85 and not standing):
        top, bottom = hue, mix(hue, (255, 255, 255), 0.3 if light_product else 0.7)
        return _gradient(size, top, bottom)
    if standing and mood > 0.7:
        return _room(size, hue, rng)
    return Image.new("RGB", (size, size), hue)


def _gradient(size: int, top: RGB, bottom: RGB) -> Image.Image:
    strip = Image.new("RGB", (1, 16))
    for y in range(16):
        strip.putpixel((0, y), mix(top, bottom, y / 15))
    column = strip.resize((1, size), Image.Resampling.BILINEAR)
    return column.resize((size, size), Image.Resampling.NEAREST)


def _room(size: int, wall: RGB, rng: Random) -> Image.Image:
    image = Image.new("RGB", (size, size), wall)
    horizon = round(size * rng.uniform(0.66, 0.76))
    floor = mix(wall, rng.choice(((214, 190, 160), (150, 150, 160), (255, 255, 255))), 0.4)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, horizon, size, size), fill=floor)
    draw.rectangle((0, horizon, size, horizon + max(1, size // 160)), fill=mix(wall, (255, 255, 255), 0.6))
    return image


def cast_shadow(image: Image.Image, silhouette: Image.Image, standing: bool) -> None:
    """Darken the background softly under or behind the product."""
    size = image.width
    small = max(24, size // 6)
    if standing:
        soft = _ground_shadow(silhouette, small)
        shift = 0
    else:
        soft = silhouette.reduce(max(1, silhouette.width // small)).resize((small, small))
        shift = round(size * 0.018)
    soft = soft.filter(ImageFilter.GaussianBlur(small * (0.028 if standing else 0.02)))
    soft = soft.point([round(v * (0.42 if standing else 0.26)) for v in range(256)])
    mask = soft.resize((size, size), Image.Resampling.BILINEAR)
    image.paste((40, 42, 60), (shift, shift * 2), mask)


def _ground_shadow(silhouette: Image.Image, small: int) -> Image.Image:
    soft = Image.new("L", (small, small), 0)
    bounds = silhouette.getbbox()
    if bounds is None:
        return soft
    ratio = small / silhouette.width
    x0, x1, y = bounds[0] * ratio, bounds[2] * ratio, bounds[3] * ratio
    height, inset = max(1.5, (x1 - x0) * 0.075), (x1 - x0) * 0.03
    ImageDraw.Draw(soft).ellipse((x0 + inset, y - height * 1.1, x1 - inset, y + height * 0.7), fill=255)
    return soft
