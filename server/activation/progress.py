"""How far an activation is, for whoever asks: another terminal, `vitrine doctor`, /readyz."""

from dataclasses import dataclass
from datetime import datetime

import psycopg

from server.activation.session import ACTIVATION_LOCK, SQL


@dataclass(frozen=True)
class Progress:
    """The activation under way, or the last one.

    phase: fill, index, switch, done, or left (given up). filled, total: products. per_second:
    products, lately; None before the first. index_share: 0 to 1 while an index is built. running: a process is at it;
    an activation that is not over and not running was interrupted.
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
    running: bool
    index_share: float | None

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

    @property
    def sentence(self) -> str:
        """For people."""
        model = f"{self.name} ({self.revision})"
        if self.phase == "done":
            return f"The last one, of {model}, is done."
        if self.phase == "left":
            return f"The last one, of {model}, was given up."
        doing = {
            "fill": f"{self.filled:,} of {self.total:,} products embedded" + self._rate(),
            "index": "all products embedded, building the index" + self._share(),
            "switch": "about to switch",
        }[self.phase]
        if not self.running:
            return (
                f"The activation of {model} was interrupted: {doing}. Run it again: it goes on from there. Activating "
                "the model in use gives it up."
            )
        return f"Activating {model}: {doing}."

    def _rate(self) -> str:
        left = self.seconds_left
        if left is None or self.per_second is None or not self.running:
            return ""
        return f", {self.per_second:.0f} a second, about {_duration(left)} left"

    def _share(self) -> str:
        return "" if self.index_share is None else f" ({self.index_share:.0%} read)"


def read_progress(connection: psycopg.Connection) -> Progress | None:
    """The activation under way, else the last one; None where there never was one."""
    key = {"high": ACTIVATION_LOCK >> 32, "low": ACTIVATION_LOCK & 0xFFFF_FFFF}
    row = connection.execute(SQL["progress"], key).fetchone()
    return None if row is None else Progress(*row)


def count_without_vector(connection: psycopg.Connection) -> int:
    """Live products that no words find, because the active model made no vector of them."""
    row = connection.execute(SQL["coverage"]).fetchone()
    return int(row[0]) if row else 0


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 5_400 else f"{seconds / 3600:.1f} hours"
