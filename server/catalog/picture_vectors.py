"""Vectors of the pictures of a product beside its first one, for searches in all pictures.

Made behind the scenes: a product is found by its first picture as soon as it is saved, and by the others when a worker
has been at them. Rows are of one model each, so those of one on its way in are made beside the active one's.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import psycopg
from pgvector import HalfVector
from pgvector.psycopg import register_vector

from server.catalog.picture import Darkroom
from server.db.engine import Database, translated_errors
from server.db.named_sql import load
from server.embedding.encoder import Encoder, Pixels
from server.errors import InvalidImage, ModelError, NotFound

_SQL = load(__file__, "picture_vectors.sql")

BATCH = 32


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


def fill(
    connection: psycopg.Connection, model: int, darkroom: Darkroom, go_on: Callable[[], bool] = lambda: True
) -> Filled:
    """Make what is missing of one model, in batches of a transaction each; killed at any moment it goes on from there.

    model: key of the model that the darkroom's encoder is. connection: in autocommit. go_on: asked before each batch.
    Raises StorageUnavailable.
    """
    done = Filled()
    while go_on():
        parameters = {
            "model": model,
            "limit": BATCH,
            "left_skus": [gap.sku for gap in done.left],
            "left_sha256s": [gap.sha256 for gap in done.left],
        }
        gaps = connection.execute(_SQL["gaps"], parameters).fetchall()
        if not gaps:
            return done
        if done.pictures == 0:
            ensure_index(connection, model, darkroom.encoder.manifest.dimension)
        ready = [(sku, sha256, _prepare(darkroom, sha256, media_type)) for sku, sha256, media_type in gaps]
        _embed_and_put(connection, model, darkroom.encoder, ready, done)
    return done


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


def index_name(model: int) -> str:
    """What the index of a model's vectors is called."""
    return f"picture_embedding_hnsw_{model:d}"


def ensure_index(connection: psycopg.Connection, model: int, dimension: int) -> None:
    """Make the index of a model's vectors, if it is not there: while there are few vectors, that takes no time.

    Where this role may not, searches rank all of them, which is right and slower.
    """
    name = index_name(model)
    state = connection.execute(_SQL["index"], {"name": name}).fetchone()
    if state is not None and not state[0]:
        # What a killed run left finds nothing, and every write pays for it.
        connection.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
    if state is None or not state[0]:
        marks = {"{name}": name, "{dimension}": f"{dimension:d}", "{model}": f"{model:d}"}
        statement = _SQL["create_index"]
        for mark, part in marks.items():
            statement = statement.replace(mark, part)
        # Another worker may be at it.
        with suppress(
            psycopg.errors.DuplicateTable, psycopg.errors.UniqueViolation, psycopg.errors.InsufficientPrivilege
        ):
            connection.execute(statement)


def forget_retired(connection: psycopg.Connection) -> None:
    """Take away the vectors and indexes of models that nobody goes back to. connection: in autocommit."""
    for (model,) in connection.execute(_SQL["forgotten"]).fetchall():
        with suppress(psycopg.errors.InsufficientPrivilege):
            connection.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {index_name(model)}")
        connection.execute(_SQL["forget"], {"model": model})


def fill_beside(database: Database, model: int, darkroom: Darkroom, go_on: Callable[[], bool]) -> Filled:
    """`fill` on a connection of its own, as an index cannot be made beside its writers in a transaction."""
    with (
        translated_errors(),
        psycopg.connect(database.url, autocommit=True, application_name=database.name) as connection,
    ):
        register_vector(connection)
        return fill(connection, model, darkroom, go_on)
