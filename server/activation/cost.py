"""What another model would cost a shop: how many products are to be embedded, and how quickly that went before."""

from collections.abc import Iterable
from dataclasses import dataclass

import psycopg

from server.activation.session import SQL
from server.activation.slots import read_slots, what_is_lost
from server.catalog.picture_vectors import count_missing
from server.embedding.manifest import Manifest


@dataclass(frozen=True)
class Cost:
    """products: that would be embedded anew, and further pictures of theirs.

    per_second: so many were embedded, when it was measured here last; None: never.

    measured_with: the model that it was measured with, where that is another one. lost: what makes room for it.
    """

    products: int
    pictures: int
    per_second: float | None
    measured_with: str | None
    lost: str | None

    @property
    def seconds(self) -> float | None:
        """For all of them."""
        return (self.products + self.pictures) / self.per_second if self.per_second else None

    @property
    def milliseconds_each(self) -> float | None:
        """For one."""
        return 1000 / self.per_second if self.per_second else None


def read_costs(connection: psycopg.Connection, manifests: Iterable[Manifest]) -> dict[str, Cost]:
    """Digest -> cost, of each model but the active one."""
    slots = read_slots(connection)
    row = connection.execute(SQL["to_embed"]).fetchone()
    products, gaps, pictures = (0, 0, 0) if row is None else row
    rates = connection.execute(SQL["measured"]).fetchall()
    measured = {digest: rate for digest, _, rate in rates}
    # Of another model, where it was never measured itself: the newest.
    other_name, other_rate = rates[-1][1:] if rates else (None, None)
    costs = {}
    for manifest in manifests:
        if slots.active is not None and slots.active.digest == manifest.digest:
            continue
        own = measured.get(manifest.digest)
        costs[manifest.digest] = Cost(
            gaps if slots.holds(manifest) else products,
            count_missing(connection, slots.other.key) if slots.other and slots.holds(manifest) else pictures,
            other_rate if own is None else own,
            other_name if own is None else None,
            what_is_lost(slots, manifest),
        )
    return costs
