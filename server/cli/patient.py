"""What `vitrine doctor` examines, and the words in which a check answers."""

from dataclasses import dataclass
from enum import StrEnum

import psycopg

from server.db.engine import Database
from server.embedding.clip import ClipEncoder
from server.embedding.current import ActiveModel
from server.embedding.manifest import Manifest
from server.errors import VitrineError
from server.settings import Settings


class Status(StrEnum):
    """`warning` is worth a look and does not fail the command; `skipped` could not be looked at."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Finding:
    """One line of the report."""

    check: str
    status: Status
    message: str


@dataclass
class Patient:
    """What is examined. Checks put here what later checks need; what stays None was not reached."""

    settings: Settings
    database: Database | None = None
    connection: psycopg.Connection | None = None
    encoder: ClipEncoder | None = None
    active: ActiveModel | None = None
    schema_is_current: bool = False

    def close(self) -> None:
        """Let go of the database; an embedded one that was started for this stops."""
        if self.connection is not None:
            self.connection.close()
        if self.database is not None:
            self.database.close()

    @property
    def reached(self) -> psycopg.Connection:
        """The open connection. Raises NotReached."""
        if self.connection is None:
            raise NotReached("the database was not reached")
        return self.connection

    @property
    def filled(self) -> psycopg.Connection:
        """The open connection to a database whose tables are there. Raises NotReached."""
        connection = self.reached
        if not self.schema_is_current:
            raise NotReached("the schema is not current")
        return connection

    @property
    def manifest(self) -> Manifest:
        """The manifest of the database's model, or of the settings' where it has none. Raises NotReached."""
        if self.encoder is None:
            raise NotReached("the model was not found")
        return self.encoder.manifest


class NotReached(Exception):
    """A check needs what an earlier one did not find."""


class Unwell(VitrineError):
    """A check found something that has to be mended."""


class Doubtful(VitrineError):
    """A check found something worth a look."""
