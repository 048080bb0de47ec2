"""CSV, as people and spreadsheets write it: any of four separators, a BOM, quoted line breaks, a broken row here and
there. A row that cannot be read is reported and the next one is read; that is why records are put together here, line
by line, rather than by handing the file to the csv module.
"""

import csv
import re
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import PurePath
from typing import BinaryIO, Literal

from server.catalog.feeds.base import Pictures, RawRow
from server.errors import FeedError

DELIMITERS = (",", ";", "\t", "|")
UTF8_BOM = b"\xef\xbb\xbf"
UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")

# A picture may stand in a cell as a data: URL, so lines may be long; beyond this it is no CSV.
LONGEST_LINE = 48 * 1024 * 1024
# How far a quotation mark that is never closed is looked after before it is held for a mistake in its own row.
LONGEST_QUOTE = 200_000
MOST_QUOTED_LINES = 2_000

WRONG_ENCODING = (
    "is not UTF-8 text. The error file shows it as it reads in Windows-1252: check it there, or save the file as UTF-8"
)

_BARE_RETURN = re.compile(rb"(?<=\r)(?!\n)")
_SEP_HINT = re.compile(r'^"?sep=(.)"?\s*$')


class CsvFeed:
    """A CSV file, open in binary. Raises FeedError where there is no header that can be read."""

    row_means = "line of the file"
    error_format: Literal["csv", "jsonl"] = "csv"

    def __init__(self, file: BinaryIO, name: str, size: int, pictures: Pictures) -> None:
        self.name = name
        self.pictures = pictures
        self._size = max(1, size)
        self._lines = _Lines(file)
        # A cell may hold a picture; the csv module's own limit is 128 kB.
        csv.field_size_limit(LONGEST_LINE)
        self._delimiter = _default_delimiter(name)
        self.columns: tuple[str, ...] = tuple(self._read_header())

    def share_read(self) -> float:
        """By bytes."""
        return min(1.0, self._lines.bytes_read / self._size)

    def rows(self) -> Iterator[RawRow]:
        """One row a record; its number is the line of the file that it begins in, the header being line 1."""
        while (record := self._record()) is not None:
            row = self._row(*record)
            if row is not None:
                yield row

    def _row(self, number: int, cells: list[str] | None, raw: str) -> RawRow | None:
        if cells is None:
            return RawRow(number, {}, ("", "a quotation mark that opens here is never closed"), raw)
        while len(cells) > len(self.columns) and not cells[-1].strip():
            cells.pop()
        if not any(cell.strip() for cell in cells):
            return None
        if len(cells) != len(self.columns):
            reason = f"has {len(cells)} values, but the header names {len(self.columns)} columns"
            named = dict(zip(self.columns, map(_readable, cells), strict=False))
            return RawRow(number, named, ("", reason), _readable(raw))
        named = dict(zip(self.columns, cells, strict=True))
        for column, cell in named.items():
            if _has_wrong_bytes(cell):
                readable = {name: _readable(text) for name, text in named.items()}
                return RawRow(number, readable, (column, WRONG_ENCODING))
        return RawRow(number, named)

    def _record(self) -> tuple[int, list[str] | None, str] | None:
        """(first line's number, cells or None where a quotation mark stays open, text), or None at the end.

        A record that does not close, or that has another number of cells than the header and runs over several lines,
        is held for one broken line: the lines after it are read again on their own.
        """
        taken = _Taken(self._lines)
        number = self._lines.number + 1
        try:
            cells = next(csv.reader(taken, delimiter=self._delimiter))
        except StopIteration:
            return None
        except (csv.Error, _TooLong):
            cells = None
        if taken.ended or (cells is not None and len(taken.lines) > 1 and len(cells) != self._width()):
            cells = None
        if cells is None:
            self._lines.put_back(taken.lines[1:])
            return number, None, _readable(taken.lines[0]) if taken.lines else ""
        return number, cells, "".join(taken.lines)

    def _width(self) -> int:
        return len(self.columns) if hasattr(self, "columns") else -1

    def _read_header(self) -> list[str]:
        first = self._lines.peek()
        if first.startswith(tuple(bom.decode("utf-8", "surrogateescape") for bom in UTF16_BOMS)):
            raise FeedError(f"{self.name} is UTF-16. Save it as UTF-8 (in a spreadsheet: CSV UTF-8).")
        if hint := _SEP_HINT.match(first):
            self._lines.take()
            self._delimiter = hint.group(1)
        while (line := self._lines.peek()) and not line.strip():
            self._lines.take()
        if not hint:
            self._delimiter = _sniff(line, self._delimiter)
        taken = _Taken(self._lines)
        header: list[str] = []
        with suppress(StopIteration, csv.Error, _TooLong):
            cells = next(csv.reader(taken, delimiter=self._delimiter))
            # A quotation mark that stays open would swallow the rows.
            header = [] if taken.ended else [cell.strip() for cell in cells]
        if any(_has_wrong_bytes(cell) or "\0" in cell for cell in header):
            raise FeedError(f"The header of {self.name} is not UTF-8 text. Save the file as CSV UTF-8.")
        while header and not header[-1]:
            header.pop()
        if not header:
            raise FeedError(f"{self.name} has no header: its first line must name the columns.")
        return _distinct(header, self.name)


