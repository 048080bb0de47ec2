"""A look at a file before it is imported: its columns, what they are taken for, and its first rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from server.catalog.feeds.base import RawRow
from server.catalog.feeds.columns import LEFT_OUT, SYNONYMS, ColumnMatcher
from server.catalog.feeds.opening import open_feeds
from server.catalog.feeds.parquet_feed import ParquetFeed
from server.errors import FeedError, InvalidInput

ROWS = 5
# Of a file whose rows may differ or be broken, so many are looked at for columns and for what will be refused.
ROWS_LOOKED_AT = 200
MOST_REFUSED = 3
LONGEST_SHOWN = 80
FIELDS = tuple(SYNONYMS)
# What a page sends for a column that becomes an attribute.
ATTRIBUTE = "attribute"


@dataclass(frozen=True)
class Column:
    """One column: what it is taken for (None: an attribute), and its values in the first rows, shortened."""

    name: str
    field: str | None
    samples: tuple[str, ...]


@dataclass(frozen=True)
class Preview:
    """names: of the feeds that were found; all else is of the first.

    numbers: of the rows that the samples are from, as an import counts them, which row_means explains. looked_at: how
    many rows were read. refused: (number, sentence) of those among them that no choice of columns makes readable.
    """

    names: tuple[str, ...]
    columns: tuple[Column, ...]
    numbers: tuple[int, ...]
    row_means: str
    looked_at: int
    refused: tuple[tuple[int, str], ...]

    @property
    def shown_refused(self) -> tuple[tuple[int, str], ...]:
        """The first of them."""
        return self.refused[:MOST_REFUSED]

    @property
    def has_pictures_alone(self) -> bool:
        """Whether file names are all there is to read."""
        return [column.name for column in self.columns] == ["sku", "title", "image"] and len(self.names) == 1


def read_preview(path: Path) -> Preview:
    """What stands at the beginning. Raises FeedError where the file cannot be used."""
    with open_feeds(path) as feeds:
        feed = feeds[0]
        looked_at = 0
        shown: list[RawRow] = []
        refused: list[tuple[int, str]] = []
        names = dict.fromkeys(feed.columns or ())
        # A row of a Parquet file may hold a picture, and none is broken by itself.
        for row in islice(feed.rows(), ROWS if isinstance(feed, ParquetFeed) else ROWS_LOOKED_AT):
            looked_at += 1
            if feed.columns is None:
                names |= dict.fromkeys(row.cells)
            if len(shown) < ROWS:
                shown.append(row)
            if row.problem is not None:
                column, reason = row.problem
                refused.append((row.number, f"{column}: {reason}" if column else reason))
        fields = guess(tuple(names))
        columns = tuple(
            Column(name, fields[name], tuple(_sample(row.cells.get(name)) for row in shown))
            for name in names
            if name in fields
        )
        return Preview(
            names=tuple(one.name for one in feeds),
            columns=columns,
            numbers=tuple(row.number for row in shown),
            row_means=feed.row_means,
            looked_at=looked_at,
            refused=tuple(refused),
        )


def guess(columns: Sequence[str]) -> Mapping[str, str | None]:
    """What each column is taken for; columns that an import leaves out are not in it.

    Where two mean the same field, the first has it: somebody looks at it and decides.
    """
    matcher = ColumnMatcher()
    try:
        return matcher.match(tuple(columns))
    except FeedError:
        taken: set[str] = set()
        result: dict[str, str | None] = {}
        for column in columns:
            for name, field in matcher.match((column,)).items():
                result[name] = None if field in taken else field
                if field is not None:
                    taken.add(field)
        return result


def chosen_columns(preview: Preview, told: Mapping[str, str]) -> dict[str, str | None]:
    """What a page says of each column -> the choice, as ColumnMatcher takes it. Raises InvalidInput.

    told: column -> a field, ATTRIBUTE or "" for one that is left out. Columns that it does not name are left as they
    were guessed.
    """
    result: dict[str, str | None] = {}
    holders: dict[str, str] = {}
    for column in preview.columns:
        choice = told.get(column.name, column.field or ATTRIBUTE)
        if choice in (ATTRIBUTE, LEFT_OUT):
            result[column.name] = None if choice == ATTRIBUTE else LEFT_OUT
            continue
        if choice not in FIELDS:
            raise InvalidInput(f"There is no field {choice[:40]!r}.")
        if choice in holders:
            raise InvalidInput(f"{holders[choice]} and {column.name} cannot both be the {choice}. Choose one of them.")
        holders[choice] = column.name
        result[column.name] = choice
    if "sku" not in holders:
        raise InvalidInput("Choose the column that holds the SKU: products are told apart by it.")
    return result


def _sample(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, Mapping) and isinstance(cell.get("bytes"), bytes):
        cell = cell["bytes"]
    if isinstance(cell, bytes):
        return f"({len(cell):,} bytes)"
    text = str(cell)
    return text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 1] + "…"
