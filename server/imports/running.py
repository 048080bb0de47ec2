"""One import, as a worker runs it. It may be killed at any moment and begun again: what is in is then unchanged."""

import logging
import time
from collections.abc import Callable
from contextlib import suppress

import psycopg

from server.catalog.ingest import REFRESH_ROWS, Importer, ImportOptions
from server.catalog.report import ImportReport
from server.db.engine import translated_errors
from server.db.pace import Pace
from server.errors import FeedError, NotFound, VitrineError
from server.imports import runs
from server.imports.runs import SQL, Run, State
from server.imports.store import UploadStore
from server.search.refresh import refresh_search
from server.services import Services

# How often the page hears of it.
TELL_SECONDS = 0.5
log = logging.getLogger(__name__)


class Interrupted(VitrineError):
    """The worker was stopped in the middle. Another one begins again; what is in stays as it is."""

    code = "interrupted"


class _Cancelled(Exception):
    """Somebody wants it to stop."""


class _Taken(Exception):
    """This worker was taken for dead, and another one is at it: what it says from here on is of no interest."""


def run_import(services: Services, number: int, is_stopping: Callable[[], bool] = lambda: False) -> str:
    """Run one; a word on what came of it.

    Raises Interrupted where the worker ends, and whatever may be better at another try (DatabaseUnavailable,
    ModelError, StorageUnavailable); what no second try can mend is noted in the record instead.
    """
    with services.database.connection() as connection:
        begun = connection.execute(SQL["begin"], {"id": number}).fetchone()
        if begun is None:
            connection.execute(SQL["end_cancelled"], {"id": number})
            return "it was cancelled"
        run = runs.find(connection, number)
    teller = _Teller(services, run, is_stopping)
    try:
        with teller:
            report = _import(services, run, teller)
    except _Taken:
        return "another worker has begun with it"
    except _Cancelled:
        _end(services, run, State.CANCELLED, teller.report)
        return "cancelled"
    except (FeedError, NotFound) as exc:
        _end(services, run, State.FAILED, teller.report, exc.message)
        return "failed"
    except VitrineError as exc:
        with suppress(VitrineError), services.database.connection() as connection:
            connection.execute(SQL["again"], {"id": number, "starts": run.starts, "problem": exc.message})
        raise
    _end(services, run, State.DONE, report)
    if not report.dry_run and report.created + report.updated >= REFRESH_ROWS:
        refresh_search(services.database)
    return f"{report.rows} rows"


def give_up(services: Services, number: int, reason: str) -> None:
    """No worker tries it again."""
    with services.database.connection() as connection:
        run = runs.find(connection, number)
    _end(services, run, State.FAILED, None, reason)


def forget_old(services: Services, days: int) -> int:
    """Delete imports that nobody has touched for so long, with their files; how many."""
    store = UploadStore.of(services.settings)
    with services.database.connection() as connection:
        old = [row[0] for row in connection.execute(SQL["old"], {"days": days})]
        for number in old:
            runs.delete(connection, number)
    for number in old:
        store.delete(number)
    return len(old)


class _Teller:
    """Writes down how far an import is, and hears whether it is to stop.

    On a connection of its own: the import holds one of the pool, which may be the last.
    """

    def __init__(self, services: Services, run: Run, is_stopping: Callable[[], bool]) -> None:
        self.report: ImportReport | None = None
        self._database = services.database
        self._run = run
        self._is_stopping = is_stopping
        self._told = 0.0
        self._connection: psycopg.Connection | None = None

    def __enter__(self) -> "_Teller":
        return self

    def __exit__(self, *_: object) -> None:
        if self._connection is not None:
            self._connection.close()

    def hear(self, report: ImportReport) -> None:
        """After each batch. Raises Interrupted, _Cancelled, _Taken."""
        self.report = report
        if self._is_stopping():
            raise Interrupted
        now = time.monotonic()
        if now - self._told < TELL_SECONDS:
            return
        self._told = now
        parameters = {"id": self._run.id, "starts": self._run.starts, "report": runs.report_as_json(report)}
        with translated_errors():
            if self._connection is None:
                self._connection = psycopg.connect(
                    self._database.url, autocommit=True, application_name=self._database.name
                )
            row = self._connection.execute(SQL["progress"], parameters).fetchone()
        if row is None:
            raise _Taken
        if row[0]:
            raise _Cancelled


def _import(services: Services, run: Run, teller: _Teller) -> ImportReport:
    store = UploadStore.of(services.settings)
    source = store.source(run.id)
    # A try before this one may have refused rows already.
    store.clear_errors(run.id)
    with Pace.of(services.database) as pace:
        importer = Importer(
            services.database,
            services.current,
            services.images,
            services.settings,
            on_progress=teller.hear,
            pace=pace,
        )
        options = ImportOptions(
            chosen=run.columns, whole=run.whole, dry_run=run.dry_run, errors_in=store.folder(run.id)
        )
        return importer.run(source, options)


def _end(services: Services, run: Run, state: State, report: ImportReport | None, problem: str | None = None) -> None:
    parameters = {
        "id": run.id,
        "starts": run.starts,
        "state": state,
        "report": None if report is None else runs.report_as_json(report),
        "problem": problem,
        "error_file": next((path.name for path in UploadStore.of(services.settings).error_files(run.id)), None),
    }
    with services.database.connection() as connection:
        connection.execute(SQL["end"], parameters)
