"""A shop with pictures, words, sketches and accounts, and ways to compare it with what a backup brings back."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from server.app import create_app
from server.catalog.product import ProductInput
from server.cli import main
from server.db.engine import Database
from server.search.refresh import refresh_search
from server.services import Services, open_services
from server.settings import load_settings
from server.staff import accounts, passwords
from server.staff.accounts import Role
from tests.databases import fresh_database
from tests.factories import DIMENSION, noise
from tests.fakes import FakeEncoder, fake_manifest

PASSWORD = "correct horse battery"
TITLES = ("Blue striped shirt", "Red shirt", "Red dress", "Blue denim jacket", "Green shoes", "Yellow mug")
QUERIES = ("red", "blue shirt under 30", "shoes", '"striped"', "")
Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real algorithm at its least cost."""
    hasher = passwords.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", hasher)


@dataclass(frozen=True)
class Shop:
    """A database and a data directory."""

    database: Database
    data_dir: Path

    @property
    def services(self) -> Services:
        settings = load_settings(_env_file=None, VITRINE_DATA_DIR=self.data_dir, VITRINE_SECRET_KEY="0123456789abcdef")
        return open_services(settings, database=self.database, encoder=FakeEncoder(fake_manifest(DIMENSION)))

    def fill(self) -> None:
        """Products with pictures, one by its title alone, and an account of each role."""
        services = self.services
        records = [
            ProductInput(sku=f"P-{number}", title=title, price=10 + 5 * number, category="Things/All", stock=number)
            for number, title in enumerate(TITLES)
        ]
        pictures = [noise(number) for number in range(len(TITLES) - 1)]
        outcomes = services.catalog.upsert_many(list(zip(records, [*pictures, None], strict=True)))
        assert {one.action for one in outcomes} == {"created"}
        with self.database.connection() as connection:
            for role in Role:
                accounts.add_account(connection, role, role, PASSWORD, accounts.COMMAND_LINE)
        refresh_search(self.database)

    def answers(self) -> dict[str, Any]:
        """What a shopper and somebody of the staff get: hits with their scores in order, pictures, logins."""
        client = create_app(services=self.services).test_client()
        told: dict[str, Any] = {}
        for query in QUERIES:
            page = client.get("/api/v1/search", query_string={"q": query, "facets": "category", "explain": "true"}).json
            told[query] = [page["hits"], page["total"], page["facets"], page["plan"]]
        told["like"] = client.get("/api/v1/products/P-1/similar").json["hits"]
        for hit in told[""][0]:
            for address in (hit["image_url"], hit["thumbnail_url"]):
                if address is not None:
                    with client.get(address) as answer:
                        told[address] = (answer.status_code, answer.data)
        with self.database.connection() as connection:
            found = accounts.list_accounts(connection)
        told["accounts"] = [(one.name, one.role) for one in found]
        return told


@pytest.fixture
def shop(database: Database, tmp_path: Path) -> Shop:
    """The shop that is backed up."""
    made = Shop(database, tmp_path / "shop")
    made.fill()
    return made


@pytest.fixture
def other(migrated: Database, tmp_path: Path) -> Iterator[Shop]:
    """An empty database and an empty data directory."""
    with fresh_database(migrated) as database:
        yield Shop(database, tmp_path / "other")


@pytest.fixture
def vitrine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`vitrine(shop, "backup", file)` is that command with the shop's settings."""
    monkeypatch.chdir(tmp_path)

    def invoke(of: Shop, *arguments: object) -> Result:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("VITRINE_DATA_DIR", str(of.data_dir))
            patch.setenv("DATABASE_URL", of.database.url)
            result = CliRunner().invoke(main, [str(one) for one in arguments])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        assert "Traceback" not in result.output
        return result

    return invoke


@pytest.fixture
def file(shop: Shop, vitrine: Run, tmp_path: Path) -> Path:
    """A backup of the shop."""
    made = tmp_path / "shop.backup"
    assert vitrine(shop, "backup", made).exit_code == 0
    return made
