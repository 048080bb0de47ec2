"""Pictures to the numbers that the image tower takes."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from server.embedding.manifest import ImageSpec, Manifest

_FILTERS = {
    "bicubic": Image.Resampling.BICUBIC,
    "bilinear": Image.Resampling.BILINEAR,
    "lanczos": Image.Resampling.LANCZOS,
    "nearest": Image.Resampling.NEAREST,
}

# A picture more than six times too large is first averaged down in whole pixels to at least three times the target: a
# 1200 x 1200 PNG takes 1.3 ms instead of 19, and pixels differ by 0.7 of 255 on average. Smaller ones are untouched.
REDUCING_GAP = 3.0

# Key of `Image.info` for the box (left, upper, right, lower) that a picture fills where its last column or row is only
# partly its own: a JPEG of 1999 pixels that is decoded at half its size has 1000 columns, of which the picture fills
# 999.5. Taking it for 1000 moved pixels by 0.016 of the normalised range, and 0.004 is left without. It is no string,
# since Pillow puts the text of a stranger's PNG under whatever string that names.
EXTENT = (-1, -1)

Box = tuple[float, float, float, float]


def draft_size(manifest: Manifest) -> tuple[int, int]:
    """(width, height) for `Image.draft`: twice the target, where a JPEG decodes in half the time.

    Pillow leaves both sides at least this long, so no model sees a picture that was enlarged again
    (mean difference 0.006 of the normalised range, measured on a 1200 x 1200 JPEG).
    """
    side = 2 * (manifest.image.shortest_edge or manifest.image.size)
    return side, side


class Preprocessor:
    """Resizes and normalises as one manifest says. Thread-safe."""

    def __init__(self, spec: ImageSpec) -> None:
        self._spec = spec
        std = np.asarray(spec.std, dtype=np.float64)
        # (x / 255 - mean) / std as one multiplication and one addition.
        self._scale = (1 / (255 * std)).astype(np.float32)[:, None, None]
        self._shift = (-np.asarray(spec.mean) / std).astype(np.float32)[:, None, None]

    def prepare(self, image: Image.Image) -> NDArray[np.float32]:
        """RGB picture of any size -> (3, size, size) float32, channels first, normalised."""
        if image.mode != "RGB":
            image = image.convert("RGB")
        pixels = np.asarray(fit(image, self._spec)).transpose(2, 0, 1)
        out = np.empty(pixels.shape, dtype=np.float32)
        np.multiply(pixels, self._scale, out=out)
        out += self._shift
        return out


def fit(image: Image.Image, spec: ImageSpec) -> Image.Image:
    """RGB picture -> RGB picture of (size, size): padded, cropped or squashed as the spec says."""
    return {"pad": _pad, "crop": _crop, "squash": _squash}[spec.resize](image, spec)


def _extent(image: Image.Image) -> Box:
    """(left, upper, right, lower) of what the picture shows, see EXTENT: at most a pixel less than all of it."""
    wide, high = image.size
    left, upper, right, lower = image.info.get(EXTENT, (0, 0, wide, high))
    return (
        min(max(left, 0), 1),
        min(max(upper, 0), 1),
        min(max(right, wide - 1), wide),
        min(max(lower, high - 1), high),
    )


def _resized(image: Image.Image, size: tuple[int, int], spec: ImageSpec) -> Image.Image:
    if image.size == size and EXTENT not in image.info:
        return image
    return image.resize(size, _FILTERS[spec.interpolation], box=_extent(image), reducing_gap=REDUCING_GAP)


def _pad(image: Image.Image, spec: ImageSpec) -> Image.Image:
    """The longest side becomes `size`; the rest is background, left and right or above and below."""
    left, upper, right, lower = _extent(image)
    sides = (right - left, lower - upper)
    scale = spec.size / max(sides)
    width, height = (min(spec.size, max(1, round(side * scale))) for side in sides)
    image = _resized(image, (width, height), spec)
    if image.size == (spec.size, spec.size):
        return image
    canvas = Image.new("RGB", (spec.size, spec.size), spec.background)
    canvas.paste(image, ((spec.size - width) // 2, (spec.size - height) // 2))
    return canvas


def _crop(image: Image.Image, spec: ImageSpec) -> Image.Image:
    """The shortest side becomes `shortest_edge` or `size` and the middle is cut out, as CLIP's own preprocessing does.

    Only the part of the picture that survives is resized, so a banner of 10,000 x 10 pixels takes no gigabytes. The
    arithmetic (the longer side and the offset truncated) is that of transformers' CLIPImageProcessor; torchvision, and
    so open_clip, rounds the offset.
    """
    left, upper, right, lower = _extent(image)
    wide, high = right - left, lower - upper
    width, height = (int((spec.shortest_edge or spec.size) * side / min(wide, high)) for side in (wide, high))
    x, y = (_middle(side - spec.size, spec) for side in (width, height))
    across, down = wide / width, high / height
    box = (left + x * across, upper + y * down, left + (x + spec.size) * across, upper + (y + spec.size) * down)
    box = (box[0], box[1], min(box[2], right), min(box[3], lower))
    size, resample = (spec.size, spec.size), _FILTERS[spec.interpolation]
    return image.resize(size, resample, box=box, reducing_gap=REDUCING_GAP)


def _middle(surplus: int, spec: ImageSpec) -> int:
    """Pixels before the middle, where so many are cut off in all."""
    return round(surplus / 2) if spec.crop_offset == "rounded" else surplus // 2


def _squash(image: Image.Image, spec: ImageSpec) -> Image.Image:
    return _resized(image, (spec.size, spec.size), spec)
