"""Pictures: originals and thumbnails under their digest, so that a browser may keep them for ever."""

from pathlib import Path
from typing import Any

from flask import Blueprint, Response, request, send_file

from server.errors import NotFound
from server.web.context import current_services

# Addresses are put together here and not by url_for, which takes 20 us each: a page of 100 hits has 200 of them.
PREFIX = "/media"
bp = Blueprint("media", __name__, url_prefix=PREFIX)

EXTENSIONS = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp", "image/gif": "gif"}
MEDIA_TYPES = {extension: media_type for media_type, extension in EXTENSIONS.items()}
THUMBNAIL_WIDTH = 320
ONE_YEAR = 31_536_000


def image_url(sha256: str | None, media_type: str | None, root: str | None = None) -> str | None:
    """Address of the picture itself. root: of the current request, where many addresses share the look at it."""
    if sha256 is None or media_type is None:
        return None
    return f"{request.script_root if root is None else root}{PREFIX}/{sha256}.{EXTENSIONS[media_type]}"


def thumbnail_url(
    sha256: str | None, media_type: str | None, width: int = THUMBNAIL_WIDTH, root: str | None = None
) -> str | None:
    """Address of a smaller copy, at most `width` pixels wide."""
    if sha256 is None or media_type is None:
        return None
    return f"{request.script_root if root is None else root}{PREFIX}/{sha256}/{width}.{EXTENSIONS[media_type]}"


@bp.app_template_filter("picture")
def picture_address(shown: Any, width: int) -> str | None:
    """Address of a picture at most `width` pixels wide, of a product, a hit or a picture itself; None without one."""
    sha256 = shown.sha256 if hasattr(shown, "sha256") else shown.image_sha256
    return thumbnail_url(sha256, shown.media_type, width)


@bp.get("/<string(length=64):sha256>.<extension>")
def original(sha256: str, extension: str) -> Response:
    """A picture as it was uploaded."""
    media_type = _media_type(extension)
    return _send(current_services().images.path(sha256, media_type), media_type, sha256)


@bp.get("/<string(length=64):sha256>/<int:width>.<extension>")
def thumbnail(sha256: str, width: int, extension: str) -> Response:
    """A WebP copy of the picture, made on first use. `extension` is that of the original."""
    path = current_services().images.thumbnail(sha256, _media_type(extension), width)
    return _send(path, "image/webp", f"{sha256}-{width}")


def _media_type(extension: str) -> str:
    try:
        return MEDIA_TYPES[extension]
    except KeyError:
        raise NotFound("There is no such picture.") from None


def _send(path: Path, media_type: str, etag: str) -> Response:
    try:
        response = send_file(path, mimetype=media_type, etag=etag, conditional=True, max_age=ONE_YEAR)
    except FileNotFoundError as exc:
        raise NotFound("There is no such picture.") from exc
    response.cache_control.public = True
    response.cache_control.immutable = True
    # An uploaded file is a picture and nothing else, whatever a browser thinks that it sees in it.
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response
