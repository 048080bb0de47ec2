"""What an import did."""

from dataclasses import dataclass, field
from pathlib import Path

from server.catalog.change import Action

# So many refusals are kept to be shown; the error file has them all.
MOST_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row that did not go in: where it stood, which field, and why."""

    place: str
    field: str
    reason: str


@dataclass
class ImportReport:
    """Counts of rows. `share` is how much of the source is done, 0 to 1; `tower_seconds` how long the towers ran."""

    dry_run: bool = False
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: int = 0
    without_sku: int = 0
    missing: int = 0
    hidden: int = 0
    not_hidden: str = ""
    images: int = 0
    texts: int = 0
    seconds: float = 0.0
    tower_seconds: float = 0.0
    share: float = 0.0
    errors: Path | None = None
    refusals: list[Refusal] = field(default_factory=list)

    @property
    def rows(self) -> int:
        """All rows that were met."""
        return self.created + self.updated + self.unchanged + self.refused

    @property
    def is_complete(self) -> bool:
        """Whether everything that was asked for was done."""
        return self.refused == 0 and not self.not_hidden

    def count(self, action: Action) -> None:
        """Add a row that went in or was there."""
        setattr(self, action, getattr(self, action) + 1)

    def refuse(self, place: str, sku: str | None, problems: tuple[tuple[str, str], ...]) -> None:
        """Add a row that did not go in."""
        self.refused += 1
        self.without_sku += sku is None
        if len(self.refusals) < MOST_SHOWN:
            reason = "; ".join(f"{name}: {reason}" if name else reason for name, reason in problems)
            self.refusals.append(Refusal(place, "; ".join(name for name, _ in problems if name), reason))
