"""Vectors of the pictures of a product beside its first one, for searches in all pictures.

Made behind the scenes: a product is found by its first picture as soon as it is saved, and by the others when a worker
has been at them. Rows are of one model each, so those of one on its way in are made beside the active one's.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import psycopg
from pgvector import HalfVector
from pgvector.psycopg import register_vector

from server.catalog.picture import Darkroom
from server.db.engine import Database, translated_errors
from server.db.named_sql import load
from server.db.pace import FULL_SPEED, Pace
from server.embedding.encoder import Encoder, Pixels
from server.errors import InvalidImage, ModelError, NotFound

_SQL = load(__file__, "picture_vectors.sql")

BATCH = 32
# From so many on, an index is built beside writers, which takes as long as the oldest transaction lasts.
FEW = 5_000
# So long it may take to get a lock; whoever does not get it goes on without the index, and tries at the next round.
PATIENCE = "10s"
# Any number that nothing else takes as the first half of an advisory lock; the second is the model.
INDEX_LOCK = 734_611
# After so many the planner is told.
MANY = 1_000


@dataclass(frozen=True)
class PictureGap:
    """A picture that has no vector, and why none could be made."""

    sku: str
    sha256: str
    reason: str = ""


@dataclass
class Filled:
    """What was done. left: pictures that no vector could be made of."""

    pictures: int = 0
    left: list[PictureGap] = field(default_factory=list)


@dataclass(frozen=True)
class Filling:
    """How to fill. darkroom: its encoder is the model whose key is `model`.

    go_on: asked before each batch. on_filled(pictures, seconds): told behind each. threads: that prepare pictures.
    """

    model: int
    darkroom: Darkroom
    go_on: Callable[[], bool] = lambda: True
    on_filled: Callable[[int, float], None] = lambda pictures, seconds: None
    pace: Pace = FULL_SPEED
    threads: int = 1


def fill(connection: psycopg.Connection, filling: Filling) -> Filled:
    """Make what is missing of one model, in batches of a transaction each; killed at any moment it goes on from there.

    connection: in autocommit. Raises StorageUnavailable.
    """
    done = Filled()
    with ThreadPoolExecutor(filling.threads, "prepare") as pool:
        for number, gaps in enumerate(_batches(connection, filling)):
            if not filling.go_on():
                break
            if number == 0:
                ensure_index(connection, filling.model, filling.darkroom.encoder.manifest.dimension)
            began = time.perf_counter()
            prepared = pool.map(lambda gap: _prepare(filling.darkroom, gap[1], gap[2]), gaps)
            ready = [(sku, sha256, pixels) for (sku, sha256, _), pixels in zip(gaps, prepared, strict=True)]
            before = done.pictures
            _embed_and_put(connection, filling.model, filling.darkroom.encoder, ready, done)
            filling.on_filled(done.pictures - before, time.perf_counter() - began)
            filling.pace.rest()
    if done.pictures >= MANY:
        connection.execute("ANALYZE picture_embedding, product_picture")
    return done


def _batches(connection: psycopg.Connection, filling: Filling) -> Iterator[list[tuple[str, str, str]]]:
    """SKU, digest and media type of what is missing; what comes in behind the place reached is left over."""
    for live in (True, False):
        sku = sha256 = ""
        while True:
            parameters = {"model": filling.model, "limit": BATCH, "sku": sku, "sha256": sha256, "live": live}
            gaps = connection.execute(_SQL["gaps"], parameters).fetchall()
            if not gaps:
                break
            yield gaps
            sku, sha256, _ = gaps[-1]


def _prepare(darkroom: Darkroom, sha256: str, media_type: str) -> Pixels | str:
    """The picture for the tower, or why there is none."""
    try:
        pixels = darkroom.develop_stored(sha256, media_type).pixels
    except (NotFound, InvalidImage) as exc:
        return exc.message
    return "It cannot be prepared." if pixels is None else pixels


def _embed_and_put(
    connection: psycopg.Connection,
    model: int,
    encoder: Encoder,
    ready: Sequence[tuple[str, str, Pixels | str]],
    done: Filled,
) -> None:
    done.left += [PictureGap(sku, sha256, pixels) for sku, sha256, pixels in ready if isinstance(pixels, str)]
    sound = [(sku, sha256, pixels) for sku, sha256, pixels in ready if not isinstance(pixels, str)]
    if not sound:
        return
    try:
        vectors = encoder.embed_pixels([pixels for _, _, pixels in sound])
    except ModelError as exc:
        # One that the model makes no vector of must not keep the others out.
        if len(sound) == 1:
            done.left.append(PictureGap(sound[0][0], sound[0][1], exc.message))
        else:
            for one in sound:
                _embed_and_put(connection, model, encoder, [one], done)
        return
    put = {
        "model": model,
        "skus": [sku for sku, _, _ in sound],
        "sha256s": [sha256 for _, sha256, _ in sound],
        "embeddings": [HalfVector(vector) for vector in vectors],
    }
    done.pictures += connection.execute(_SQL["put"], put).rowcount


def count_missing(connection: psycopg.Connection, model: int) -> int:
    """How many further pictures lack a vector of this model."""
    row = connection.execute(_SQL["missing"], {"model": model}).fetchone()
    return 0 if row is None else int(row[0])


# -- the index of a model ------------------------------------------------------------------------------------------


def index_name(model: int) -> str:
    """What the index of a model's vectors is called."""
    return f"picture_embedding_hnsw_{model:d}"


