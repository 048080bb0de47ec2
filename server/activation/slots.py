"""The two places for vectors in `product`: the active model's, and the one for a candidate or the previous model."""

from dataclasses import dataclass

import psycopg

from server.activation import dependants
from server.activation.session import SQL, Waits, run_locked
from server.embedding.manifest import Manifest
from server.errors import ModelError

# pgvector's HNSW takes no longer halfvec.
LARGEST_DIMENSION = 4_000
# Both vectors stand in the row, and a row in a page of 8 kB; measured in docs/layout.md, with room for the columns that
# came since.
LARGEST_BOTH = 3_900


@dataclass(frozen=True)
class StoredModel:
    """A model of this database. state: active, candidate or previous."""

    key: int
    name: str
    revision: str
    digest: str
    dimension: int
    state: str


@dataclass(frozen=True)
class Slots:
    """Whose vectors the two places hold; None: nobody's."""

    active: StoredModel | None
    other: StoredModel | None
    other_dimension: int

    def holds(self, manifest: Manifest) -> bool:
        """Whether the other place is this model's."""
        fits = self.other_dimension == manifest.dimension
        return self.other is not None and self.other.digest == manifest.digest and fits


def read_slots(connection: psycopg.Connection) -> Slots:
    """Whose vectors are where."""
    models = [StoredModel(*row) for row in connection.execute(SQL["models"])]
    dimension = connection.execute(SQL["other_dimension"]).fetchone()
    active = next((model for model in models if model.state == "active"), None)
    other = next((model for model in models if model.state != "active"), None)
    return Slots(active, other, 0 if dimension is None else int(dimension[0]))


def check_fits(slots: Slots, manifest: Manifest) -> None:
    """Raises ModelError for vectors that are too long to be indexed, or to stand beside the active ones in a row."""
    if manifest.dimension > LARGEST_DIMENSION:
        raise ModelError(
            f"The model {manifest.name} makes vectors of {manifest.dimension:,} numbers; an index takes at most "
            f"{LARGEST_DIMENSION:,}."
        )
    beside = 0 if slots.active is None else slots.active.dimension
    if beside + manifest.dimension > LARGEST_BOTH:
        raise ModelError(
            f"Vectors of {manifest.dimension:,} numbers do not fit beside the active model's {beside:,}: a row has "
            f"room for {LARGEST_BOTH:,} in all. Start with an empty database, and import the products into it."
        )


def check_owner(connection: psycopg.Connection) -> None:
    """Raises ModelError where this role may not change the table `product`, which shows only at the first ALTER."""
    row = connection.execute(SQL["ownership"]).fetchone()
    if row is not None and not row[2]:
        owner, role = row[:2]
        raise ModelError(
            f"The table product belongs to the role {owner}, and only its owner can change the model. Connect as "
            f"{owner}, or run GRANT {owner} TO {role} as an administrator."
        )


def what_is_lost(slots: Slots, manifest: Manifest) -> str | None:
    """A sentence about the vectors that make room for this model's; None where none do."""
    if slots.other is None or slots.holds(manifest):
        return None
    name = slots.other.name
    if slots.other.state == "previous":
        return f"From now on there is no way back to {name}: its vectors make room for those of {manifest.name}."
    return f"The activation of {name} is given up: its vectors make room for those of {manifest.name}."


def take_slot(connection: psycopg.Connection, slots: Slots, manifest: Manifest, waits: Waits | None = None) -> int:
    """Make the other place this model's, if it is not; returns the model's key. What it held goes.

    waits: notes for how long searches were kept from the table.
    """
    if slots.other is not None and slots.holds(manifest):
        key = slots.other.key
        with connection.transaction():
            _begin(connection, key)
        return key
    columns = ("name", "revision", "precision", "dimension", "digest")
    values = {column: getattr(manifest, column) for column in columns}

    def empty() -> int:
        dependants.check_droppable(connection)
        keep = dependants.capture_rights(connection, dependants.OTHER)
        connection.execute(SQL["empty_other_slot"].replace("{dimension}", str(manifest.dimension)))
        for statement in keep:
            connection.execute(statement)
        connection.execute(SQL["retire_others"])
        row = connection.execute(SQL["register_candidate"], values).fetchone()
        if row is None:
            raise AssertionError("an upsert returns its row")
        _begin(connection, int(row[0]))
        return int(row[0])

    return run_locked(connection, empty, waits)


def _begin(connection: psycopg.Connection, key: int) -> None:
    connection.execute(SQL["leave_others"], {"model": key})
    connection.execute(SQL["begin_activation"], {"model": key})
