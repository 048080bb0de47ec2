"""Where the files of imports lie: a folder for each, in the data directory. They arrive in parts and in any order."""

import fcntl
import os
import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from server.errors import Conflict, InvalidInput, NotFound, StorageUnavailable
from server.settings import Settings

FOLDER = "uploads"
SOURCE = "source"
# Of the file with the refused rows; an import puts the ending behind it.
ERRORS = "errors"
MOST_FILES = 100_000
LONGEST_PATH = 1_000
LONGEST_NAME = 200
# What is left free on the disk for the database and the pictures.
RESERVE_BYTES = 500 * 1024 * 1024
_UNWANTED = re.compile(r"[\x00-\x1f\x7f]")


class WrongOffset(Conflict):
    """The part does not follow what is here already. `received` says where it has to begin."""

    def __init__(self, received: int) -> None:
        self.received = received
        super().__init__(f"There are {received} bytes of this file here; go on there.")


def safe_path(told: str) -> PurePosixPath:
    """A path below a folder, whatever a client says. Raises InvalidInput."""
    path = PurePosixPath(told.replace("\\", "/"))
    parts = path.parts
    if (
        not parts
        or path.is_absolute()
        or len(told) > LONGEST_PATH
        or any(part in ("..", ".") or len(part.encode("utf-8", "replace")) > LONGEST_NAME for part in parts)
        or _UNWANTED.search(told)
        or any(":" in part for part in parts)
    ):
        raise InvalidInput(f"The file name {told[:80]!r} cannot be used. Rename the file, and send it again.")
    try:
        told.encode()
    except UnicodeEncodeError:
        raise InvalidInput("The file name is no Unicode text. Rename the file, and send it again.") from None
    return path


@dataclass(frozen=True)
class UploadStore:
    """The folders of all imports."""

    root: Path

    @classmethod
    def of(cls, settings: Settings) -> "UploadStore":
        return cls(settings.data_dir / FOLDER)

    def folder(self, run: int) -> Path:
        """Of one import."""
        return self.root / str(run)

    def source(self, run: int) -> Path:
        """What is to be imported: the file that was sent, or the folder where there are several. Raises NotFound."""
        top = self.folder(run) / SOURCE
        entries = sorted(top.iterdir()) if top.is_dir() else []
        if not entries:
            raise NotFound("The file of this import is gone. Send it again.")
        return entries[0] if len(entries) == 1 else top

    def make(self, run: int) -> None:
        """An empty folder. After a restore of an older database, another run may have had this number."""
        self.delete(run)
        (self.folder(run) / SOURCE).mkdir(parents=True, exist_ok=True)

    def receive(self, run: int, told: str, offset: int, parts: Iterable[bytes], room: int) -> int:
        """Put a part of a file behind what is here; how many bytes there are now.

        room: bytes that may come. Raises InvalidInput, WrongOffset, StorageUnavailable.
        """
        path = self.folder(run) / SOURCE / safe_path(told)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("ab") as file, _alone(file.fileno()):
                received = file.tell()
                if offset != received:
                    raise WrongOffset(received)
                self._append(file.fileno(), parts, room)
                return os.fstat(file.fileno()).st_size
        except (NotADirectoryError, IsADirectoryError, FileExistsError) as exc:
            raise InvalidInput(f"{told} is a file and a folder at once.") from exc
        except OSError as exc:
            raise StorageUnavailable(
                "The file cannot be stored. Look at the disk of the data directory, then go on with the upload."
            ) from exc

    def _append(self, descriptor: int, parts: Iterable[bytes], room: int) -> None:
        """What a broken connection has brought stays: the next part begins behind it."""
        for part in parts:
            room -= len(part)
            if room < 0:
                raise InvalidInput("There comes more of the file than was announced. Begin the upload again.")
            if shutil.disk_usage(self.root).free < RESERVE_BYTES:
                raise StorageUnavailable("The disk of the server is nearly full. Make room, then go on.")
            view = memoryview(part)
            while view:
                view = view[os.write(descriptor, view) :]

    def received(self, run: int) -> dict[str, int]:
        """Bytes of each file that is here, by path."""
        top = self.folder(run) / SOURCE
        return {path.relative_to(top).as_posix(): path.stat().st_size for path in top.rglob("*") if path.is_file()}

    def error_files(self, run: int) -> list[Path]:
        """The rows that were refused: a file, or none."""
        return [
            path for path in (self.folder(run) / f"{ERRORS}{suffix}" for suffix in (".csv", ".jsonl")) if path.is_file()
        ]

    def error_archive(self, run: int) -> Path:
        """The same; where pictures belong to it, a zip of both, which can be imported as it is. Raises NotFound."""
        found = self.error_files(run)
        if not found:
            raise NotFound("This import has no error file: no row was refused.")
        pictures = found[0].with_suffix(".pictures")
        if not pictures.is_dir():
            return found[0]
        archive = found[0].with_suffix(".zip")
        descriptor, name = tempfile.mkstemp(dir=archive.parent)
        os.close(descriptor)
        draft = Path(name)
        with zipfile.ZipFile(draft, "w") as file:
            # Named so that an import takes it for a feed again.
            file.write(found[0], f"refused{found[0].suffix}", zipfile.ZIP_DEFLATED)
            for picture in sorted(pictures.iterdir()):
                file.write(picture, f"{pictures.name}/{picture.name}")
        return draft.replace(archive)

    def clear_errors(self, run: int) -> None:
        """Before it is run again."""
        for path in self.error_files(run):
            shutil.rmtree(path.with_suffix(".pictures"), ignore_errors=True)
            path.with_suffix(".zip").unlink(missing_ok=True)
            path.unlink()

    def delete(self, run: int) -> None:
        """Take all of an import away."""
        shutil.rmtree(self.folder(run), ignore_errors=True)


@contextmanager
def _alone(descriptor: int) -> Iterator[None]:
    """Two tabs that send the same file do not mix their parts."""
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
