"""The rows that an import refused, in a file that can be put right and imported again as it is.

It holds the columns of the catalogue, and more that say where the row stood and why it was refused; an import leaves
those out. Pictures that were bytes, or in a zip, or in another folder, are written into a folder beside it.
"""

import csv
import datetime
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

import orjson

from server.catalog.feeds.base import ERROR_FIELD, ERROR_FILE, ERROR_RAW, ERROR_REASON, ERROR_ROW, Feed, RawRow
from server.catalog.feeds.columns import ColumnMatcher
from server.catalog.feeds.pictures import FolderPictures
from server.errors import FeedError, InvalidImage

# With a mark at the beginning, without which Excel takes a CSV file for Windows-1252 and shows accents wrongly.
SPREADSHEET = "utf-8-sig"
_MAGIC = {b"\xff\xd8\xff": "jpg", b"\x89PNG": "png", b"GIF8": "gif", b"RIFF": "webp"}


def default_path(source: Path, error_format: str) -> Path:
    """`products.csv.errors.csv` beside `products.csv`, or `....errors.2.csv`: what is there may be half corrected."""
    first = source.with_name(f"{source.name}.errors.{error_format}")
    path, number = first, 1
    while path.exists():
        number += 1
        path = source.with_name(f"{source.name}.errors.{number}.{error_format}")
    return path


class ErrorFile:
    """Opened when the first row is refused. Not thread-safe."""

    def __init__(self, path: Path, matcher: ColumnMatcher, feeds: Sequence[Feed], picture_limit: int) -> None:
        self.path = path
        self.written = 0
        self._matcher = matcher
        self._limit = picture_limit
        self._many = len(feeds) > 1
        self._lines = path.suffix.lower() == ".jsonl"
        self._file: IO[str] | None = None
        if path.suffix.lower() not in (".csv", ".jsonl"):
            raise FeedError("The error file has to be importable: give --errors a name that ends in .csv or .jsonl.")
        if not self._lines and (self._many or any(feed.columns is None for feed in feeds)):
            raise FeedError("These rows may have different columns: give --errors a name that ends in .jsonl.")

    def write(self, feed: Feed, row: RawRow, problems: Sequence[tuple[str, str]]) -> None:
        """Add a refused row. Raises FeedError where the file cannot be written."""
        record = {ERROR_ROW: row.number, ERROR_FIELD: "; ".join(field for field, _ in problems if field)}
        record[ERROR_REASON] = "; ".join(f"{field}: {reason}" if field else reason for field, reason in problems)
        if row.raw:
            record[ERROR_RAW] = row.raw
        if self._many:
            record[ERROR_FILE] = feed.name
        try:
            cells = {**row.cells, **row.defaults, **self._pictures(feed, row)}
            self._write({**cells, **record}, feed)
        except OSError as exc:
            raise FeedError(f"The error file {self.path} cannot be written: {exc.strerror}.") from exc
        self.written += 1

    def flush(self) -> None:
        """Have what was written reach the file, also if this process is killed."""
        if self._file is not None:
            self._file.flush()

    def close(self) -> None:
        """Close the file, if it was opened."""
        if self._file is not None:
            self._file.close()

    def _write(self, record: dict[str, Any], feed: Feed) -> None:
        if self._file is None:
            self._file = self.path.open(
                "x" if not self.path.exists() else "w", encoding="utf-8" if self._lines else SPREADSHEET, newline=""
            )
            if not self._lines:
                csv.writer(self._file).writerow(self._header(feed))
        if self._lines:
            self._file.write(orjson.dumps(_plain(record)).decode() + "\n")
        else:
            csv.writer(self._file).writerow([_cell(record.get(column)) for column in self._header(feed)])

    def _header(self, feed: Feed) -> list[str]:
        own = [column for column in feed.columns or () if column.strip()]
        added = [ERROR_ROW, ERROR_FIELD, ERROR_REASON, ERROR_RAW]
        return [column for column in own if column not in added] + added

    def _pictures(self, feed: Feed, row: RawRow) -> dict[str, str]:
        """The picture's column as it has to read in the error file, where it changes."""
        try:
            fields = self._matcher.match(tuple(row.cells))
        except FeedError:
            return {}
        for column, field in fields.items():
            if field != "image":
                continue
            data = self._bytes(feed, row.cells[column])
            if data is None:
                return {}
            folder = self.path.with_suffix(".pictures")
            folder.mkdir(exist_ok=True)
            name = f"{row.number}.{_extension(data)}"
            (folder / name).write_bytes(data)
            return {column: f"{folder.name}/{name}"}
        return {}

    def _bytes(self, feed: Feed, cell: Any) -> bytes | None:
        """Bytes that the error file cannot point at where they are; None: the cell may stay as it is."""
        if isinstance(cell, Mapping):
            cell = cell.get("bytes")
        if isinstance(cell, bytes):
            return cell
        if not isinstance(cell, str) or not cell.strip() or ":" in cell.split("/")[0]:
            return None
        if isinstance(feed.pictures, FolderPictures) and feed.pictures.folder == self.path.parent.resolve():
            return None
        try:
            return feed.pictures.read(cell.strip(), self._limit)
        except InvalidImage:
            return None


def _extension(data: bytes) -> str:
    return next((extension for magic, extension in _MAGIC.items() if data.startswith(magic)), "bin")


def _cell(value: Any) -> str:
    if value is None or isinstance(value, bytes):
        return ""
    if isinstance(value, str | int | float | Decimal):
        return str(value)
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return orjson.dumps(_plain(value)).decode()


def _plain(value: Any) -> Any:
    """As JSON can hold it, whatever it is: an error file must not fail over what made the row fail."""
    if isinstance(value, Mapping):
        return {_plain(str(key)): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if value is None or isinstance(value, bool | float) or (isinstance(value, int) and abs(value) < 2**63):
        return value
    if isinstance(value, bytes):
        return None
    return str(value)
