"""A change to a product on its way through planning, embedding and writing."""

from concurrent.futures import Future
from dataclasses import dataclass

from server.catalog.change import Change, Refused
from server.catalog.picture import Picture
from server.catalog.stored import Stored
from server.embedding.encoder import Vector


@dataclass(slots=True)
class Draft:
    """A change on its way: what is stored, the picture that is being prepared, and the vector once it is made.

    model: key of the model that it was planned for.
    """

    change: Change
    stored: Stored | None
    model: int | None = None
    future: Future[Picture | None] | None = None
    picture: Picture | None = None
    text: str | None = None
    vector: Vector | None = None
    refused: Refused | None = None

    @property
    def image_sha256(self) -> str | None:
        """Digest of the picture that the product will have."""
        if self.picture is not None:
            return self.picture.sha256
        return self.stored.image_sha256 if self.stored is not None and not self.change.drops_picture else None

    @property
    def source(self) -> str | None:
        """What the new vector is made from; None where the stored one stays."""
        if self.text is not None:
            return "text"
        return "image" if self.picture is not None else None

    def is_outdated(self, now: Stored | None) -> bool:
        """Whether the picture or the embedding is another one by now than this was planned for."""
        if self.stored is None or now is None:
            return self.stored is not now
        # A title that this does not change may have been changed since it was embedded.
        is_renamed = self.text is not None and "title" not in self.change.values and now.values["title"] != self.text
        return is_renamed or not self.stored.placed_alike(now)


@dataclass
class Meter:
    """How long the towers ran, and for how many pictures and texts."""

    seconds: float = 0.0
    images: int = 0
    texts: int = 0
