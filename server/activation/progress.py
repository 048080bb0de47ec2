"""How far an activation is, for whoever asks: another terminal, `vitrine doctor`, /readyz."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import psycopg

from server.activation.session import LOCK_KEYS, SQL, duration, how_to_end, name_holders


@dataclass(frozen=True)
class Progress:
    """The activation under way, or the last one.

    phase: fill, index, switch, done, or left (given up). filled, total: products. per_second:
    products, lately; None before the first. index_share: 0 to 1 while an index is built. process: of the database, that
    is at it; an activation that is not over and has none was interrupted. waits_for: so many rows that others hold.
    index_waits_for: a process of the database whose transaction has to end before the index can be finished.
    """

    name: str
    revision: str
    digest: str
    phase: str
    filled: int
    total: int
    per_second: float | None
    fill_seconds: float
    index_seconds: float
    started_at: datetime
    updated_at: datetime
    process: int | None
    waits_for: int
    index_share: float | None
    index_waits_for: int | None

    @property
    def running(self) -> bool:
        """Whether somebody is at it."""
        return self.process is not None

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to do."""
        return self.phase in ("done", "left")

    @property
    def seconds_left(self) -> float | None:
        """For the vectors that are still to be made, at the present rate."""
        if self.phase != "fill" or not self.per_second:
            return None
        return max(self.total - self.filled, 0) / self.per_second

    def sentence(self, names: Mapping[str, str], holders: str = "") -> str:
        """For people. names: what models are installed as, by digest. holders: of the rows that are waited for."""
        model = label(names, self.name, self.revision, self.digest)
        if self.phase == "done":
            return f"The last one, of {model}, is done."
        if self.phase == "left":
            return f"The last one, of {model}, was given up."
        doing = {
            "fill": f"{self.filled:,} of {self.total:,} products embedded" + self._rate(),
            "index": "all products embedded, building the index" + self._share(),
            "switch": "about to switch",
        }[self.phase]
        if self.process is None:
            return (
                f"The activation of {model} was interrupted: {doing}. Run it again: it goes on from there "
                f"(`vitrine models activate {names.get(self.digest, self.name)}`). Activating the model in use gives "
                "it up."
            )
        waits = (
            f" It waits for {self.waits_for:,} products, whose rows are held by {holders}." if self.waits_for else ""
        )
        if self.index_waits_for is not None:
            waits = f" The index waits for the transaction of process {self.index_waits_for} of the database."
        return f"Activating {model}: {doing}.{waits}"

    def _rate(self) -> str:
        left = self.seconds_left
        if left is None or self.per_second is None or not self.running:
            return ""
        return f", {self.per_second:.0f} a second, about {duration(left)} left"

    def _share(self) -> str:
        return "" if self.index_share is None else f" ({self.index_share:.0%} read)"


def label(names: Mapping[str, str], name: str, revision: str, digest: str) -> str:
    """A model for people: `ours (1)`, and where it is installed under another name, `default (vitrine-small 1)`."""
    installed = names.get(digest, name)
    return f"{name} ({revision})" if installed == name else f"{installed} ({name} {revision})"


def read_progress(connection: psycopg.Connection) -> Progress | None:
    """The activation under way, else the last one; None where there never was one."""
    row = connection.execute(SQL["progress"], LOCK_KEYS).fetchone()
    return None if row is None else Progress(*row)


def tell_progress(
    connection: psycopg.Connection, progress: Progress, names: Mapping[str, str], ending: bool = True
) -> str:
    """For people; see `Progress.sentence`. ending: with how to end it."""
    said = progress.sentence(names, name_holders(connection, readers=False) if progress.waits_for else "")
    if progress.process is None or progress.is_over or not ending:
        return said
    return f"{said} {how_to_end(progress.process)}"


def count_without_vector(connection: psycopg.Connection) -> int:
    """Live products that no words find, because the active model made no vector of them."""
    row = connection.execute(SQL["coverage"]).fetchone()
    return int(row[0]) if row else 0
