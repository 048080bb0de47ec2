"""Product pictures on disk: the original bytes, once, under their SHA-256, and thumbnails, made ahead or on demand.

A file appears whole or not at all: it is written under another name, flushed to the disk, and renamed. Two processes
that store the same picture at once write the same bytes, so whichever renames last changes nothing.
"""

import itertools
import os
import re
import threading
from pathlib import Path

from PIL import Image

from server.catalog.images import read_image
from server.errors import BadRequest, NotFound, StorageUnavailable

EXTENSIONS = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp", "image/gif": "gif"}
MEDIA_TYPES = {extension: media_type for media_type, extension in EXTENSIONS.items()}
THUMBNAIL_WIDTHS = (96, 320, 640)
THUMBNAIL_MEDIA_TYPE = "image/webp"
THUMBNAIL_QUALITY = 80
# A thumbnail of a tall picture is at most so many times as high as wide.
TALLEST = 2
# What is stored was checked when it came in, and the setting may have been lowered since.
MOST_PIXELS = 1_000_000_000

_DIGEST = re.compile(r"^[0-9a-f]{64}$")
_drafts = itertools.count()


class ImageStore:
    """Pictures under one folder, `ab/cd/abcd....jpg`. Thread-safe, and safe beside other processes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, sha256: str, media_type: str, data: bytes) -> bool:
        """Store a picture; returns whether it was not there. On return it survives a power cut.

        Raises StorageUnavailable with the system's reason (a full disk, say).
        """
        path = self._place(sha256, media_type)
        try:
            if path.is_file() and path.stat().st_size == len(data):
                return False
            _write_whole(path, data)
        except OSError as exc:
            raise StorageUnavailable(f"The picture cannot be stored in {self.folder}: {exc.strerror}.") from exc
        return True

    def holds(self, sha256: str) -> bool:
        """Whether a picture of this digest is stored, of whatever type."""
        return any(self._place(sha256, media_type).is_file() for media_type in EXTENSIONS)

    def path(self, sha256: str, media_type: str) -> Path:
        """File of a stored picture. Raises NotFound where there is none."""
        path = self._place(sha256, media_type)
        if not path.is_file():
            raise NotFound("There is no such picture.")
        return path

    def read(self, sha256: str, media_type: str) -> bytes:
        """Bytes of a stored picture. Raises NotFound where there is no such file, else StorageUnavailable."""
        try:
            return self._place(sha256, media_type).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            raise NotFound("The picture's file is not there.") from None
        except OSError as exc:
            raise StorageUnavailable(f"The picture cannot be read from {self.folder}: {exc.strerror}.") from exc

    def thumbnail(self, sha256: str, media_type: str, width: int) -> Path:
        """WebP file of a stored picture at most `width` wide, made on first use.

        `width` is one of THUMBNAIL_WIDTHS, else BadRequest: a stranger must not fill the disk. Raises NotFound,
        InvalidImage where what is stored is damaged, StorageUnavailable.
        """
        if width not in THUMBNAIL_WIDTHS:
            widths = ", ".join(map(str, THUMBNAIL_WIDTHS))
            raise BadRequest(f"There are thumbnails of {widths} pixels, none of {width}.")
        path = self._thumbnail_place(sha256, media_type, width)
        if not path.is_file():
            self._make_thumbnails(sha256, media_type, {width: path})
        return path

    def make_thumbnails(self, sha256: str, media_type: str) -> int:
        """Make all that a stored picture lacks, from one decoding; how many these were.

        Raises NotFound, InvalidImage, StorageUnavailable.
        """
        places = {width: self._thumbnail_place(sha256, media_type, width) for width in THUMBNAIL_WIDTHS}
        missing = {width: path for width, path in places.items() if not path.is_file()}
        if missing:
            self._make_thumbnails(sha256, media_type, missing)
        return len(missing)

    @property
    def thumbnail_folder(self) -> Path:
        """Holds a folder for each width; in it they lie as the originals do."""
        return self.folder / "thumbnails"

    def _thumbnail_place(self, sha256: str, media_type: str, width: int) -> Path:
        place = self._place(sha256, media_type)
        return self.thumbnail_folder / str(width) / place.parent.relative_to(self.folder) / f"{sha256}.webp"

    def _make_thumbnails(self, sha256: str, media_type: str, paths: dict[int, Path]) -> None:
        """Each from the next larger one, which is nearly what shrinking the original would give, and much quicker."""
        decoded = read_image(self.read(sha256, media_type), max_pixels=MOST_PIXELS, draft_to=max(paths))
        image = decoded.image
        for width in sorted(paths, reverse=True):
            image.thumbnail((width, TALLEST * width), Image.Resampling.LANCZOS)
            try:
                _write_thumbnail(image, paths[width])
            except OSError as exc:
                raise StorageUnavailable(f"A thumbnail cannot be stored in {self.folder}: {exc.strerror}.") from exc

    def _place(self, sha256: str, media_type: str) -> Path:
        if not _DIGEST.match(sha256) or media_type not in EXTENSIONS:
            raise NotFound("There is no such picture.")
        return self.folder / sha256[:2] / sha256[2:4] / f"{sha256}.{EXTENSIONS[media_type]}"


def _write_thumbnail(image: Image.Image, path: Path) -> None:
    draft = _draft_beside(path)
    try:
        image.save(draft, "WEBP", quality=THUMBNAIL_QUALITY)
        draft.replace(path)  # made again if lost, so nothing waits for the disk
    finally:
        draft.unlink(missing_ok=True)


def _write_whole(path: Path, data: bytes) -> None:
    draft = _draft_beside(path)
    try:
        with draft.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    # The name is in the folder's own data, which has to reach the disk too.
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _draft_beside(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.{next(_drafts)}")
