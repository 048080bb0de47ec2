"""The one transaction of a search: what was wanted, by which model it is ranked, and how many products pass.

Statements go out together and are answered together. On two cores a round trip is a fifth of a quick page, so a page
that one walk answers is one of them, one that sketches answer two, and no page waits for BEGIN alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from pgvector import HalfVector
from psycopg.rows import tuple_row

from server.embedding.current import ActiveModel
from server.embedding.encoder import Vector
from server.search import plan as planning
from server.search.plan import USUAL_WALK, Size, Walk
from server.search.query import Filters
from server.search.statements import SQL, with_words


class ModelMoved(Exception):
    """The catalogue has another model than the one that made the query's vector. The search is to be made again."""

    def __init__(self, active: ActiveModel) -> None:
        super().__init__(active)
        self.active = active


@dataclass(frozen=True)
class Wanted:
    """Which products, near to what.

    model: the digest of the model that made `vector`. match: a tsquery that the products' words must satisfy, of the
    query; also: one more, of a part of it; exact: one that their very words must satisfy, stop words and endings too.
    """

    filters: Filters
    vector: Vector | None = None
    model: str | None = None
    match: str | None = None
    also: str | None = None
    exact: str | None = None

    @property
    def narrow(self) -> bool:
        """Whether the narrow table alone can tell which products pass."""
        return bool(self.filters.attributes or self.asks_words)

    @property
    def asks_words(self) -> bool:
        """Whether words must or must not be there."""
        return bool(self.match or self.also or self.exact)

    @property
    def narrows(self) -> bool:
        """Whether any product is kept out."""
        return self.narrow or self.filters.narrows

    def same_products(self, other: "Wanted") -> bool:
        """Whether the same products pass."""
        ours, theirs = ((one.filters, one.match, one.also, one.exact) for one in (self, other))
        return ours == theirs

    def filter_parameters(self) -> dict[str, Any]:
        """What tells which products pass."""
        return {**self.filters.parameters(), "match": self.match, "also": self.also, "exact": self.exact}

    def parameters(self) -> dict[str, Any]:
        """The same, and the vector."""
        return {**self.filter_parameters(), "vector": None if self.vector is None else HalfVector(self.vector)}


@dataclass
class Begun:
    """A search under way: its transaction, the model of the catalogue, and one that is coming.

    basis_key: of the axes that tell how unusual a similarity is. is_sketched: whether products may be ranked by
    sketches along them, which is not so while others take their place. products: how many there were at the last
    ANALYZE, -1 before the first. walk: what the next walk of the index is set to. size: how many products pass what was
    wanted at the beginning, None where that was not measured.
    ahead: what came of a walk that was begun together with this; the transaction is over then.
    """

    connection: psycopg.Connection
    active: ActiveModel | None
    coming: ActiveModel | None
    basis_key: int | None
    is_sketched: bool
    wanted: Wanted
    products: int
    walk: Walk
    size: Size | None = None
    ahead: list[Any] | None = None


@dataclass(frozen=True)
class Statement:
    """One statement, its parameters, and what its rows become."""

    name: str
    parameters: Mapping[str, Any] | None = None
    row: Any = tuple_row

    def send(self, connection: psycopg.Connection) -> psycopg.Cursor[Any]:
        """Within a pipeline: its answer is there when the pipeline ends."""
        cursor = connection.cursor(binary=True, row_factory=self.row)
        return cursor.execute(SQL[self.name], self.parameters, prepare=True)


