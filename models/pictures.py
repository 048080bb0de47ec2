"""Pictures to pixels, as the manifest describes it: longest side to `size` with bicubic, centred on white."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

WHITE = (255, 255, 255)
Pixels = NDArray[np.uint8]


def flatten_on_white(picture: Image.Image) -> Image.Image:
    """RGB, with transparency replaced by white."""
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        ground = Image.new("RGBA", picture.size, (*WHITE, 255))
        return Image.alpha_composite(ground, picture).convert("RGB")
    return picture.convert("RGB")


def fit_picture(picture: Image.Image, size: int) -> Pixels:
    """Any picture -> (size, size, 3) uint8."""
    picture = flatten_on_white(picture)
    scale = size / max(picture.size)
    width, height = (max(1, round(side * scale)) for side in picture.size)
    if (width, height) != picture.size:
        picture = picture.resize((width, height), Image.Resampling.BICUBIC)
    canvas = Image.new("RGB", (size, size), WHITE)
    canvas.paste(picture, ((size - width) // 2, (size - height) // 2))
    return np.asarray(canvas)


def decode_picture(data: bytes, size: int) -> Pixels:
    """Encoded bytes -> (size, size, 3) uint8. Raises PIL.UnidentifiedImageError on what is not a picture."""
    with Image.open(io.BytesIO(data)) as picture:
        return fit_picture(picture, size)


def normalise(pixels: Pixels, mean: tuple[float, ...], std: tuple[float, ...]) -> NDArray[np.float32]:
    """(batch, size, size, 3) uint8 -> (batch, 3, size, size) float32, as the image graph takes it."""
    scaled = pixels.astype(np.float32) / 255
    scaled = (scaled - np.asarray(mean, np.float32)) / np.asarray(std, np.float32)
    return np.ascontiguousarray(scaled.transpose(0, 3, 1, 2))
