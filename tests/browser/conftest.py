"""A real shop behind a real server, looked at by a real browser.

The browser is the system's and not Playwright's own download: VITRINE_TEST_CHROMIUM, or /usr/bin/chromium.
"""

import io
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, Request, sync_playwright

from server.catalog.product import ProductInput
from server.db import migrate
from server.db.engine import Database
from server.demo import DEMO_SEED, DrawnProduct, draw_catalogue
from server.embedding.manifest import read_manifest
from server.embedding.registry import find_model
from server.errors import ModelError
from server.search.basis import refresh_basis
from server.search.words.refresh import refresh_words
from server.services import Services, open_services
from server.settings import load_settings
from server.staff import accounts
from tests.databases import fresh_database

CHROMIUM = Path(os.environ.get("VITRINE_TEST_CHROMIUM", "/usr/bin/chromium"))
# Nothing of the browser's own may ask the network.
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PRODUCTS = 60
WORKSHOP_PRODUCTS = 30
STAFF = ("ann", accounts.Role.EDITOR, "correct horse battery")
ADMIN = ("zoe", accounts.Role.ADMIN, "correct horse battery")
PICTURE_SIZE = 160
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
TIMEOUT_MS = 5_000


@dataclass(frozen=True)
class Shop:
    """Where the shop is, and what is in it."""

    url: str
    products: list[DrawnProduct]


@dataclass
class Watched:
    """A browser's page and what went wrong on it; the fixture fails if anything did."""

    page: Page
    errors: list[str] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)

    def expect_status(self, status: int) -> None:
        """The page answered with this error, as it should; a browser logs that."""
        logged = [error for error in self.errors if f"status of {status}" in error]
        assert logged
        for error in logged:
            self.errors.remove(error)


@pytest.fixture(scope="session")
def shop(migrated: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A few dozen drawn products, embedded by the bundled model, and one that makes layouts burst."""
    with open_shop(migrated, tmp_path_factory.mktemp("shop"), PRODUCTS) as opened:
        yield opened


@pytest.fixture(scope="module")
def workshop(migrated: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A shop of a module's own, which its tests change."""
    with open_shop(migrated, tmp_path_factory.mktemp("workshop"), WORKSHOP_PRODUCTS) as opened:
        yield opened


@contextmanager
def open_shop(migrated: Database, data_dir: Path, products: int) -> Iterator[Shop]:
    """A shop of so many drawn products in a database of its own, served."""
    settings = load_settings(_env_file=None, VITRINE_DATA_DIR=data_dir)
    try:
        manifest = read_manifest(find_model(settings))
    except ModelError as exc:
        pytest.skip(f"The bundled model is missing: {exc.message}")
    drawn = list(draw_catalogue(products, DEMO_SEED))
    with fresh_database(migrated) as database:
        migrate.upgrade(database, manifest.dimension)
        fill(open_services(settings, database=database), drawn)
        with served(database.url, settings.data_dir) as url:
            yield Shop(url, drawn)


@contextmanager
def served(database_url: str, data_dir: Path) -> Iterator[str]:
    """`vitrine serve` in a process of its own, as users run it; gives its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "DATABASE_URL": database_url, "VITRINE_DATA_DIR": str(data_dir)}
    command = [sys.executable, "-m", "server.cli", "serve", "--port", str(port)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            # Its first line says where it is, and is printed once it answers.
            assert process.stdout is not None
            assert str(port) in process.stdout.readline()
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def fill(services: Services, products: list[DrawnProduct]) -> None:
    with services.database.connection() as connection:
        for who in (STAFF, ADMIN):
            accounts.add_account(connection, *who, accounts.COMMAND_LINE)
    records: list[tuple[ProductInput, bytes | None]] = []
    for product in products:
        file = io.BytesIO()
        product.draw(PICTURE_SIZE).save(file, "JPEG", quality=88)
        fields = {name: getattr(product, name) for name in ProductInput.model_fields if hasattr(product, name)}
        records.append((ProductInput(**fields), file.getvalue()))
    unwieldy = ProductInput(
        sku="W" * 100, title="W" * 300, brand="M" * 200, category="/".join(["Unwieldy" * 8] * 4), price="9999999999.99"
    )
    services.catalog.upsert_many([*records, (unwieldy, None)])
    refresh_basis(services.database)
    with services.database.connection() as connection:
        refresh_words(connection)


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """The system's Chromium."""
    if not CHROMIUM.is_file():
        pytest.skip(f"There is no browser at {CHROMIUM}: install chromium, or set VITRINE_TEST_CHROMIUM.")
    browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
    yield browser
    browser.close()


@pytest.fixture
def open_page(browser: Browser, shop: Shop) -> Iterator[Callable[..., Watched]]:
    """Opens pages of the shop that are watched: see `watched_pages`."""
    with watched_pages(browser, shop.url) as open_one:
        yield open_one


@contextmanager
def watched_pages(browser: Browser, url: str) -> Iterator[Callable[..., Watched]]:
    """Opens pages. At the end there was no error on the console, no failed request, no request to another host."""
    contexts: list[BrowserContext] = []
    pages: list[Watched] = []

    def open_one(path: str = "/", *, scripts: bool = True, viewport: dict[str, int] | None = None) -> Watched:
        context = browser.new_context(
            base_url=url, java_script_enabled=scripts, viewport=viewport or DESKTOP, reduced_motion="reduce"
        )
        contexts.append(context)
        context.set_default_timeout(TIMEOUT_MS)
        watched = Watched(context.new_page())
        pages.append(watched)
        watched.page.on("console", lambda told: told.type in ("error", "warning") and watched.errors.append(told.text))
        watched.page.on("pageerror", lambda error: watched.errors.append(str(error)))
        watched.page.on("request", lambda request: _note(watched, request, url))
        watched.page.goto(path)
        return watched

    yield open_one
    for context in contexts:
        context.close()
    assert [error for watched in pages for error in watched.errors] == []


def _note(watched: Watched, request: Request, home: str) -> None:
    watched.addresses.append(request.url)
    if not request.url.startswith((f"{home}/", "data:", "blob:")):
        watched.errors.append(f"a request to another host: {request.url}")
