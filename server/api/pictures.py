"""Pictures inside JSON: bytes in base64."""

import base64
import binascii

from server.errors import InvalidInput


def decode_image(text: str | None) -> bytes | None:
    """Bytes of a picture in base64. Raises InvalidInput."""
    if text is None:
        return None
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise InvalidInput("image: this is not base64") from exc
