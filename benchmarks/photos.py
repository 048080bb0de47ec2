"""Pictures for benchmarks: drawn products with the grain of a photograph, as JPEG."""

import io
from functools import cache
from itertools import islice

import numpy as np
from PIL import Image

from server.demo.catalogue import draw_catalogue

SEED = 8_300_000
# Grain at half the resolution: at quality 88 a picture of 1,200 pixels takes 330 kB, as a shop's photograph does.
GRAIN = 10.0
QUALITY = 88


@cache
def draw_photos(size: int, count: int) -> tuple[bytes, ...]:
    """`count` different JPEGs, `size` pixels square; the same on every call."""
    products = islice(draw_catalogue(count, SEED), count)
    return tuple(_photo(product.draw(size), seed) for seed, product in enumerate(products))


def _photo(drawn: Image.Image, seed: int) -> bytes:
    side = max(1, drawn.width // 2)
    grain = np.random.default_rng(seed).normal(128, GRAIN, (side, side, 3)).clip(0, 255).astype(np.uint8)
    spread = np.asarray(Image.fromarray(grain).resize(drawn.size, Image.Resampling.BICUBIC), np.int16) - 128
    pixels = (np.asarray(drawn, np.int16) + spread).clip(0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()
