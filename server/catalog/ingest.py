"""Imports a catalogue: rows stream in, pictures are prepared beside the tower, and each batch is one transaction.

A batch is committed when its pictures are on the disk and its embeddings are made, so an import that is killed has
done a beginning of the file and nothing by halves; running it again finds that unchanged and does the rest.
"""

import os
import time
import zipfile
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from server.catalog.active_model import find_model_in_use, use_model
from server.catalog.change import Outcome
from server.catalog.draft import Draft
from server.catalog.error_file import ErrorFile, default_path
from server.catalog.feeds.base import Feed, RawRow
from server.catalog.feeds.columns import ColumnMatcher
from server.catalog.feeds.fetch import Fetcher
from server.catalog.feeds.interpret import Interpreter, Reading
from server.catalog.feeds.opening import open_feeds
from server.catalog.image_store import ImageStore
from server.catalog.picture import MB, Darkroom
from server.catalog.report import ImportReport
from server.catalog.seen import SeenSkus, seen_skus
from server.catalog.writing import ProductWriter, writer_for
from server.db.engine import Database
from server.db.pace import FULL_SPEED, Pace
from server.embedding.current import CurrentEncoder
from server.embedding.encoder import Encoder
from server.errors import FeedError
from server.settings import Settings

# A batch ends at so many bytes, or rows (see Pace). Pictures that are files count nothing here: they are read when
# their turn comes.
BATCH_BYTES = 32 * MB
REFRESH_ROWS = 1_000  # from so many changes on, the planner is told at once
# Batches whose pictures are being prepared while the tower works on the one before.
AHEAD = 2


@dataclass(frozen=True)
class ImportOptions:
    """What the person asked for.

    columns: field -> column; chosen: column -> field, as ColumnMatcher has them. errors: the error file, if not beside
    the source; errors_in: the folder that it is made in, under a name of its own.
    """

    columns: dict[str, str] = field(default_factory=dict)
    chosen: dict[str, str | None] = field(default_factory=dict)
    whole: bool = False
    hide_despite_errors: bool = False
    dry_run: bool = False
    errors: Path | None = None
    errors_in: Path | None = None


@dataclass
class _Batch:
    feed: Feed
    readings: list[Reading]
    drafts: list[Draft]
    share: float


