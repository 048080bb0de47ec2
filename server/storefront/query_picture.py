"""The picture that a shopper searches with.

It is made small once and then travels inside the result page, so that the next page and the filters of a picture
search work without a session and without anything stored. The small copy is also what the model sees, on the first
page too: the cursor of a page belongs to one vector, and the vector has to be the same again.
"""

import base64
import binascii
import io
from dataclasses import dataclass

from PIL import Image

from server.catalog.images import read_image
from server.errors import InvalidImage

# Pixels on the longer side, about 30 kB: a tower that cuts a square of 224 out of a picture twice as long as wide gets
# all of it, and one of 384 gets more than it takes in.
LONGEST_SIDE = 448
JPEG_QUALITY = 88


@dataclass(frozen=True)
class QueryPicture:
    """`image` is RGB and upright; `encoded` is the same as JPEG in base64."""

    image: Image.Image
    encoded: str

    @property
    def data_url(self) -> str:
        """The picture as an address that an <img> shows."""
        return f"data:image/jpeg;base64,{self.encoded}"


def picture_from_upload(data: bytes, max_pixels: int) -> QueryPicture:
    """A file as a shopper sent it. Raises InvalidImage."""
    image = read_image(data, max_pixels=max_pixels, draft_to=LONGEST_SIDE).image
    image.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    small = io.BytesIO()
    image.save(small, "JPEG", quality=JPEG_QUALITY)
    return _decoded(small.getvalue(), max_pixels)


def picture_again(encoded: str, max_pixels: int) -> QueryPicture:
    """The picture that an earlier result page carried. Raises InvalidImage."""
    try:
        data = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise InvalidImage from exc
    return _decoded(data, max_pixels)


def _decoded(data: bytes, max_pixels: int) -> QueryPicture:
    image = read_image(data, max_pixels=max_pixels, draft_to=None).image
    return QueryPicture(image, base64.b64encode(data).decode())
