"""Opens what a person names: a file, a folder or a zip."""

import io
import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Literal, cast

from server.catalog.feeds.base import Feed, Pictures, RawRow
from server.catalog.feeds.csv_feed import CsvFeed
from server.catalog.feeds.jsonl_feed import JsonlFeed
from server.catalog.feeds.parquet_feed import ParquetFeed
from server.catalog.feeds.pictures import PICTURE_SUFFIXES, UNREADABLE_MEMBER, FolderPictures, ZipPictures
from server.errors import FeedError

CSV_SUFFIXES = frozenset((".csv", ".tsv", ".tab"))
JSONL_SUFFIXES = frozenset((".jsonl", ".ndjson", ".json"))
PARQUET_SUFFIXES = frozenset((".parquet", ".pq"))
SPREADSHEET_SUFFIXES = frozenset((".xlsx", ".xlsm", ".xls", ".ods", ".numbers"))
FEED_SUFFIXES = CSV_SUFFIXES | JSONL_SUFFIXES | PARQUET_SUFFIXES
FORMATS = (
    "CSV (.csv, .tsv), JSON Lines (.jsonl, .ndjson), Parquet (.parquet), or a folder or .zip of these with pictures"
)

# What an earlier import wrote beside a feed is no feed of its folder.
_ERROR_FILE = re.compile(r"\.errors(\.\d+)?\.(csv|jsonl)$")
_ERROR_PICTURES = re.compile(r"\.errors(\.\d+)?\.pictures$")


class PictureFeed:
    """A folder or zip of pictures alone: the file's name is the SKU, and the title of a product that is new."""

    row_means = "picture, counted from 1 in the order of their paths"
    error_format: Literal["csv", "jsonl"] = "csv"
    columns: tuple[str, ...] = ("sku", "title", "image")

    def __init__(self, name: str, paths: Sequence[str], pictures: Pictures) -> None:
        self.name = name
        self.pictures = pictures
        self._paths = paths
        self._rows_read = 0

    def share_read(self) -> float:
        """By pictures."""
        return self._rows_read / max(1, len(self._paths))

    def rows(self) -> Iterator[RawRow]:
        """One row a picture."""
        for number, path in enumerate(self._paths, start=1):
            self._rows_read = number
            stem = PurePosixPath(path).stem
            title = re.sub(r"[\s_-]+", " ", stem).strip() or stem
            yield RawRow(number, {"sku": stem, "image": path}, defaults={"title": title}, name=path)


@contextmanager
def open_feeds(path: Path) -> Iterator[list[Feed]]:
    """The feeds at `path`: one for a file, one or more for a folder or a zip. Closed at the end.

    Raises FeedError with a sentence where there is nothing to import.
    """
    with ExitStack() as stack:
        if path.is_dir():
            yield _open_folder(path, stack)
        elif not path.is_file():
            raise FeedError(f"There is no file or folder {path}.")
        elif path.suffix.lower() == ".zip":
            yield _open_zip(path, stack)
        elif path.suffix.lower() in PICTURE_SUFFIXES:
            yield [PictureFeed(path.name, [path.name], FolderPictures(path.parent))]
        else:
            yield [_open_file(path, path.name, FolderPictures(path.parent), stack)]


def _open_file(path: Path, name: str, pictures: Pictures, stack: ExitStack) -> Feed:
    try:
        file = stack.enter_context(path.open("rb"))
    except OSError as exc:
        raise FeedError(f"{name} cannot be read: {exc.strerror}.") from exc
    return _feed(file, name, path.stat().st_size, pictures)


