"""Pictures that a catalogue file names by path: beside it, or in the same zip. None may lead out of there."""

import lzma
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from server.catalog.values import shown
from server.errors import InvalidImage

PICTURE_SUFFIXES = frozenset((".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif"))

# What Python's zip reader raises for a member that is damaged, locked with a password or packed in an unknown way.
UNREADABLE_MEMBER = (
    zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError, ValueError, zlib.error, lzma.LZMAError,
)  # fmt: skip


class FolderPictures:
    """Pictures in the folder of the catalogue file, and below it. Symbolic links are followed as far as they stay."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()

    def read(self, path: str, limit: int) -> bytes:
        """See `Pictures`."""
        place = self._place(path)
        try:
            with place.open("rb") as file:
                return file.read(limit + 1)
        except (FileNotFoundError, NotADirectoryError):
            raise InvalidImage(f"There is no file {path} beside the catalogue file.") from None
        except OSError as exc:
            raise InvalidImage(f"{shown(path)} cannot be read: {exc.strerror}.") from exc

    def _place(self, path: str) -> Path:
        try:
            place = (self.folder / path.replace("\\", "/")).resolve()
        except (OSError, ValueError, RuntimeError):
            raise InvalidImage("This is not the path of a file.") from None
        if not place.is_relative_to(self.folder):
            raise InvalidImage(f"{path} leads out of the folder of the catalogue file.")
        try:
            is_something_else = place.exists() and not place.is_file()
        except OSError:  # a description in the picture's column is no path: "file name too long"
            raise InvalidImage(f"'{shown(path)}' is not the path of a file.") from None
        if is_something_else:
            raise InvalidImage(f"{path} is not a file.")
        return place


class ZipPictures:
    """Pictures in a zip, by paths that start at the folder of the catalogue file in it, or at the top."""

    def __init__(self, archive: zipfile.ZipFile, folder: PurePosixPath) -> None:
        self._archive = archive
        self._folder = folder

    def read(self, path: str, limit: int) -> bytes:
        """See `Pictures`. A member that claims to be small and is not is cut at the limit."""
        wanted = PurePosixPath(path.replace("\\", "/"))
        if wanted.is_absolute() or ".." in wanted.parts:
            raise InvalidImage(f"{path} leads out of the zip.")
        for candidate in (self._folder / wanted, wanted):
            try:
                with self._archive.open(str(candidate)) as member:
                    return member.read(limit + 1)
            except KeyError:
                continue
            except UNREADABLE_MEMBER as exc:
                raise InvalidImage(f"{path} cannot be taken out of the zip.") from exc
        raise InvalidImage(f"There is no file {path} in the zip.")
