"""JSON Lines: an object a line, whose keys are the columns. Rows may differ in them."""

from collections.abc import Iterator
from typing import Any, BinaryIO, Literal

import orjson

from server.catalog.feeds.base import ERROR_RAW, Pictures, RawRow
from server.catalog.feeds.csv_feed import WRONG_ENCODING
from server.errors import FeedError

LONGEST_LINE = 48 * 1024 * 1024
UTF8_BOM = b"\xef\xbb\xbf"


class JsonlFeed:
    """A JSON Lines file, open in binary."""

    row_means = "line of the file"
    error_format: Literal["csv", "jsonl"] = "jsonl"
    columns = None

    def __init__(self, file: BinaryIO, name: str, size: int, pictures: Pictures) -> None:
        self.name = name
        self.pictures = pictures
        self._file = file
        self._size = max(1, size)
        self._bytes_read = 0

    def share_read(self) -> float:
        """By bytes."""
        return min(1.0, self._bytes_read / self._size)

    def rows(self) -> Iterator[RawRow]:
        """One row a line that is not blank. Raises FeedError where the file is one JSON array."""
        number = 0
        while line := self._file.readline(LONGEST_LINE):
            self._bytes_read += len(line)
            number += 1
            if number == 1:
                line = line.removeprefix(UTF8_BOM)
                if line.lstrip().startswith(b"["):
                    raise FeedError(
                        f"{self.name} holds all products as one JSON list, within [ and ]. Vitrine reads JSON Lines, "
                        "where each product stands on a line of its own, without brackets and commas around: export it "
                        "as JSON Lines or CSV. Where jq is at hand, it does that: jq -c '.[]' FILE > FILE.jsonl"
                    )
            if len(line) == LONGEST_LINE and not line.endswith(b"\n"):
                raise FeedError(f"Line {number} is longer than {LONGEST_LINE // 1024**2} MB.")
            if line.strip():
                yield _row(number, line.strip())


def _row(number: int, line: bytes) -> RawRow:
    try:
        text = line.decode()
    except UnicodeDecodeError:
        guess = line.decode("cp1252", "replace")
        return RawRow(number, _object(guess) or {}, ("", WRONG_ENCODING), guess)
    cells = _object(text)
    if cells is None:
        return RawRow(number, {}, ("", "is not a JSON object"), text)
    if isinstance(cells.get(ERROR_RAW), str) and "sku" not in cells:
        # A line of an error file that could not be read: it may have been put right where it is shown.
        corrected = _object(cells[ERROR_RAW])
        if corrected is None:
            return RawRow(number, {}, ("", "is not a JSON object"), cells[ERROR_RAW])
        cells = corrected
    return RawRow(number, cells)


def _object(text: str) -> dict[str, Any] | None:
    try:
        value = orjson.loads(text)
    except (orjson.JSONDecodeError, UnicodeEncodeError):
        return None
    return value if isinstance(value, dict) else None
