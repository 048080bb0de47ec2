"""Pictures as strangers send them: what is refused, and how the rest becomes RGB the right way up."""

import base64
import hashlib
import io
import re
import warnings
import zipfile
from dataclasses import dataclass
from functools import cache

import numpy as np
from PIL import ExifTags, Image, ImageOps

from server.embedding.preprocess import EXTENT, Box
from server.errors import InvalidImage

# MPO is what many phones and cameras make of a JPEG: the first of its pictures is one.
MEDIA_TYPES = {
    "JPEG": "image/jpeg",
    "MPO": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "GIF": "image/gif",
}
FORMATS = ("JPEG", "PNG", "WEBP", "GIF")

# A line of pixels is no product, and a model that scales the shorter side up would make a huge picture of it.
LARGEST_ASPECT = 100

# Orientations of EXIF that exchange width and height.
_ON_THE_SIDE = (5, 6, 7, 8)

# A picture that is a web page or a program too. 2 ms a megabyte; a chance hit in compressed data takes 10^5 GB.
_ACTIVE_CONTENT = re.compile(rb"<(?:script[\s>]|html[\s>]|\?php\s|!doctype html)", re.IGNORECASE)
_DATA_URL = re.compile(r"^data:[^,;]*(?:;[^,;]*)*;base64,", re.IGNORECASE)


@dataclass(frozen=True)
class DecodedImage:
    """A picture that was read whole.

    `image` is RGB, upright, possibly smaller than the original (see `draft_to`); `width` and `height` are those of the
    original, upright; `sha256` is the digest of the bytes as they were given.
    """

    image: Image.Image
    media_type: str
    width: int
    height: int
    sha256: str


def digest(data: bytes) -> str:
    """SHA-256 as 64 hex digits."""
    return hashlib.sha256(data).hexdigest()


def read_image(data: bytes, *, max_pixels: int, draft_to: int | None = None) -> DecodedImage:
    """Decode a JPEG, PNG, WebP or GIF (its first frame). Raises InvalidImage with a sentence that says what is wrong.

    draft_to: shortest side that the caller needs; a JPEG is then decoded at a fraction of its size, where that leaves
    both sides at least twice as long. Size is checked by the header, before anything is decoded.
    """
    _refuse_other_things(data)
    _limit_pillow(max_pixels)
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as exc:
        raise InvalidImage(f"The picture has more than {max_pixels:,} pixels.") from exc
    except Exception as exc:
        raise InvalidImage() from exc
    with image:
        _check_size(image.size, max_pixels)
        media_type = MEDIA_TYPES[image.format or ""]
        width, height = image.size
        try:
            drafted = None
            if draft_to is not None and image.format in ("JPEG", "MPO"):
                drafted = image.draft(None, (2 * draft_to, 2 * draft_to))
            image.load()
            if image.format == "PNG" and b"IEND" not in data:
                raise EOFError("Pillow does not miss the end of a PNG")
            upright, orientation = _upright(image)
            rgb = _to_rgb(upright)
            if drafted is not None:
                rgb.info[EXTENT] = _turned(drafted[1], image.size, orientation)
        # Pillow's decoders raise whatever they stumble over: OSError, SyntaxError, struct.error, IndexError, ...
        except Exception as exc:
            raise InvalidImage("The picture is damaged or cut short.") from exc
        if orientation in _ON_THE_SIDE:
            width, height = height, width
    return DecodedImage(rgb, media_type, width, height, digest(data))


def data_url_bytes(url: str) -> bytes:
    """The bytes of a `data:...;base64,` URL. Raises InvalidImage."""
    match = _DATA_URL.match(url)
    try:
        if match is None:
            raise ValueError
        return base64.b64decode(url[match.end() :], validate=True)
    except ValueError:
        raise InvalidImage("The data: URL is not base64.") from None


def _refuse_other_things(data: bytes) -> None:
    """Sentences for what is often sent in a picture's place; and nothing that is a picture and something else too."""
    if not data:
        raise InvalidImage("The picture is empty (0 bytes).")
    head = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith(b"<svg") or (head.startswith((b"<?xml", b"<!doctype svg", b"<!--")) and b"<svg" in head):
        raise InvalidImage("This is an SVG drawing. Send it as JPEG, PNG, WebP or GIF.")
    if head.startswith((b"<!doctype html", b"<html")):
        raise InvalidImage("This is a web page, not a picture.")
    if b"%pdf-" in head:
        raise InvalidImage("This is a PDF, or a picture that is a PDF too. Send a plain picture.")
    if _is_text(data[:1024]):
        raise InvalidImage("This is text, not a picture.")
    if _ACTIVE_CONTENT.search(data) or zipfile.is_zipfile(io.BytesIO(data)):
        raise InvalidImage("The file holds something else besides a picture (a script or an archive). Save it anew.")


def _is_text(head: bytes) -> bool:
    try:
        text = head[:-3].decode() if len(head) == 1024 else head.decode()
    except UnicodeDecodeError as exc:
        # A character cut in two at the end of what was looked at is no proof against text.
        if len(head) < 1024 or exc.start < 1018:
            return False
        text = head[: exc.start].decode()
    return all(character.isprintable() or character in "\t\r\n\f" for character in text)


@cache
def _limit_pillow(max_pixels: int) -> None:
    """Pillow warns above its own limit; the setting decides instead, and a warning is a refusal."""
    if Image.MAX_IMAGE_PIXELS is not None:
        Image.MAX_IMAGE_PIXELS = max(Image.MAX_IMAGE_PIXELS, max_pixels)
    warnings.filterwarnings("error", category=Image.DecompressionBombWarning)
    # What it grumbles about (broken EXIF, odd palettes) is either read all the same or refused with a sentence of ours.
    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")


def _check_size(size: tuple[int, int], max_pixels: int) -> None:
    width, height = size
    if width * height > max_pixels:
        raise InvalidImage(
            f"The picture has {width:,} x {height:,} pixels; the most is {max_pixels:,} (VITRINE_MAX_IMAGE_PIXELS)."
        )
    if max(size) > LARGEST_ASPECT * min(size):
        raise InvalidImage(f"The picture is a line of {width:,} x {height:,} pixels.")


def _upright(image: Image.Image) -> tuple[Image.Image, int]:
    """(the picture as its EXIF data says it stands, how it lay: 1 to 8, see EXIF).

    A picture whose EXIF data is broken is taken as it lies.
    """
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
        # Pillow would copy a picture that stands already.
        return image if orientation == 1 else ImageOps.exif_transpose(image), orientation
    except Exception:
        return image, 1


def _turned(box: Box, size: tuple[int, int], orientation: int) -> Box:
    """Where a box of a picture of this size lies when the picture was put upright."""
    (left, upper, right, lower), (wide, high) = box, size
    if orientation in _ON_THE_SIDE:
        left, upper, right, lower, wide, high = upper, left, lower, right, high, wide
    if orientation in (2, 3, 6, 7):
        left, right = wide - right, wide - left
    if orientation in (3, 4, 7, 8):
        upper, lower = high - lower, high - upper
    return left, upper, right, lower


def _to_rgb(image: Image.Image) -> Image.Image:
    """Any mode to RGB: alpha on white, 16 bits scaled to 8, CMYK and palettes converted."""
    if image.mode.startswith("I") or image.mode == "F":
        # Only 16-bit greyscale comes in these modes; Pillow's own conversion would clip it at 255.
        scaled = np.clip(np.asarray(image).astype(np.float32) / 257, 0, 255)
        return Image.fromarray(scaled.astype(np.uint8)).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, rgba).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")