class _TooLong(Exception):
    """A record goes on for longer than any real one."""


class _Lines:
    """Lines of a file as text, with those that were put back. Bytes that are not UTF-8 become surrogates."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._ready: deque[str] = deque()
        self.number = 0
        self.bytes_read = 0

    def peek(self) -> str:
        """The next line without taking it; empty at the end."""
        self._fill()
        return self._ready[0] if self._ready else ""

    def take(self) -> str:
        """The next line with its line break; empty at the end."""
        self._fill()
        if not self._ready:
            return ""
        self.number += 1
        return self._ready.popleft()

    def put_back(self, lines: Sequence[str]) -> None:
        """Have these come again."""
        self._ready.extendleft(reversed(lines))
        self.number -= len(lines)

    def _fill(self) -> None:
        if self._ready:
            return
        line = self._file.readline(LONGEST_LINE)
        if self.bytes_read == 0:
            line = line.removeprefix(UTF8_BOM)
        self.bytes_read += len(line)
        if len(line) == LONGEST_LINE:
            raise FeedError(f"A line is longer than {LONGEST_LINE // 1024**2} MB: this is not a CSV file.")
        # Old Macintosh files end their lines with a bare carriage return.
        parts = _BARE_RETURN.split(line) if line.count(b"\r") > line.endswith(b"\r\n") else [line]
        self._ready.extend(part.decode("utf-8", "surrogateescape") for part in parts if part)


class _Taken:
    """The lines that one record takes, as csv.reader asks for them."""

    def __init__(self, lines: _Lines) -> None:
        self._source = lines
        self._length = 0
        self.lines: list[str] = []
        self.ended = False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self.lines and (self._length > LONGEST_QUOTE or len(self.lines) > MOST_QUOTED_LINES):
            raise _TooLong
        line = self._source.take()
        if not line:
            # csv.reader asks for more within a record only while a quotation mark is open.
            self.ended = bool(self.lines)
            raise StopIteration
        if self.lines:
            self._length += len(line)
        self.lines.append(line)
        return line


def _default_delimiter(name: str) -> str:
    return "\t" if PurePath(name).suffix.lower() in (".tsv", ".tab") else ","


def _sniff(header: str, default: str) -> str:
    """The separator that the header has most of, outside quotation marks."""
    bare = re.sub(r'"[^"]*"', "", header)
    counts = {delimiter: bare.count(delimiter) for delimiter in (default, *DELIMITERS)}
    best = max(counts, key=lambda delimiter: counts[delimiter])
    return best if counts[best] else default


def _distinct(header: list[str], name: str) -> list[str]:
    """Unnamed columns get a name of blanks, which nothing matches; the same name twice is refused."""
    columns: list[str] = []
    for position, column in enumerate(header):
        if column and column in columns:
            raise FeedError(f"{name} has two columns {column!r}. Rename one.")
        columns.append(column or " " * (position + 1))
    return columns


def _has_wrong_bytes(text: str) -> bool:
    return not text.isascii() and any("\udc80" <= character <= "\udcff" for character in text)


def _readable(text: str) -> str:
    """Text whose undecodable bytes are read as Windows-1252, the likeliest other encoding."""
    if not _has_wrong_bytes(text):
        return text
    return text.encode("utf-8", "surrogateescape").decode("cp1252", "replace")
