"""Several pictures of a product: their order, and what each one shows. The first is the one that it is found by."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import psycopg

from server.catalog import stored as rows
from server.catalog.draft import Draft
from server.catalog.image_store import ImageStore
from server.catalog.images import DecodedImage, read_image
from server.catalog.picture import MB, Picture
from server.catalog.stored import Stored
from server.catalog.values import clean_text
from server.db.named_sql import load
from server.errors import InvalidImage, InvalidInput, NotFound
from server.settings import Settings

_SQL = load(__file__, "gallery.sql")

MOST_PICTURES = 12
LONGEST_ALT = 300


@dataclass(frozen=True)
class Shown:
    """A picture of a product. alt: what it shows, for those who do not see it; may be empty."""

    sha256: str
    media_type: str
    width: int
    height: int
    alt: str


def read_gallery(connection: psycopg.Connection, sku: str) -> list[Shown]:
    """The pictures of a product, the one that it is found by first; none where it is not there."""
    return [Shown(*row) for row in connection.execute(_SQL["pictures"], {"sku": sku})]


def write_gallery(
    connection: psycopg.Connection, sku: str, pictures: Sequence[tuple[str, str]], has_first: bool = True
) -> None:
    """(digest, alt) of all pictures in their order; the first is the product's own, and stands there already.

    has_first: False where the product has none of its own, and all of these are further ones.
    """
    placed = enumerate(pictures, 0 if has_first else 1)
    kept = [(place, sha256, alt) for place, (sha256, alt) in placed if place > 0 or alt]
    connection.execute(_SQL["clear"], {"sku": sku, "sha256s": [sha256 for _, sha256, _ in kept]})
    if kept:
        places, sha256s, alts = (list(column) for column in zip(*kept, strict=True))
        connection.execute(_SQL["put"], {"sku": sku, "sha256s": sha256s, "places": places, "alts": alts})


def write_galleries(connection: psycopg.Connection, drafts: Sequence[Draft], stored: Mapping[str, Stored]) -> None:
    """The pictures of changes that were made, in their transaction. stored: what there was before.

    Where a change names no list, and its picture is one of the product's further ones, both change places.
    """
    changed = []
    for draft, change in ((draft, draft.change) for draft in drafts):
        former = stored[change.sku].image_sha256 if change.sku in stored else None
        if change.pictures is not None:
            write_gallery(connection, change.sku, change.pictures, not change.drops_picture)
        elif former is not None and draft.image_sha256 not in (None, former):
            changed.append((change.sku, former, draft.image_sha256))
    if changed:
        skus, formers, firsts = (list(column) for column in zip(*changed, strict=True))
        connection.execute(_SQL["change_places"], {"skus": skus, "former": formers, "first": firsts})


def store_picture(connection: psycopg.Connection, data: bytes, images: ImageStore, settings: Settings) -> str:
    """Check a picture, keep it, and give its digest. Raises InvalidImage, StorageUnavailable."""
    decoded = check_picture(data, settings)
    images.put(decoded.sha256, decoded.media_type, data)
    picture = Picture(decoded.sha256, decoded.media_type, decoded.width, decoded.height, len(data), None)
    rows.insert_images(connection, [picture])
    return decoded.sha256


def check_picture(data: bytes, settings: Settings) -> DecodedImage:
    """Decode a picture that somebody wants to have kept. Raises InvalidImage."""
    if len(data) > settings.max_upload_mb * MB:
        raise InvalidImage(f"A picture has {len(data) / MB:.1f} MB; the most is {settings.max_upload_mb}.")
    return read_image(data, max_pixels=settings.max_image_pixels)


def read_picture(connection: psycopg.Connection, sha256: str, images: ImageStore) -> bytes:
    """The bytes of a stored picture. Raises NotFound, StorageUnavailable."""
    media_type = rows.read_media_types(connection, [sha256]).get(sha256)
    if media_type is None:
        raise NotFound("This picture is not stored any more.")
    return images.read(sha256, media_type)


def clean_alt(told: str) -> str:
    """What a picture shows, as it is kept. Raises InvalidInput."""
    try:
        return clean_text(told, LONGEST_ALT) or ""
    except ValueError as exc:
        raise InvalidInput(f"alt text: {exc}") from exc
