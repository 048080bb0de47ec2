"""The file of a backup: a tar that is written and read from its beginning to its end, in constant memory.

vitrine-backup.json     what it is: versions, revision, model, how many products
secret_key              where it was asked for
database/000000, ...    pg_dump's custom format, in parts, since nobody knows its length before it is made
images/ab/cd/....jpg    pictures under their SHA-256, as in the image store
end.json                digests and counts of all that comes before; without it the file is not whole
"""

import hashlib
import io
import re
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from server.errors import BackupError

FORMAT = 1
MANIFEST, SECRET_KEY, END = "vitrine-backup.json", "secret_key", "end.json"
PART_BYTES = 8 * 1024 * 1024
READ_BYTES = 1024 * 1024
# What is no picture and no part of the database is small.
MOST_SMALL_BYTES = 1024 * 1024

_PART = re.compile(r"^database/\d{6,}$")
_PICTURE = re.compile(r"^images/([0-9a-f]{2})/([0-9a-f]{2})/(\1\2[0-9a-f]{60})\.(jpg|png|webp|gif)$")


class Model(BaseModel):
    """The model that the products were embedded by."""

    model_config = ConfigDict(frozen=True)

    name: str
    revision: str
    digest: str


class Manifest(BaseModel):
    """What a backup says of itself. postgres: major version of the server; programs: of the pg_dump that wrote it."""

    model_config = ConfigDict(frozen=True)

    format: int
    vitrine: str
    made_at: str
    revision: str
    postgres: int
    programs: int
    products: int
    model: Model | None


class End(BaseModel):
    """digests: SHA-256 of each part but the pictures, whose names tell theirs. lost: pictures whose files were gone or
    damaged when the backup was made."""

    model_config = ConfigDict(frozen=True)

    digests: dict[str, str]
    pictures: int
    picture_bytes: int
    lost: int


class Writer:
    """Puts a backup into an open file, part by part."""

    def __init__(self, file: IO[bytes]) -> None:
        self._tar = tarfile.open(fileobj=file, mode="w", format=tarfile.GNU_FORMAT)  # noqa: SIM115  (see `end`)
        self._digests: dict[str, str] = {}
        self._pictures = self._picture_bytes = 0

    def put_small(self, name: str, data: bytes) -> None:
        """The manifest or the secret key."""
        self._add(name, data)
        self._digests[name] = hashlib.sha256(data).hexdigest()

    def put_database(self, dump: IO[bytes]) -> None:
        """All that a program writes, until it ends."""
        whole, number = hashlib.sha256(), 0
        while part := dump.read(PART_BYTES):
            self._add(f"database/{number:06d}", part)
            whole.update(part)
            number += 1
        self._digests["database"] = whole.hexdigest()

    def put_picture(self, place: str, data: bytes) -> None:
        """place: below the image store's folder."""
        self._add(f"images/{place}", data)
        self._pictures += 1
        self._picture_bytes += len(data)

    def end(self, lost: int) -> End:
        """What makes the file whole."""
        end = End(digests=self._digests, pictures=self._pictures, picture_bytes=self._picture_bytes, lost=lost)
        self._add(END, end.model_dump_json().encode())
        self._tar.close()
        return end

    def _add(self, name: str, data: bytes) -> None:
        member = tarfile.TarInfo(name)
        member.size, member.mode = len(data), 0o600
        self._tar.addfile(member, io.BytesIO(data))
        _forget_members(self._tar)


