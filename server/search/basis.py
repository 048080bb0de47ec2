"""Principal components of a catalogue's embeddings: what a product is sketched by, and how unusual a similarity is.

A sketch is the product's embedding along the first AXES axes. Among 20,000 products that a filter leaves, the ten
nearest are among the first 200 by sketch in 99.5 of 100 cases; by a sign of each of 512 numbers, in two thirds of them
(docs/layout.md). The same components tell mean and deviation of a query's cosine over the catalogue, without looking
at any product: the mean is q . center, the variance is the sum of variance_j (q . axis_j)^2.
"""

import logging
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import psycopg
from numpy.typing import NDArray
from pgvector import HalfVector
from pgvector import Vector as StoredVector
from psycopg import sql

from server.db.engine import Database, translated_errors
from server.db.named_sql import load
from server.embedding.encoder import Vector, Vectors

log = logging.getLogger(__name__)

SQL = load(__file__, "basis.sql")

AXES = 96
# Fewer products have no spread worth the name.
FEWEST = 30
# So many embeddings tell the components of any larger catalogue.
SAMPLE = 8_000
# Axes are made anew when the catalogue has grown so many times since.
GROWTH = 3
FILL_ROWS = 2_000
# Indexes of product_search that bring the sketches along.
COVERING = ("product_search_price", "product_search_category", "product_search_brand")
# Building them anew waits so long for others at each step.
PACK_WAIT = "10s"
_LOCK = 0x76697472_62617369  # "vitrbasi"


@dataclass(frozen=True)
class Basis:
    """Center and axes of the embeddings of one model. variance: along each axis; `rest`: along any other direction."""

    key: int
    center: Vector  # (dimension,)
    axes: Vectors  # (axes, dimension), unit rows
    variance: NDArray[np.float64]  # (axes,)
    rest: float
    products: int

    def sketch(self, query: Vector) -> Vector:
        """What a query is compared with sketches by: its components, (axes,)."""
        found: Vector = (self.axes @ query).astype(np.float32)
        return found

    def spread(self, query: Vector) -> tuple[float, float]:
        """Mean and standard deviation of a unit query's cosine similarity over the catalogue."""
        along = (self.axes @ query).astype(np.float64)
        variance = float(self.variance @ along**2) + self.rest * max(0.0, float(query @ query) - float(along @ along))
        return float(self.center @ query), max(variance, 1e-8) ** 0.5


def load_basis(connection: psycopg.Connection, key: int) -> Basis | None:
    """The axes that the database has under this key; None where they were made anew meanwhile."""
    head = connection.execute(SQL["load_basis"], {"basis": key}).fetchone()
    rows = connection.execute(SQL["load_axes"], {"basis": key}).fetchall()
    if head is None or not rows:
        return None
    _, center, total, products = head
    axes = np.stack([np.asarray(axis.to_numpy(), np.float32) for axis, _, _ in rows])
    variance = np.array([value for _, _, value in rows])
    others = axes.shape[1] - len(axes)
    rest = max(0.0, total - float(variance.sum())) / others if others else 0.0
    return Basis(key, np.asarray(center.to_numpy(), np.float32), axes, variance, rest, products)


@dataclass(frozen=True)
class Components:
    """Principal components of a sample: center (dimension,), axes (AXES, dimension), variances, and the total one."""

    center: Vector
    axes: Vectors
    variance: NDArray[np.float64]
    total: float


def principal_components(sample: Vectors, most: int = AXES) -> Components:
    """Eigenvectors of the covariance of (n, dimension) rows, the largest first (Pearson 1901)."""
    center = sample.mean(axis=0)
    spread = (sample - center).astype(np.float64)
    values, vectors = np.linalg.eigh(spread.T @ spread / len(sample))
    order = np.argsort(-values)[:most]
    axes = np.ascontiguousarray(vectors[:, order].T, dtype=np.float32)
    return Components(center, axes, np.maximum(values[order], 0.0), float(np.maximum(values, 0.0).sum()))


