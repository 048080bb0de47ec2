"""Every worked query of docs/sql.md, as the analyst runs it on the demo catalogue with the bundled model."""

import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg
import pytest
from PIL import Image

from server.cli.demo import load_demo
from server.db import migrate
from server.db.embedded import EmbeddedPostgres
from server.db.engine import Database
from server.embedding.registry import load_encoder
from server.settings import Settings, load_settings
from server.sql_surface import connect, surface, tower
from server.sql_surface.connect import Address
from server.sql_surface.surface import Wanted
from tests.databases import fresh_database
from tests.dumps import copy_by_dump
from tests.integration.sql_surface.conftest import forget_role

ROOT = Path(__file__).parents[3]
GUIDE = (ROOT / "docs" / "sql.md").read_text(encoding="utf-8")
WORKED = GUIDE[GUIDE.index("## Worked queries") : GUIDE.index("## What the role may do")]
PRODUCTS = 500
ROLE = "analyst of the guide"
# Where the drawn catalogue may have nothing to tell.
MAY_BE_EMPTY = {"Products that do not match their own category", "Near duplicates", "Outliers"}


def sections() -> Iterator[tuple[str, list[str]]]:
    """Heading -> its blocks of SQL, which may use what the ones before them made."""
    for part in re.split(r"^### ", WORKED, flags=re.MULTILINE)[1:]:
        blocks = re.findall(r"^```sql\n(.*?)^```", part, re.DOTALL | re.MULTILINE)
        if blocks:
            yield part.splitlines()[0], blocks


SECTIONS = dict(sections())


class Team:
    """The demo with its surface, and the analyst's way in."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self.database, self.settings = database, settings

    @property
    def address(self) -> Address:
        return connect.address_of(self.database.url, ROLE, connect.read_password(self.settings.data_dir))


@pytest.fixture(scope="module")
def team(migrated: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    settings = load_settings(_env_file=None, VITRINE_DATA_DIR=tmp_path_factory.mktemp("guide"))
    encoder = load_encoder(settings)
    with fresh_database(migrated) as database:
        migrate.upgrade(database, encoder.manifest.dimension)
        load_demo(database, settings, PRODUCTS)
        live_for_a_while(database)
        wanted = Wanted(
            ROLE,
            lambda: connect.keep_password(settings.data_dir),
            lambda connection: tower.put_up(connection, encoder.manifest),
            models=(encoder.manifest,),
        )
        surface.install(database, wanted)
        yield Team(database, settings)
        forget_role(database, ROLE)


def live_for_a_while(database: Database) -> None:
    """Products came over half a year; shoppers searched, found nothing at times, and clicked."""
    with database.connection() as connection:
        connection.execute(
            "UPDATE product SET created_at = now() - make_interval(days => abs(hashtext(sku)) %% 180)", {}
        )
        for query, total in (("striped blue shirt", 20), ("red mug", 12), ("zzgl", 0)):
            connection.execute(
                "INSERT INTO search_event SELECT gen_random_uuid(), now() - make_interval(days => n %% 13), 'shop', "
                "'words', %(query)s, %(query)s, 'hybrid', false, %(total)s, true, 5, 'sketch', true "
                "FROM generate_series(1, 20) AS n",
                {"query": query, "total": total},
            )
        connection.execute(
            "INSERT INTO search_click SELECT e.id, p.sku, 1 + abs(hashtext(p.sku)) %% 10, e.at "
            "FROM search_event AS e, (SELECT sku FROM product ORDER BY sku LIMIT 3) AS p WHERE e.total > 0",
            {},
        )


@pytest.fixture
def analyst(team: Team) -> Iterator[psycopg.Connection]:
    with psycopg.connect(team.address.url, autocommit=True) as connection:
        yield connection


def run(connection: psycopg.Connection, block: str) -> list[tuple[Any, ...]]:
    """Rows of the last statement of a block that gives any."""
    cursor = connection.execute(block.encode())
    rows: list[tuple[Any, ...]] = []
    while True:
        if cursor.description is not None:
            rows = cursor.fetchall()
        if not cursor.nextset():
            return rows


def test_the_guide_is_one() -> None:
    assert len(SECTIONS) >= 15
    assert SECTIONS.keys() >= MAY_BE_EMPTY


@pytest.mark.parametrize("heading", SECTIONS)
def test_every_query_runs_as_it_stands(analyst: psycopg.Connection, heading: str) -> None:
    for block in SECTIONS[heading]:
        rows = run(analyst, block)
        last = block.split(";\n\n")[-1].lstrip()
        assert rows or not last.startswith(("SELECT", "WITH")) or heading in MAY_BE_EMPTY, block


def test_what_the_queries_say_is_so(analyst: psycopg.Connection) -> None:
    """Of those whose answer can be known otherwise."""
    bands = run(analyst, SECTIONS["Price bands within a look"][0])
    assert [band[0] for band in bands] == [1, 2, 3, 4, 5]
    assert all(earlier[3] <= later[2] for earlier, later in pairwise(bands))
    for block in SECTIONS["Clusters: k-means in SQL"]:
        clusters = run(analyst, block)
    assert len(clusters) == 12
    assert sum(products for _, products, _, _ in clusters) == PRODUCTS
    probabilities = run(analyst, SECTIONS["Zero-shot labels into a table"][0])
    assert sum(float(probability) for _, probability in probabilities) == pytest.approx(1.0, abs=0.01)
    sold = run(analyst, SECTIONS["A text query joined to sales"][0])
    assert [row[2] for row in sold] == sorted((row[2] for row in sold), reverse=True)
    drift = run(analyst, SECTIONS["Drift between months"][0])
    assert len(drift) >= 6
    assert all(moved is None or 0 <= moved < 1 for _, _, moved in drift)


def test_the_same_pattern_as_was_drawn_is_told(analyst: psycopg.Connection, team: Team) -> None:
    """The zero-shot labels of shirts, against what the titles say of them."""
    for block in SECTIONS["Zero-shot labels into a table"]:
        run(analyst, block)
    told = analyst.execute(
        "SELECT pattern = attributes ->> 'pattern' FROM pattern JOIN products USING (sku) "
        "WHERE attributes ->> 'pattern' IN ('striped', 'plain', 'dotted', 'checked', 'floral')"
    ).fetchall()
    assert len(told) >= 10
    assert sum(right for (right,) in told) / len(told) > 0.7


def test_a_dump_elsewhere_answers_every_query_the_same(
    team: Team, analyst: psycopg.Connection, second_server: EmbeddedPostgres
) -> None:
    """The model's tower goes with it. Exact orders, since an index that is built anew walks by other ways."""
    with team.database.connection() as connection:
        assert connection.execute("SELECT count(*) FROM query_embedding").fetchone() == (0,)
    copy_by_dump(team.database.url, second_server.url())
    there = connect.address_of(second_server.url(), ROLE, connect.read_password(team.settings.data_dir))
    with psycopg.connect(there.url, autocommit=True) as elsewhere:
        for connection in (analyst, elsewhere):
            connection.execute("SET enable_indexscan = off")
        for block in (block for blocks in SECTIONS.values() for block in blocks):
            assert run(elsewhere, block) == run(analyst, block), block


