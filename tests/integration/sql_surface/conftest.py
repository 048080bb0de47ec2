"""A shop with the surface upon it, and somebody who logs in as its analyst, with a password and nothing else."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest
from click.testing import CliRunner, Result
from numpy.typing import NDArray
from pgvector import HalfVector
from pgvector.psycopg import register_vector
from psycopg import sql

from server.cli import main
from server.db import migrate
from server.db.embedded import EmbeddedPostgres
from server.db.engine import Database
from server.search.basis import refresh_basis
from server.search.service import SearchService
from server.sql_surface import connect, surface, tower
from server.sql_surface.connect import Address
from server.sql_surface.role import DEFAULT
from server.sql_surface.surface import Wanted
from tests.databases import fresh_database
from tests.factories import DIMENSION, add_model, add_product, unit_vector
from tests.fakes import FakeEncoder, fake_manifest

ROLE = "analyst of tests"
Vector = NDArray[np.float32]
Run = Callable[..., Result]

# In the place of the text tower, since these products have vectors of a fake model: texts that the table of query
# embeddings has.
STAND_IN = """
CREATE OR REPLACE FUNCTION vitrine_sql.embed_text(said text) RETURNS halfvec LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    known halfvec := (SELECT q.embedding FROM query_embedding AS q JOIN embedding_model AS m ON m.id = q.model
                      WHERE m.state = 'active' AND q.text_hash = sha256(convert_to(said, 'UTF8')));
BEGIN
    IF known IS NULL THEN
        RAISE EXCEPTION 'This text is not known: %', said;
    END IF;
    RETURN known;
END
$$
"""


def put_stand_in(connection: psycopg.Connection) -> None:
    """In the place of the text tower."""
    connection.execute(STAND_IN)


@dataclass
class Team:
    """A shop, its surface, and the analyst's way in. folder: where the password is kept."""

    database: Database
    encoder: FakeEncoder
    folder: Path

    def wanted(self, **changed: Any) -> Wanted:
        """What `vitrine sql install` asks for."""
        manifest = self.encoder.manifest
        wanted = Wanted(ROLE, lambda: connect.keep_password(self.folder), put_stand_in, models=(manifest,))
        return replace(wanted, **changed)

    def install(self, **changed: Any) -> surface.Installed:
        return surface.install(self.database, self.wanted(**changed))

    @property
    def address(self) -> Address:
        return connect.address_of(self.database.url, ROLE, connect.read_password(self.folder))

    def login(self, **changed: Any) -> psycopg.Connection:
        """As a notebook would."""
        connection = psycopg.connect(replace(self.address, **changed).url, autocommit=True)
        register_vector(connection)
        return connection

    def ask(self, query: str, parameters: Any = None) -> list[tuple[Any, ...]]:
        """Rows, as the analyst gets them."""
        with self.login() as connection:
            return connection.execute(query, parameters).fetchall()

    def know(self, *texts: str) -> None:
        """Have the stand-in know what the model makes of these."""
        with self.database.connection() as connection:
            for text in texts:
                connection.execute(
                    "INSERT INTO query_embedding (model, text_hash, embedding) "
                    "SELECT id, sha256(convert_to(%s, 'UTF8')), %s FROM embedding_model WHERE digest = %s "
                    "ON CONFLICT DO NOTHING",
                    [text, HalfVector(self.encoder.embed_text(text)), self.encoder.manifest.digest],
                )

    @property
    def search(self) -> SearchService:
        return SearchService(self.database, self.encoder, "0123456789abcdef", None)

    def sketch(self) -> None:
        """Enough products have a spread, and sketches."""
        assert refresh_basis(self.database)
        self.database.refresh_statistics()

    def add(self, sku: str, text: str = "thing", **columns: Any) -> None:
        """A product that looks like this text does to the model."""
        vector = columns.pop("embedding", None)
        with self.database.connection() as connection:
            model = add_model(
                connection, digest=self.encoder.manifest.digest, name=self.encoder.manifest.name,
                dimension=self.encoder.manifest.dimension,
            )  # fmt: skip
            made = self.encoder.embed_text(text) if vector is None else vector
            add_product(connection, sku, embedding=made, embedding_model=model, **columns)


@pytest.fixture
def team(migrated: Database, tmp_path: Path) -> Iterator[Team]:
    """Without products, and without the surface."""
    with fresh_database(migrated) as database:
        migrate.upgrade(database, DIMENSION)
        yield Team(database, FakeEncoder(fake_manifest(DIMENSION)), tmp_path)
        forget_role(database, ROLE)


def forget_role(database: Database, role: str) -> None:
    """Roles are the whole server's, which tests share."""
    with database.connection() as connection:
        if connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [role]).fetchone() is not None:
            connection.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(role)))
            connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


@pytest.fixture
def installed(team: Team) -> Team:
    """With a handful of products and the surface."""
    team.add("A-1", "red shirt", price=10, category="Apparel/Shirts", brand="Acme", stock=3)
    team.add("A-2", "blue shirt", price=20, category="Apparel/Shirts", brand="Zed", stock=0)
    team.add("B-1", "red mug", price=5, category="Kitchen/Mugs", brand="Acme")
    team.add("B-2", "blue mug", price=500, category="Kitchen/Mugs", status="draft")
    team.know("red", "blue", "red shirt", "blue mug", "shirt", "mug")
    team.install()
    return team


@pytest.fixture
def second_server() -> Iterator[EmbeddedPostgres]:
    """A Postgres that knows none of our roles, in a folder whose path is short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="vt-") as folder:
        embedded = EmbeddedPostgres(Path(folder))
        embedded.start()
        try:
            yield embedded
        finally:
            embedded.release()


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "data"
    monkeypatch.setenv("VITRINE_DATA_DIR", str(folder))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tower, "put_up", lambda connection, manifest: put_stand_in(connection))
    return folder


@pytest.fixture
def run(data_dir: Path) -> Run:
    def invoke(*arguments: str, stdin: str | None = None) -> Result:
        result = CliRunner().invoke(main, arguments, input=stdin)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert "Traceback" not in result.output
        return result

    return invoke


@pytest.fixture
def shop(migrated: Database, run: Run, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """A database that DATABASE_URL names, with a product."""
    with fresh_database(migrated) as database:
        migrate.upgrade(database, DIMENSION)
        with database.connection() as connection:
            add_product(connection, "A-1", embedding=unit_vector(1))
        monkeypatch.setenv("DATABASE_URL", database.url)
        yield database
        # A test may have closed the other one, as a restore wants the shop closed.
        with closing(Database(database.url, pool_size=1)) as again:
            forget_role(again, DEFAULT)
