"""An activation of a model as a worker runs it: begun by a button, stopped by one, taken up again after a kill."""

import datetime
import logging
from collections.abc import Callable
from dataclasses import dataclass

import psycopg

from server.activation.run import Activation
from server.db.named_sql import load
from server.embedding.clip import ClipEncoder
from server.embedding.registry import find_installed, open_encoder
from server.errors import ModelError, VitrineError
from server.jobs.names import ACTIVATE_MODEL
from server.services import Services
from server.settings import Settings

SQL = load(__file__, "jobs.sql")
log = logging.getLogger(__name__)


class Interrupted(VitrineError):
    """The activation was stopped. What was embedded is kept: activating the model again goes on from there."""

    code = "interrupted"


@dataclass(frozen=True)
class ActivationJob:
    """One that is not done. status: as of every job; by: who asked for it; reason: why its last try failed."""

    id: int
    status: str
    name: str
    digest: str
    by: str
    is_stopping: bool
    attempts: int
    scheduled_at: datetime.datetime | None
    reason: str | None

    @property
    def is_under_way(self) -> bool:
        """Whether it waits or runs."""
        return self.status in ("todo", "doing")


def find_job(connection: psycopg.Connection) -> ActivationJob | None:
    """One that waits or runs, else the last one that was given up or stopped; None where there is none."""
    row = connection.execute(SQL["activation"], {"name": ACTIVATE_MODEL}).fetchone()
    return None if row is None else ActivationJob(*row)


def activate(
    services: Services, name: str, digest: str, by: str, lost_by_title: bool, is_stopping: Callable[[], bool]
) -> str:
    """Make an installed model the active one; a word on what came of it. name: for people. by: who asked for it.

    Raises Interrupted where it is to stop, ModelError and Conflict with what to do, DatabaseUnavailable.
    """
    activation = Activation(
        services.database, _open(services.settings, name, digest), services.images, services.settings,
        lost_by_title=lost_by_title, actor=by, say=log.info, is_stopping=is_stopping,
    )  # fmt: skip
    try:
        summary = activation.run()
    except VitrineError as exc:
        if is_stopping():
            raise Interrupted from exc
        raise
    if summary.was_active:
        return f"{name} is active already"
    return f"{summary.filled} embedded"


def _open(settings: Settings, name: str, digest: str) -> ClipEncoder:
    """The model that somebody chose, if it is still the same. Raises ModelError."""
    found = find_installed(settings, digest)
    if found is None:
        raise ModelError(
            f'The model "{name}" is not installed where the worker runs, or was changed since. Install it with '
            "`vitrine models add`, and activate it again."
        )
    return open_encoder(found, settings)
