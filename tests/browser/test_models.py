"""Another model, activated in the browser: a real server of two web processes, and its worker."""

import json
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from server.db.engine import Database
from server.services import Services
from server.staff import accounts
from tests.browser.conftest import ADMIN, Watched, served, watched_pages
from tests.browser.test_admin import log_in
from tests.browser.test_every_page import TOO_PALE
from tests.browser.test_merchandiser import serious
from tests.two_models import PRODUCTS, held, two_model_shop

Open = Callable[..., Watched]
# The worker begins within seconds, on a machine that may be busy.
PATIENCE_MS = 60_000
# So many requests, each on a connection of its own, come to either process.
ASKED = 24


@pytest.fixture
def shop(migrated: Database, tmp_path: Path) -> Iterator[Services]:
    with two_model_shop(migrated, tmp_path) as services:
        with services.database.connection() as connection:
            accounts.add_account(connection, *ADMIN, accounts.COMMAND_LINE)
        yield services


@pytest.fixture
def url(shop: Services) -> Iterator[str]:
    assert shop.settings.database_url is not None
    with served(shop.settings.database_url.get_secret_value(), shop.settings.data_dir) as address:
        yield address


@pytest.fixture
def models(browser: Browser, url: str) -> Iterator[Page]:
    """The page of models, before an admin."""
    with watched_pages(browser, url) as open_one:
        watched = open_one("/admin/models")
        log_in(watched, name=ADMIN[0])
        expect(watched.page.get_by_role("heading", name="Models", exact=True)).to_be_visible()
        yield watched.page


def row_of(page: Page, beginning: str = "other") -> Locator:
    """Of a table."""
    return page.get_by_role("row").filter(has=page.get_by_role("cell", name=beginning))


def answering(url: str) -> set[str]:
    """Names of the models that answers come from."""
    names = set()
    for number in range(ASKED):
        with urllib.request.urlopen(f"{url}/api/v1/search?q=thing+{number}", timeout=20) as answer:
            found = json.load(answer)
        assert found["total"] == PRODUCTS
        names.add(found["plan"]["model"].split()[0])
    return names


def assert_legible(page: Page) -> None:
    assert serious(page) == []
    assert page.evaluate(TOO_PALE) == []
    for width in (320, 390, 1280):
        page.set_viewport_size({"width": width, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def ask_for_the_other(page: Page) -> None:
    """By the keyboard alone."""
    row_of(page).locator("summary").focus()
    page.keyboard.press("Enter")
    expect(row_of(page).get_by_text(f"{PRODUCTS} products will be embedded anew.")).to_be_visible()
    assert_legible(page)
    button = page.get_by_role("button", name="Activate other")
    button.focus()
    page.keyboard.press("Enter")


def test_it_is_activated_watched_and_answers_from_every_process(models: Page, shop: Services, url: str) -> None:
    assert answering(url) == {"tiny"}
    with held(shop, "K-007"):
        ask_for_the_other(models)
        expect(models.get_by_text(f"{PRODUCTS - 1} of {PRODUCTS}")).to_be_visible(timeout=PATIENCE_MS)
        expect(models.get_by_role("progressbar", name="Products embedded")).to_have_attribute("value", "0.95")
        expect(models.get_by_role("button", name="Stop it")).to_be_visible()
        assert_legible(models)
        # Shoppers notice nothing.
        assert answering(url) == {"tiny"}
    # The page hears of the end by itself.
    expect(row_of(models).get_by_text("active", exact=True)).to_be_visible(timeout=PATIENCE_MS)
    assert answering(url) == {"other"}
    expect(row_of(models, "tiny").get_by_text("previous")).to_be_visible()
    assert_legible(models)
    models.get_by_role("link", name="Audit").click()
    expect(row_of(models, "model/other").first).to_contain_text("zoe")


def test_it_is_stopped_and_goes_on(models: Page, shop: Services, url: str) -> None:
    with held(shop, "K-007"):
        ask_for_the_other(models)
        expect(models.get_by_text(f"{PRODUCTS - 1} of {PRODUCTS}")).to_be_visible(timeout=PATIENCE_MS)
        models.get_by_role("button", name="Stop it").click()
        expect(models.get_by_text("The activation of other was stopped")).to_be_visible(timeout=PATIENCE_MS)
        assert_legible(models)
    assert answering(url) == {"tiny"}
    row_of(models).locator("summary").click()
    expect(row_of(models).get_by_text("1 product will be embedded anew.")).to_be_visible()
    models.get_by_role("button", name="Activate other").click()
    expect(row_of(models).get_by_text("active", exact=True)).to_be_visible(timeout=PATIENCE_MS)
    assert answering(url) == {"other"}