def begin(
    connection: psycopg.Connection, wanted: Wanted, walk: Walk = USUAL_WALK, ahead: Statement | None = None
) -> Begun:
    """Set what a search needs for this transaction, make sure of the model, and measure the filter: one round trip.

    walk: how far the first walk goes, if there will be one. ahead: that walk itself, to be made at once, without
    knowing whether it is the right way; then this round trip is the whole transaction. connection: from
    Database.turns().

    The lock keeps `product` from a change of the model until the transaction ends, and the model is read behind it; so
    all that this transaction ranks is ranked by that model. Raises ModelMoved where it did not make the vector.
    """
    measuring = walking = None
    try:
        with connection.pipeline():
            if ahead is None:
                connection.execute("BEGIN ISOLATION LEVEL READ COMMITTED")
            asking = Statement("begin", walk_settings(walk)).send(connection)
            if wanted.narrows:
                measuring = _ask_size(connection, wanted, planning.MOST + 1)
            if ahead is not None:
                walking = ahead.send(connection)
    except psycopg.DataError:
        if ahead is not None:
            # Vectors of another dimension by now? Then the model has moved, and this says so.
            begin(connection, wanted, walk)
        raise
    rows = asking.fetchall()
    models = {row[3]: row[:3] for row in rows}
    active, coming = (ActiveModel(*models[key]) if key in models else None for key in (True, False))
    if wanted.vector is not None and active is not None and active.digest != wanted.model:
        raise ModelMoved(active)
    _, _, _, is_active, basis_key, is_sketched, products, isolation, *_ = rows[0]
    begun = Begun(
        connection, active, coming, basis_key if is_active else None, bool(is_sketched), wanted, products, walk
    )
    if walking is not None and isolation == "read committed":
        begun.ahead = walking.fetchall()
    if measuring is not None:
        begun.size = _size(measuring, products, planning.MOST + 1)
    return begun


def walk_settings(walk: Walk) -> dict[str, str]:
    """Parameters of the statements that set how far a walk goes."""
    goes_on = "relaxed_order" if walk.steps else "off"
    return {"ef": str(walk.ef), "goes_on": goes_on, "steps": str(max(walk.steps, 1))}


def run(begun: Begun, statement: Statement, walk: Walk | None = None, is_last: bool = False) -> list[Any]:
    """The rows of one statement: one round trip. walk: how far it goes, if it walks the index. is_last: the
    transaction ends with it."""
    with begun.connection.pipeline():
        if walk is not None and walk != begun.walk:
            Statement("walk_so_far", walk_settings(walk)).send(begun.connection)
            begun.walk = walk
        cursor = statement.send(begun.connection)
        if is_last:
            begun.connection.execute("COMMIT")
    return cursor.fetchall()


def measure(begun: Begun, wanted: Wanted, most: int | None = None) -> Size:
    """How many products pass: counted up to `most` (MOST + 1), estimated by Postgres beyond."""
    if most is None and begun.size is not None and wanted.same_products(begun.wanted):
        return begun.size
    most = most or planning.MOST + 1
    # Where nothing is kept out and there were far more at the last ANALYZE, there still are.
    if not wanted.narrows and begun.products > 2 * most:
        return Size(begun.products, begun.products, is_exact=False)
    with begun.connection.pipeline():
        measuring = _ask_size(begun.connection, wanted, most)
    return _size(measuring, begun.products, most)


_Measuring = tuple[psycopg.Cursor[Any], psycopg.Cursor[Any] | None]


def _ask_size(connection: psycopg.Connection, wanted: Wanted, most: int) -> _Measuring:
    parameters = {**wanted.filter_parameters(), "count_up_to": most}
    count, estimate = (with_words(name, wanted.asks_words) for name in ("count", "estimate"))
    counting = Statement(count, parameters).send(connection)
    return counting, Statement(estimate, parameters).send(connection) if wanted.narrows else None


def _size(measuring: _Measuring, products: int, most: int) -> Size:
    counting, estimating = measuring
    (counted,) = counting.fetchone() or (0,)
    if counted < most:
        return Size(counted, max(products, counted), is_exact=True)
    plan = None if estimating is None else estimating.fetchone()
    estimate = products if plan is None else int(plan[0][0]["Plan"]["Plan Rows"])
    return Size(max(estimate, counted), max(products, estimate, counted), is_exact=False)
