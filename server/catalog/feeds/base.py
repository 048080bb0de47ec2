"""What every format gives: rows of cells under the file's own column names, and the pictures that they point at."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

# Columns of an error file, left out when it is imported again.
ERROR_FILE, ERROR_ROW, ERROR_FIELD = "error_file", "error_row", "error_field"
ERROR_REASON, ERROR_RAW = "error_reason", "error_raw"
ERROR_COLUMNS = (ERROR_FILE, ERROR_ROW, ERROR_FIELD, ERROR_REASON, ERROR_RAW)


@dataclass(frozen=True, slots=True)
class RawRow:
    """A row as the file has it.

    number: as a person counts it (see `Feed.row_means`). cells: column -> value. problem: (column or "", reason) where
    the row could not be read; `cells` then holds what could. raw: the text of such a row, where there is one.
    defaults: fields (not columns) for a product that is new only. name: what it is called in messages, where that says
    more than its number does.
    """

    number: int
    cells: Mapping[str, Any]
    problem: tuple[str, str] | None = None
    raw: str = ""
    defaults: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""


class Pictures(Protocol):
    """Where the paths in a picture column lead. Thread-safe."""

    def read(self, path: str, limit: int) -> bytes:
        """Bytes of the picture at `path`, at most `limit` + 1 of them. Raises InvalidImage."""


class Feed(Protocol):
    """One open file. `rows()` may be called once."""

    name: str
    row_means: str
    error_format: Literal["csv", "jsonl"]
    pictures: Pictures

    @property
    def columns(self) -> tuple[str, ...] | None:
        """The file's own column names; None where rows may differ."""

    def rows(self) -> Iterator[RawRow]:
        """The rows in order, read as they are asked for."""

    def share_read(self) -> float:
        """How much of the file was read, 0 to 1."""