class Archive:
    """A backup that somebody gave. Every method reads the file anew, from its beginning."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def manifest(self) -> Manifest:
        """What it says of itself, unverified. Raises BackupError where the file is none of ours."""
        with self._reading():
            for name, file in self._members():
                if name == MANIFEST:
                    return self._parse_manifest(file.read(MOST_SMALL_BYTES))
                break
        raise BackupError(f"{self.path} is not a backup of Vitrine.")

    def verify(self) -> End:
        """Read all of it and compare every digest. Raises BackupError where something is damaged or not there."""
        found: dict[str, str] = {}
        database, pictures, picture_bytes = hashlib.sha256(), 0, 0
        with self._reading():
            for name, file in self._members():
                if name == END:
                    end = End.model_validate_json(file.read(MOST_SMALL_BYTES))
                    if (found | {"database": database.hexdigest()}, pictures, picture_bytes) != (
                        end.digests,
                        end.pictures,
                        end.picture_bytes,
                    ):
                        raise self._damaged("its parts are not those that it was made of")
                    return end
                if _PART.match(name):
                    _digest(file, database)
                elif picture := _PICTURE.match(name):
                    picture_bytes += self._verify_picture(name, picture[3], file)
                    pictures += 1
                elif name in (MANIFEST, SECRET_KEY):
                    found[name] = hashlib.sha256(file.read(MOST_SMALL_BYTES)).hexdigest()
                else:
                    raise self._damaged(f"{name[:80]!r} does not belong into it")
        raise self._damaged("its end is not there")

    def database(self) -> Iterator[bytes]:
        """The dump, in pieces."""
        with self._reading():
            for name, file in self._members():
                if _PART.match(name):
                    while piece := file.read(READ_BYTES):
                        yield piece
                elif name.startswith("images/"):
                    return

    def pictures(self) -> Iterator[tuple[str, str, bytes]]:
        """Digest, extension and bytes of each."""
        with self._reading():
            for name, file in self._members():
                if picture := _PICTURE.match(name):
                    yield picture[3], picture[4], file.read()

    def listed_pictures(self) -> Iterator[tuple[str, str, int]]:
        """Digest, extension and size of each, without reading them."""
        with self._reading(), tarfile.open(self.path, "r:") as tar:
            while (member := tar.next()) is not None:
                _forget_members(tar)
                if picture := _PICTURE.match(member.name):
                    yield picture[3], picture[4], member.size

    def secret_key(self) -> str | None:
        """The key that signs cursors and sessions; None where it is not in the backup."""
        with self._reading():
            for name, file in self._members():
                if name == SECRET_KEY:
                    return file.read(MOST_SMALL_BYTES).decode()
                if name != MANIFEST:
                    break
        return None

    def _verify_picture(self, name: str, expected: str, file: IO[bytes]) -> int:
        digest = hashlib.sha256()
        size = _digest(file, digest)
        if digest.hexdigest() != expected:
            raise self._damaged(f"the picture {name} is not what it was")
        return size

    def _parse_manifest(self, data: bytes) -> Manifest:
        try:
            made_as = orjson.loads(data)["format"]
        except (orjson.JSONDecodeError, KeyError, TypeError) as exc:
            raise self._damaged("what it says of itself cannot be read") from exc
        if made_as != FORMAT:
            raise BackupError(
                f"{self.path} was made by a newer Vitrine, in a form that this one does not know. Install that version."
            )
        return Manifest.model_validate_json(data)

    def _members(self) -> Iterator[tuple[str, IO[bytes]]]:
        """Names and contents, in order. What is no plain file ends as damage."""
        with tarfile.open(self.path, "r:") as tar:
            while (member := tar.next()) is not None:
                _forget_members(tar)
                file = tar.extractfile(member) if member.isreg() else None
                if file is None:
                    raise self._damaged(f"{member.name[:80]!r} is no plain file")
                yield member.name, file

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except tarfile.ReadError as exc:
            if str(exc).startswith(("unexpected end", "empty file")):
                raise self._damaged("its end is not there") from exc
            raise BackupError(f"{self.path} is not a backup of Vitrine, or its beginning is damaged.") from exc
        except (tarfile.TarError, ValidationError, UnicodeDecodeError) as exc:
            raise self._damaged("what it says of itself cannot be read") from exc
        except OSError as exc:
            raise BackupError(f"{self.path} cannot be read: {exc.strerror or exc}.") from exc

    def _damaged(self, how: str) -> BackupError:
        return BackupError(
            f"{self.path} is damaged or was not copied as a whole: {how}. Nothing was changed; take another backup."
        )


def _forget_members(tar: tarfile.TarFile) -> None:
    """Its list of all members would grow with the shop. Nothing public empties it, and nothing here reads it."""
    tar.members = []  # type: ignore[attr-defined]


def _digest(file: IO[bytes], into: "hashlib._Hash") -> int:
    """Digest the rest of a file; its size."""
    size = 0
    while piece := file.read(READ_BYTES):
        into.update(piece)
        size += len(piece)
    return size
