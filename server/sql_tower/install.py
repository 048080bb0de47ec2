"""The tower into a database, out of it, and from one model to the next."""

import hashlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
from pgvector import HalfVector, Vector
from pgvector.psycopg import register_vector

from server.db.named_sql import load
from server.embedding.manifest import Manifest
from server.errors import DatabaseNotReady, ModelError
from server.sql_tower.architecture import Checked, read_tower
from server.sql_tower.tokens import Tokens, read_tokens
from server.sql_tower.tower import TextTower
from server.sql_tower.weights import epsilon_of, halves, piece_of, rows_of

TABLES = load(__file__, "tables.sql")
FUNCTIONS = {
    **load(__file__, "arithmetic.sql"),
    **load(__file__, "text.sql"),
    **load(__file__, "surface.sql"),
}
# What remember_text takes, and as many rows as server/search/query_embeddings.py keeps.
LONGEST_REMEMBERED = 1_000
MOST_REMEMBERED = 50_000
# Postgres has an error function of its own from here on.
HAS_ERF = 160_000
# Two that install at the same time wait for each other. Any number that nothing else takes as an advisory lock.
INSTALL_LOCK = 7_346_110_255


@dataclass(frozen=True)
class TowerReport:
    """What was installed. cosine: the lowest between the tower's arithmetic and its graph, over a few texts.

    bytes: of each table, indexes included, with the towers of former models that are still kept.
    """

    name: str
    digest: str
    layers: int
    width: int
    vocabulary: int
    cosine: float
    bytes: dict[str, int]
    seconds: float


@dataclass(frozen=True)
class _Place:
    """Schemas, quoted: of Vitrine's tables, and of pgvector."""

    tables: str
    vector: str


def install_tower(connection: psycopg.Connection, model: Manifest) -> TowerReport:
    """Load the text tower of an installed model into the database, with the functions that compute it.

    In one transaction, or in that of the caller. `vitrine_sql.embed_text` answers for the database's active model, so
    `model` is to be that one. Raises ModelError with a sentence for a model that SQL cannot compute, DatabaseNotReady.
    """
    began = time.perf_counter()
    register_vector(connection)
    with connection.transaction():
        place = _find_place(connection)
        checked, tokens = _read(connection, model)
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [INSTALL_LOCK])
        connection.execute(TABLES["schema"])
        connection.execute(TABLES["tables"])
        _make_functions(connection, place)
        _load(connection, model, checked.tower, tokens)
        _forget(connection, place, keep=model.digest)
    sizes: dict[str, int] = dict(connection.execute(TABLES["sizes"]).fetchall())
    tower = checked.tower
    return TowerReport(
        model.name, model.digest, len(tower.layers), tower.width, len(tower.tokens), checked.cosine, sizes,
        time.perf_counter() - began,
    )  # fmt: skip


def fingerprint() -> str:
    """Tells one state of the functions, and of the tables below them, from another, whichever model is loaded."""
    parts = (TABLES["tables"], *FUNCTIONS.values(), str(LONGEST_REMEMBERED), str(MOST_REMEMBERED))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def renew_functions(connection: psycopg.Connection) -> None:
    """Make the functions again as this version has them. It takes no files of a model: towers that are loaded stay.

    Nothing happens where none was installed.
    """
    if not is_installed(connection):
        return
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [INSTALL_LOCK])
        connection.execute(TABLES["tables"])
        _make_functions(connection, _find_place(connection))


def remove_tower(connection: psycopg.Connection) -> None:
    """Take everything away that `install_tower` made, but for the schema vitrine_sql. Nothing where nothing is."""
    with connection.transaction():
        connection.execute(TABLES["remove_all"])


def is_installed(connection: psycopg.Connection) -> bool:
    """Whether the database has the tower of some model."""
    row = connection.execute(TABLES["is_installed"]).fetchone()
    return bool(row and row[0])


def prepare_tower(connection: psycopg.Connection, model: Manifest) -> str | None:
    """Before a model becomes the active one: load its tower beside the present one, where there is any.

    From the switch on `embed_text` takes it, in the same transaction as everybody else, since it asks which model is
    active. Returns why not, for a model that SQL cannot compute: `embed_text` will say the same.
    """
    if not is_installed(connection):
        return None
    row = connection.execute(TABLES["has_tower"], {"digest": model.digest}).fetchone()
    if row is not None and row[0]:
        return None
    register_vector(connection)
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [INSTALL_LOCK])
        try:
            checked, tokens = _read(connection, model)
            with connection.transaction():
                _load(connection, model, checked.tower, tokens)
        except ModelError as exc:
            _add(connection, model, {"refusal": exc.message})
            return exc.message
    return None


def forget_towers(connection: psycopg.Connection) -> None:
    """After a switch: towers of models whose vectors are gone go too."""
    if is_installed(connection):
        with connection.transaction():
            _forget(connection, _find_place(connection))


