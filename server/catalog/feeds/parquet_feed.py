"""Parquet, read a few rows at a time. Pictures may be bytes in a column."""

from collections.abc import Iterator
from typing import Any, BinaryIO, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from server.catalog.feeds.base import Pictures, RawRow
from server.errors import FeedError

# Each may hold a picture of many megabytes.
BATCH_ROWS = 16
# Without a buffer of its own size pyarrow reads a whole row group's column at once, pictures and all.
BUFFER_BYTES = 1024 * 1024


class ParquetFeed:
    """A Parquet file. Raises FeedError where it is none."""

    row_means = "row, counted from 1"
    error_format: Literal["csv", "jsonl"] = "csv"

    def __init__(self, file: BinaryIO, name: str, pictures: Pictures) -> None:
        self.name = name
        self.pictures = pictures
        self._rows_read = 0
        try:
            self._file = pq.ParquetFile(file, buffer_size=BUFFER_BYTES, pre_buffer=False)
        except (pa.ArrowException, OSError) as exc:
            raise FeedError(f"{name} is not a Parquet file that can be read.") from exc
        self.columns: tuple[str, ...] = tuple(self._file.schema_arrow.names)
        if len(set(self.columns)) != len(self.columns):
            raise FeedError(f"{name} has two columns of one name. Rename one.")

    def share_read(self) -> float:
        """By rows."""
        return self._rows_read / max(1, int(self._file.metadata.num_rows))

    def rows(self) -> Iterator[RawRow]:
        """One row a row. Raises FeedError where the file is damaged farther down."""
        batches = self._file.iter_batches(batch_size=BATCH_ROWS, use_threads=False)
        while (batch := self._next(batches)) is not None:
            for cells in _records(batch):
                self._rows_read += 1
                yield RawRow(self._rows_read, cells)

    def _next(self, batches: Iterator[pa.RecordBatch]) -> pa.RecordBatch | None:
        try:
            return next(batches, None)
        except (pa.ArrowException, OSError) as exc:
            raise FeedError(f"{self.name} is damaged after row {self._rows_read}.") from exc


def _records(batch: pa.RecordBatch) -> Iterator[dict[str, Any]]:
    """Rows of a batch. A text cell that is not UTF-8 stays bytes rather than stopping the file."""
    columns = {}
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        try:
            columns[name] = column.to_pylist()
        except UnicodeDecodeError:
            columns[name] = column.cast(pa.large_binary()).to_pylist()
    for position in range(batch.num_rows):
        yield {name: values[position] for name, values in columns.items()}