def refresh_basis(database: Database, anew: bool = False) -> bool:
    """Give every live product a sketch, by new axes where there are none or the catalogue has outgrown them.

    anew: by new axes in any case. Returns whether all have one now; False also where another process is at it.
    """
    with translated_errors(), psycopg.connect(database.url, autocommit=True) as connection:
        database.configure(connection)
        connection.execute("SET statement_timeout = 0")
        locked = connection.execute(SQL["try_lock"], {"key": _LOCK}).fetchone()
        if not locked or not locked[0]:
            return False
        try:
            return _refresh(connection, anew)
        finally:
            connection.execute(SQL["unlock"], {"key": _LOCK})


def _refresh(connection: psycopg.Connection, anew: bool) -> bool:
    found = connection.execute(SQL["newest"], {"axes": AXES}).fetchone()
    if found is None:
        return False
    model, basis, made_for, was_ready, products, has_all_axes = found
    if basis is None or anew or products > GROWTH * made_for or not has_all_axes:
        basis, made_for, was_ready = _make_axes(connection, model, products), products, False
    if basis is None or _fill(connection, basis):
        return False
    with connection.transaction():
        connection.execute(SQL["make_ready"], {"basis": basis, "products": made_for})
        connection.execute(SQL["drop_older"], {"basis": basis, "model": model})
    if not was_ready:
        _pack_indexes(connection)
    return True


def _pack_indexes(connection: psycopg.Connection) -> None:
    """Build the indexes that hold sketches anew, beside the old ones, while searches and imports go on.

    Every row was written again, in no order of theirs, and they have grown two- to threefold. They are right without
    this, so where somebody holds the table for long, or it fails, it is left.
    """
    try:
        connection.execute(SQL["short_waits"], {"wait": PACK_WAIT})
        _drop_unfinished(connection)
        for name in COVERING:
            connection.execute(sql.SQL("REINDEX INDEX CONCURRENTLY {}").format(sql.Identifier(name)))
    except psycopg.Error as exc:
        log.warning("Indexes of product_search were not packed: %s", exc)
        with suppress(psycopg.Error):
            _drop_unfinished(connection)


def _drop_unfinished(connection: psycopg.Connection) -> None:
    for (name,) in connection.execute(SQL["unfinished"]).fetchall():
        connection.execute(sql.SQL("DROP INDEX CONCURRENTLY IF EXISTS {}").format(sql.Identifier(*name.split("."))))


def _make_axes(connection: psycopg.Connection, model: int, products: int) -> int | None:
    percent = min(100.0, 100.0 * 1.3 * SAMPLE / max(products, 1))
    rows = connection.execute(SQL["sample"], {"percent": percent, "model": model, "limit": SAMPLE}).fetchall()
    if len(rows) < FEWEST:
        return None
    found = principal_components(np.stack([np.asarray(row[0].to_numpy(), np.float32) for row in rows]))
    with connection.transaction():
        head = connection.execute(
            SQL["insert_basis"],
            {"model": model, "center": StoredVector(found.center), "variance": found.total, "products": products},
        ).fetchone()
        assert head is not None  # noqa: S101  (INSERT ... RETURNING)
        axes = {
            "basis": head[0],
            "axis": [HalfVector(axis) for axis in found.axes],
            "shift": [float(axis @ found.center) for axis in found.axes],
            "variance": found.variance.tolist(),
        }
        connection.execute(SQL["insert_axes"], axes)
    return int(head[0])


def _fill(connection: psycopg.Connection, basis: int) -> bool:
    """Returns whether rows are left, because others hold them."""
    for _ in range(3):
        after, rows = "", 0
        while True:
            found = connection.execute(SQL["fill"], {"after": after, "basis": basis, "limit": FILL_ROWS}).fetchone()
            if found is None or found[0] is None:
                break
            after, rows = found[0], rows + 1
        if not rows:
            return False
    return bool(connection.execute(SQL["unsketched"], {"basis": basis}).fetchone())