def _find_place(connection: psycopg.Connection) -> _Place:
    row = connection.execute(TABLES["places_of"]).fetchone()
    if row is None or row[0] is None or row[1] is None:
        raise DatabaseNotReady()
    if row[2] != "UTF8":
        raise DatabaseNotReady(
            f"The database keeps text as {row[2]}. The text tower needs UTF8, in which every character has a place."
        )
    return _Place(row[0], row[1])


def _read(connection: psycopg.Connection, model: Manifest) -> tuple[Checked, Tokens]:
    def normalise(text: str, form: str) -> str:
        row = connection.execute(f"SELECT normalize(%s, {form})", [text]).fetchone()
        return str(row[0]) if row else ""

    # The tokenizer is read in a second, and the tower of a large model in many.
    tokens = read_tokens(model, normalise)
    return read_tower(model), tokens


def _make_functions(connection: psycopg.Connection, place: _Place) -> None:
    own_erf = connection.info.server_version >= HAS_ERF
    filled = {
        "{tables}": place.tables,
        "{vector}": place.vector,
        "{erf}": "erf" if own_erf else "vitrine_tower.erf",
        "{longest}": str(LONGEST_REMEMBERED),
        "{most}": str(MOST_REMEMBERED),
    }
    # A function in SQL is checked when it is made: what it calls has to be there.
    for name in sorted(FUNCTIONS, key=lambda name: name != "erf"):
        text = FUNCTIONS[name]
        for key, value in filled.items():
            text = text.replace(key, value)
        connection.execute(text)


def _load(connection: psycopg.Connection, model: Manifest, tower: TextTower, tokens: Tokens) -> None:
    key = _add(connection, model, _facts(tower, tokens))
    weights = (
        (row, bias) for matrix, biases in rows_of(tower) for row, bias in zip(halves(-matrix), biases, strict=True)
    )
    rows: dict[str, tuple[list[str], Iterator[tuple[Any, ...]]]] = {
        "copy_weights": (
            ["int4", "int4", "float8", "halfvec"],
            ((key, n, float(bias), HalfVector(row)) for n, (row, bias) in enumerate(weights)),
        ),
        "copy_tokens": (
            ["int4", "int4", "halfvec"],
            ((key, n, HalfVector(row)) for n, row in enumerate(halves(tower.tokens))),
        ),
        "copy_places": (["int4", "int4", "vector"], ((key, n, Vector(row)) for n, row in enumerate(tower.places))),
        "copy_merges": (
            ["int4"] * 5,
            ((key, *pair, *made) for pair, made in tokens.merges.items()),
        ),
        "copy_words": (["int4", "text", "int4"], ((key, word, token) for word, token in tokens.words.items())),
        "copy_steps": (["int4", "int4", *["text"] * 4], ((key, n, *step) for n, step in enumerate(tokens.steps))),
    }
    for name, (types, records) in rows.items():
        with connection.cursor().copy(TABLES[name]) as copy:
            copy.set_types(types)
            for record in records:
                copy.write_row(record)
    for table in ("weight", "token", "place", "merge", "word", "step"):
        connection.execute(f"ANALYZE vitrine_tower.{table}")


def _facts(tower: TextTower, tokens: Tokens) -> dict[str, Any]:
    return {
        "width": tower.width,
        "hidden": tower.hidden,
        "piece": piece_of(tower.hidden),
        "layers": len(tower.layers),
        "heads": tower.heads,
        "dimension": tower.dimension,
        "activation": tower.activation,
        "epsilon": epsilon_of(tower),
        "context": tokens.context,
        "longest": tokens.longest,
        "blanks": tokens.blanks,
        "opening": list(tokens.opening),
        "closing": list(tokens.closing),
        "first_bytes": list(tokens.first_bytes),
        "last_bytes": list(tokens.last_bytes),
    }


_COLUMNS = (
    "refusal", "width", "hidden", "piece", "layers", "heads", "dimension", "activation", "epsilon", "context",
    "longest", "blanks", "opening", "closing", "first_bytes", "last_bytes",
)  # fmt: skip


def _add(connection: psycopg.Connection, model: Manifest, facts: dict[str, Any]) -> int:
    """Register a tower in the place of one that this model had; returns its key."""
    keep = connection.execute("SELECT digest FROM vitrine_tower.tower WHERE digest <> %s", [model.digest]).fetchall()
    connection.execute(TABLES["remove_towers"], {"digests": [digest for (digest,) in keep]})
    values = {"name": model.name, "digest": model.digest, **dict.fromkeys(_COLUMNS), **facts}
    row = connection.execute(TABLES["add_tower"], values).fetchone()
    if row is None:
        raise AssertionError("an insert returns its row")
    return int(row[0])


def _forget(connection: psycopg.Connection, place: _Place, keep: str | None = None) -> None:
    wanted = connection.execute(TABLES["wanted"].replace("{tables}", place.tables)).fetchall()
    digests = [digest for (digest,) in wanted] + ([keep] if keep is not None else [])
    connection.execute(TABLES["remove_towers"], {"digests": digests})
