"""What happens to a picture beside the tower: read, checked, stored and prepared, in threads of its own."""

from collections.abc import Callable
from dataclasses import dataclass

from server.catalog.image_store import MOST_PIXELS, ImageStore
from server.catalog.images import DecodedImage, digest, read_image
from server.embedding.encoder import Encoder, Pixels
from server.embedding.preprocess import draft_size
from server.errors import InvalidImage
from server.settings import Settings

MB = 1024 * 1024


def read_for_tower(data: bytes, encoder: Encoder, settings: Settings) -> DecodedImage:
    """Decode a picture as the image tower is to see it, whether it is imported or searched with. Raises InvalidImage.

    A JPEG that is far too large is decoded small (see `read_image`), which moves its vector a little; a picture that is
    looked for must move as the same picture in the catalogue did.
    """
    return _decode(data, encoder, settings.max_image_pixels)


def _decode(data: bytes, encoder: Encoder, max_pixels: int) -> DecodedImage:
    return read_image(data, max_pixels=max_pixels, draft_to=min(draft_size(encoder.manifest)) // 2)


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of a product, stored. `pixels` is None where its embedding is there already."""

    sha256: str
    media_type: str
    width: int
    height: int
    bytes: int
    pixels: Pixels | None


@dataclass(frozen=True)
class Darkroom:
    """Reads pictures, stores them and prepares them for the tower. Thread-safe.

    `store` None: nothing is written and nothing prepared, only checked.
    """

    encoder: Encoder
    store: ImageStore | None
    settings: Settings

    def develop(self, take: Callable[[], bytes], known_sha256: str | None) -> Picture | None:
        """The picture that `take` gives, or None if it is the one that is known and embedded. Raises VitrineError."""
        data = take()
        limit = self.settings.max_upload_mb * MB
        if len(data) > limit:
            raise InvalidImage(
                f"The picture has {len(data) / MB:.1f} MB; the most is {limit // MB} (VITRINE_MAX_UPLOAD_MB)."
            )
        # A file that was lost from the store comes back with the next import that has it.
        if (
            known_sha256 is not None
            and digest(data) == known_sha256
            and (not self.store or self.store.holds(known_sha256))
        ):
            return None
        decoded = read_for_tower(data, self.encoder, self.settings)
        pixels = None
        if self.store is not None:
            pixels = self.encoder.prepare(decoded.image)
            self.store.put(decoded.sha256, decoded.media_type, data)
        return Picture(decoded.sha256, decoded.media_type, decoded.width, decoded.height, len(data), pixels)

    def develop_stored(self, sha256: str, media_type: str) -> Picture:
        """A picture from the store, to be embedded again. The settings' limits are for what comes in, and not for it.

        Raises NotFound where its file is lost, InvalidImage where it is damaged, StorageUnavailable.
        """
        if self.store is None:
            return Picture(sha256, media_type, 0, 0, 0, None)
        data = self.store.read(sha256, media_type)
        if digest(data) != sha256:
            raise InvalidImage("The picture's file is damaged: it does not hold what was stored.")
        decoded = _decode(data, self.encoder, MOST_PIXELS)
        pixels = self.encoder.prepare(decoded.image)
        return Picture(sha256, media_type, decoded.width, decoded.height, len(data), pixels)