class Importer:
    """Imports into one database with its active model; one that is changed meanwhile is followed.

    `on_progress` is called after each batch; `may_hide(missing, of)` decides for an import of the whole catalogue;
    `pace`: how fast it may go.
    """

    def __init__(
        self,
        database: Database,
        encoder: Encoder | CurrentEncoder,
        images: ImageStore,
        settings: Settings,
        *,
        on_progress: Callable[[ImportReport], None] = lambda report: None,
        may_hide: Callable[[int, int], bool] = lambda missing, of: True,
        fetcher: Fetcher | None = None,
        pace: Pace | None = None,
    ) -> None:
        self._database = database
        self._current = CurrentEncoder.of(encoder)
        self._images = images
        self._settings = settings
        self._on_progress = on_progress
        self._may_hide = may_hide
        self._fetcher = fetcher or Fetcher()
        self._pace = pace or FULL_SPEED

    def run(self, path: Path, options: ImportOptions | None = None) -> ImportReport:
        """Import what is at `path`. Raises FeedError where it cannot be used, ModelError, DatabaseUnavailable."""
        options = options or ImportOptions()
        with open_feeds(path) as feeds, self._database.connection() as connection:
            matcher = ColumnMatcher(options.columns, options.chosen)
            interpreters = [Interpreter(feed, matcher, self._settings, self._fetcher) for feed in feeds]
            errors = self._error_file(path, feeds, matcher, options)
            with (
                ThreadPoolExecutor(self._settings.prepare_threads, "prepare") as pool,
                seen_skus(connection) as seen,
                closing(errors) if errors is not None else nullcontext(),
            ):
                writer = self._writer(connection, pool, options)
                run = _Run(connection, writer, seen, errors, options, self._on_progress, len(feeds), self._pace)
                try:
                    for feed, interpreter in zip(feeds, interpreters, strict=True):
                        run.import_feed(feed, interpreter)
                    if options.whole:
                        self._hide(seen, run.report, options)
                except BaseException:
                    pool.shutdown(wait=False, cancel_futures=True)
                    raise
                report = run.finish()
        if report.created + report.updated >= REFRESH_ROWS and not options.dry_run:
            self._database.refresh_statistics()
        return report

    def _writer(
        self, connection: psycopg.Connection, pool: ThreadPoolExecutor, options: ImportOptions
    ) -> ProductWriter:
        with connection.transaction():
            look_up = find_model_in_use if options.dry_run else use_model
            in_use = look_up(connection, self._current)
        store = None if options.dry_run else self._images
        darkroom = Darkroom(self._current.get().encoder, store, self._settings)
        return writer_for(in_use, self._current, darkroom, pool, self._settings.currency)

    def _error_file(
        self, path: Path, feeds: list[Feed], matcher: ColumnMatcher, options: ImportOptions
    ) -> ErrorFile | None:
        if options.errors is None and options.errors_in is None and options.dry_run:
            return None
        error_format = feeds[0].error_format if len(feeds) == 1 else "jsonl"
        if options.errors_in is not None:
            return ErrorFile(
                options.errors_in / f"errors.{error_format}", matcher, feeds, self._settings.max_upload_mb * MB
            )
        place = options.errors or self._default_errors(path.resolve(), error_format)
        if place.resolve() == path.resolve():
            raise FeedError(
                "The error file would be written over the file that is imported. Give --errors another name."
            )
        return ErrorFile(place, matcher, feeds, self._settings.max_upload_mb * MB)

    def _default_errors(self, source: Path, error_format: str) -> Path:
        """Beside the source; in the data directory where that folder cannot be written."""
        if os.access(source.parent, os.W_OK):
            return default_path(source, error_format)
        folder = self._settings.data_dir / "import-errors"
        folder.mkdir(parents=True, exist_ok=True)
        return default_path(folder / source.name, error_format)

    def _hide(self, seen: SeenSkus, report: ImportReport, options: ImportOptions) -> None:
        """Hide what the whole catalogue does not hold, if that is safe and wanted."""
        report.missing, of = seen.count_missing()
        if report.rows == 0:
            report.not_hidden = "the file has no rows"
        elif report.without_sku and not options.hide_despite_errors:
            report.not_hidden = (
                f"{report.without_sku} rows have no SKU that can be read, and their products would be hidden too. "
                "Put them right, or add --hide-despite-errors"
            )
        elif report.missing and not options.dry_run:
            if not self._may_hide(report.missing, of):
                report.not_hidden = "it was not confirmed"
                return
            for hidden in seen.hide_missing():
                report.hidden += hidden


