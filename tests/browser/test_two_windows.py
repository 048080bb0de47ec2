"""One product in two windows: the second to save hears what the first did, and sees it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Shop, Watched, watched_pages
from tests.browser.test_admin import log_in
from tests.browser.test_merchandiser import drawn, serious

Open = Callable[..., Watched]


@pytest.fixture
def open_page(browser: Browser, workshop: Shop) -> Iterator[Open]:
    with watched_pages(browser, workshop.url) as open_one:
        yield open_one


@pytest.fixture
def staff(open_page: Open) -> Watched:
    watched = open_page("/admin/product")
    log_in(watched)
    expect(watched.page.get_by_role("heading", name="New product")).to_be_visible()
    return watched


def saved(page: Page) -> None:
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("is saved.")).to_be_visible()


def test_the_second_window_shows_what_the_first_did(staff: Watched, tmp_path: Path) -> None:
    second = staff.page
    second.get_by_label("SKU").fill("TWO-1")
    second.get_by_label("Title").fill("A bench")
    second.get_by_label("Price", exact=True).fill("20")
    second.set_input_files("#pictures", [str(drawn(tmp_path, number)) for number in range(2)])
    saved(second)
    first = second.context.new_page()
    first.goto(second.url)
    first.get_by_label("Price", exact=True).fill("25")
    first.locator("[data-gallery] li").nth(1).get_by_label("take away").check()
    first.set_input_files("#pictures", str(drawn(tmp_path, 2)))
    saved(first)
    expect(first.locator("[data-gallery] li")).to_have_count(2)
    second.get_by_label("Title").fill("A long bench")
    second.get_by_role("button", name="Save").click()
    alert = second.get_by_role("alert")
    expect(alert).to_contain_text("Price: 25.00")
    expect(alert.get_by_role("img")).to_have_count(2)
    expect(alert).not_to_contain_text("Title")
    staff.expect_status(409)
    # The history and the pictures are those of now; what was typed stands.
    expect(second.get_by_role("region", name="History").get_by_role("cell", name="25.00")).to_be_visible()
    expect(second.locator("[data-gallery] li")).to_have_count(2)
    expect(second.get_by_label("Title")).to_have_value("A long bench")
    assert serious(second) == []
    saved(second)
    expect(second.get_by_role("heading", name="A long bench")).to_be_visible()
    expect(second.get_by_label("Price", exact=True)).to_have_value("20.00")
    expect(second.locator("[data-gallery] li")).to_have_count(2)