def _feed(file: BinaryIO, name: str, size: int, pictures: Pictures) -> Feed:
    suffix = PurePosixPath(name).suffix.lower()
    if size == 0:
        raise FeedError(f"{name} is empty.")
    if suffix in CSV_SUFFIXES:
        return CsvFeed(file, name, size, pictures)
    if suffix in JSONL_SUFFIXES:
        return JsonlFeed(file, name, size, pictures)
    if suffix in PARQUET_SUFFIXES:
        return ParquetFeed(file, name, pictures)
    if suffix in SPREADSHEET_SUFFIXES:
        raise FeedError(
            f"{name} is a spreadsheet, which is not read. Save it in the spreadsheet as CSV UTF-8 (File, Save as), or "
            "export it as Parquet, and import that file."
        )
    raise FeedError(f"{name} is in no format that Vitrine reads: {FORMATS}.")


def _open_folder(folder: Path, stack: ExitStack) -> list[Feed]:
    paths = sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file() and not path.is_symlink()
    )
    feeds, pictures = _sorted_out(paths)
    if feeds:
        # A path in a feed starts at the feed's own folder; all must stay in the folder that was named.
        return [
            _open_file(folder / name, name, _BelowFolder(folder, PurePosixPath(name).parent), stack) for name in feeds
        ]
    if pictures:
        return [PictureFeed(folder.name, pictures, FolderPictures(folder))]
    raise FeedError(f"There is nothing to import in {folder}: no {FORMATS}, and no pictures.")


class _BelowFolder:
    """Paths that start at a feed's folder, or at the top of the folder that was named."""

    def __init__(self, top: Path, below: PurePosixPath) -> None:
        self._pictures = FolderPictures(top)
        self._top = top
        self._below = below

    def read(self, path: str, limit: int) -> bytes:
        """See `Pictures`."""
        near = str(self._below / path.replace("\\", "/"))
        try:
            is_near = (self._top / near).exists()
        except (OSError, ValueError):
            is_near = False
        return self._pictures.read(near if is_near else path, limit)


def _open_zip(path: Path, stack: ExitStack) -> list[Feed]:
    try:
        archive = stack.enter_context(zipfile.ZipFile(path))
    except (zipfile.BadZipFile, OSError, NotImplementedError) as exc:
        raise FeedError(f"{path.name} is not a zip that can be read.") from exc
    members = {member.filename: member for member in archive.infolist() if not member.is_dir()}
    feeds, pictures = _sorted_out(sorted(members))
    if feeds:
        return [_open_member(archive, members[name], stack) for name in feeds]
    if pictures:
        return [PictureFeed(path.name, pictures, ZipPictures(archive, PurePosixPath()))]
    raise FeedError(f"There is nothing to import in {path.name}: no {FORMATS}, and no pictures.")


def _open_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, stack: ExitStack) -> Feed:
    name = member.filename
    pictures = ZipPictures(archive, PurePosixPath(name).parent)
    try:
        file = stack.enter_context(archive.open(member))
        if PurePosixPath(name).suffix.lower() in PARQUET_SUFFIXES:
            # Parquet is read from its end; a compressed member can only be read from its beginning.
            unpacked = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115  (the stack closes it)
            shutil.copyfileobj(file, unpacked)
            return _feed(cast(BinaryIO, unpacked), name, member.file_size, pictures)
        return _feed(cast(BinaryIO, io.BufferedReader(file)), name, member.file_size, pictures)
    except UNREADABLE_MEMBER as exc:
        raise FeedError(f"{name} cannot be taken out of the zip.") from exc


def _sorted_out(paths: Sequence[str]) -> tuple[list[str], list[str]]:
    """(feeds, pictures) among them; hidden files and what macOS adds are neither, nor are error files."""
    seen = [path for path in paths if not _is_clutter(PurePosixPath(path))]
    feeds = [path for path in seen if PurePosixPath(path).suffix.lower() in FEED_SUFFIXES]
    pictures = [path for path in seen if PurePosixPath(path).suffix.lower() in PICTURE_SUFFIXES]
    return feeds, pictures


def _is_clutter(path: PurePosixPath) -> bool:
    return (
        any(part.startswith(".") or part == "__MACOSX" or _ERROR_PICTURES.search(part) for part in path.parts)
        or ".." in path.parts
        or path.is_absolute()
        or _ERROR_FILE.search(path.name) is not None
    )