class _Run:
    """One import under way."""

    def __init__(
        self,
        connection: psycopg.Connection,
        writer: ProductWriter,
        seen: SeenSkus,
        errors: ErrorFile | None,
        options: ImportOptions,
        on_progress: Callable[[ImportReport], None],
        feeds: int,
        pace: Pace,
    ) -> None:
        self.report = ImportReport(dry_run=options.dry_run)
        self._connection = connection
        self._writer = writer
        self._seen = seen
        self._errors = errors
        self._on_progress = on_progress
        self._feeds = feeds
        self._pace = pace
        self._feeds_done = 0
        self._began = time.perf_counter()
        self._under_way: deque[_Batch] = deque()

    def import_feed(self, feed: Feed, interpreter: Interpreter) -> None:
        """All rows of a feed. What was read before a damaged place goes in, then FeedError is raised."""
        try:
            for rows in _batches(feed, self._pace):
                self._under_way.append(self._begin(feed, interpreter, rows))
                if len(self._under_way) > AHEAD:
                    self._complete(self._under_way.popleft())
        except FeedError as exc:
            self._complete_all()
            went_in = f" What stood before went in ({self.report.rows:,} rows)." if self.report.rows else ""
            raise FeedError(exc.message + went_in) from exc
        self._complete_all()
        self._feeds_done += 1

    def finish(self) -> ImportReport:
        """The report."""
        self._measure()
        if self._errors is not None and self._errors.written:
            self.report.errors = self._errors.path
        return self.report

    def _begin(self, feed: Feed, interpreter: Interpreter, rows: list[RawRow]) -> _Batch:
        """Check the rows and start to prepare their pictures."""
        readings = [interpreter.read(row, self._place(feed, row)) for row in rows]
        first_here: dict[str, str] = {}
        for reading in readings:
            if reading.sku is not None:
                first_here.setdefault(reading.sku, self._place(feed, reading.row))
        first = self._seen.see(first_here) if first_here else {}
        readings = [self._refuse_second(feed, reading, first) for reading in readings]
        changes = [reading.change for reading in readings if reading.change is not None]
        drafts = self._writer.plan(self._connection, changes) if changes else []
        return _Batch(feed, readings, drafts, feed.share_read())

    def _refuse_second(self, feed: Feed, reading: Reading, first: dict[str, str]) -> Reading:
        if reading.sku is None or first[reading.sku] == self._place(feed, reading.row):
            return reading
        problem = ("sku", f"{reading.sku} stands in {first[reading.sku]} already")
        return Reading(reading.row, reading.sku, None, (*reading.problems, problem))

    def _place(self, feed: Feed, row: RawRow) -> str:
        return (row.name or f"row {row.number}") + (f" of {feed.name}" if self._feeds > 1 else "")

    def _complete(self, batch: _Batch) -> None:
        """Embed and write a batch, and report it."""
        self._writer.embed(batch.drafts)
        judge = self.report.dry_run
        written = self._writer.judge(batch.drafts) if judge else self._writer.write(self._connection, batch.drafts)
        outcomes = {outcome.sku: outcome for outcome in written}
        for reading in batch.readings:
            if reading.change is None:
                self._refuse(batch.feed, reading, reading.problems)
            else:
                self._count(batch.feed, reading, outcomes[reading.change.sku])
        if self._errors is not None:
            self._errors.flush()
        self.report.share = (self._feeds_done + batch.share) / self._feeds
        self._measure()
        self._on_progress(self.report)
        self._pace.rest()

    def _complete_all(self) -> None:
        while self._under_way:
            self._complete(self._under_way.popleft())

    def _count(self, feed: Feed, reading: Reading, outcome: Outcome) -> None:
        if outcome.action == "refused":
            self._refuse(feed, reading, ((outcome.field, outcome.reason),))
        else:
            self.report.count(outcome.action)

    def _refuse(self, feed: Feed, reading: Reading, problems: tuple[tuple[str, str], ...]) -> None:
        self.report.refuse(self._place(feed, reading.row), reading.sku, problems)
        if self._errors is not None:
            self._errors.write(feed, reading.row, problems)

    def _measure(self) -> None:
        meter = self._writer.meter
        self.report.seconds = time.perf_counter() - self._began
        self.report.tower_seconds, self.report.images, self.report.texts = meter.seconds, meter.images, meter.texts


def _batches(feed: Feed, pace: Pace) -> Iterator[list[RawRow]]:
    """Rows in batches; what a damaged zip or disk raises while they are read becomes FeedError."""
    batch: list[RawRow] = []
    size = number = 0
    most = pace.rows
    rows = feed.rows()
    while True:
        try:
            row = next(rows, None)
        except (OSError, EOFError, zipfile.BadZipFile, zlib.error) as exc:
            if batch:
                yield batch
            raise FeedError(f"{feed.name} is damaged after row {number}.") from exc
        except FeedError:
            if batch:
                yield batch
            raise
        if row is None:
            break
        number = row.number
        batch.append(row)
        size += sum(len(cell) for cell in row.cells.values() if isinstance(cell, bytes | str))
        if len(batch) >= most or size >= BATCH_BYTES:
            yield batch
            batch, size, most = [], 0, pace.rows
    if batch:
        yield batch