def ensure_index(connection: psycopg.Connection, model: int, dimension: int) -> None:
    """Make the index of a model's vectors, if it is not there: before there are vectors, that takes no time.

    Where this role may not, or somebody is at it, searches rank all of them, which is right and slower.
    """
    name = index_name(model)
    with _alone(connection, model) as is_mine:
        state = connection.execute(_SQL["index"], {"name": name}).fetchone()
        if not is_mine or (state is not None and state[0]):
            return
        if state is not None:
            # What a killed run left finds nothing, and every write pays for it.
            connection.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
        (has_many,) = connection.execute(_SQL["has_many"], {"model": model, "few": FEW}).fetchone() or (True,)
        marks = {"{name}": name, "{dimension}": f"{dimension:d}", "{model}": f"{model:d}"}
        statement = _SQL["create_index"].replace("{beside}", "CONCURRENTLY" if has_many else "")
        for mark, part in marks.items():
            statement = statement.replace(mark, part)
        connection.execute(statement)


def forget_retired(connection: psycopg.Connection) -> None:
    """Take away the vectors and indexes of models that nobody goes back to. connection: in autocommit."""
    for (model,) in connection.execute(_SQL["forgotten"]).fetchall():
        with _alone(connection, model) as is_mine:
            if is_mine:
                connection.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {index_name(model)}")
                connection.execute(_SQL["forget"], {"model": model})


@contextmanager
def _alone(connection: psycopg.Connection, model: int) -> Iterator[bool]:
    """Whether this session may change the model's index now. What it does not get in time, or may not, is left."""
    key = {"key": INDEX_LOCK, "model": model}
    (is_mine,) = connection.execute(_SQL["try_lock"], key).fetchone() or (False,)
    if not is_mine:
        yield False
        return
    try:
        with suppress(psycopg.errors.LockNotAvailable, psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT set_config('lock_timeout', %s, false)", [PATIENCE])
            yield True
    finally:
        connection.execute("RESET lock_timeout")
        connection.execute(_SQL["unlock"], key)


@contextmanager
def session_of(database: Database) -> Iterator[psycopg.Connection]:
    """A connection for these, since an index is not made beside its writers in a transaction."""
    with (
        translated_errors(),
        psycopg.connect(database.url, autocommit=True, application_name=database.name) as connection,
    ):
        register_vector(connection)
        yield connection