def test_the_python_of_the_guide_runs(team: Team, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pandas writes Parquet; Polars and DuckDB read it."""
    section = WORKED[WORKED.index("### Parquet, pandas, Polars, DuckDB") :]
    blocks = re.findall(r"^```python\n(.*?)^```", section, re.DOTALL | re.MULTILINE)
    script = tmp_path / "guide.py"
    script.write_text("\n".join([*blocks, "print(len(frame), len(by_brand), len(nearest), nearest.distance.max())"]))
    monkeypatch.setenv("URL", team.address.url)
    done = subprocess.run([sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    products, brands, pairs, farthest = done.stdout.split()
    assert (int(products), int(pairs)) == (PRODUCTS, 10)
    assert int(brands) > 5
    assert float(farthest) < 0.5


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["map.png", "--images", "nowhere"], "there is no folder nowhere"),
        (["nowhere/map.png"], "to write the map into"),
        (["map.png", "--query", " "], "--query has no words"),
    ],
)
def test_what_the_map_cannot_be_made_of_is_said(
    arguments: list[str], said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(ROOT / "examples")
    import catalogue_map

    monkeypatch.setattr(sys, "argv", ["map", *arguments])
    with pytest.raises(SystemExit):
        catalogue_map.main()
    assert said in capsys.readouterr().err


def test_the_map_is_drawn(team: Team, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "examples")
    import catalogue_map
    import sqlalchemy

    engine = sqlalchemy.create_engine(team.address.sqlalchemy_url)
    monkeypatch.setattr(catalogue_map, "connect", lambda: engine)
    images = team.settings.image_dir
    path = tmp_path / "map.png"
    monkeypatch.setattr(
        sys, "argv", ["map", str(path), "--images", str(images), "--pictures", "20", "--query", "blue shirt"]
    )
    catalogue_map.main()
    engine.dispose()
    with Image.open(path) as drawn:
        assert drawn.width > 1000
        assert len(drawn.convert("RGB").getcolors(1_000_000) or []) > 500
