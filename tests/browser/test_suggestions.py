"""Suggestions under the search box, as somebody gets them who types, points or listens."""

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import PHONE, Shop, Watched

Open = Callable[..., Watched]


def typed(page: Page, text: str) -> Locator:
    """The search box with this typed into it, its suggestions shown."""
    box = page.get_by_label("What are you looking for?")
    box.focus()
    expect(box).to_have_role("combobox")
    page.keyboard.type(text)
    expect(page.get_by_role("listbox", name="Suggestions")).to_be_visible()
    return box


def active(page: Page, box: Locator) -> Locator:
    """The suggestion that a screen reader speaks of."""
    return page.locator(f"#{box.get_attribute('aria-activedescendant')}")


def test_arrows_go_through_them_and_enter_takes_one(open_page: Open) -> None:
    page = open_page("/").page
    box = typed(page, "blu")
    expect(box).to_have_attribute("aria-expanded", "true")
    options = page.locator("[role=option]")
    count = options.count()
    assert count > 1
    page.keyboard.press("ArrowDown")
    expect(active(page, box)).to_have_attribute("aria-selected", "true")
    first = active(page, box).locator(".suggestion-text").inner_text()
    page.keyboard.press("ArrowUp")
    assert box.get_attribute("aria-activedescendant") is None
    page.keyboard.press("ArrowUp")
    assert active(page, box).inner_text() == options.nth(count - 1).inner_text()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(page.locator("[role=option][aria-selected=true]")).to_have_count(1)
    expect(box).to_have_value("blu")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(f"“{first}”")


def test_enter_without_a_choice_searches_for_what_was_typed(open_page: Open) -> None:
    page = open_page("/").page
    typed(page, "blu")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("“blu”")


def test_escape_and_leaving_close_them_and_keep_the_words(open_page: Open) -> None:
    page = open_page("/").page
    box = typed(page, "blu")
    page.keyboard.press("Escape")
    expect(page.get_by_role("listbox")).to_be_hidden()
    expect(box).to_have_value("blu")
    expect(box).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("listbox")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("listbox")).to_be_hidden()


def test_their_number_is_told(open_page: Open) -> None:
    page = open_page("/").page
    typed(page, "blu")
    number = page.locator("[role=option]").count()
    expect(page.get_by_role("status").filter(has_text="suggestions")).to_have_text(f"{number} suggestions")


def test_a_brand_becomes_a_filter_beside_those_that_are_there(open_page: Open, shop: Shop) -> None:
    brand = max({one.brand for one in shop.products}, key=len)
    page = open_page("/?q=shirt&in_stock=true").page
    page.get_by_label("What are you looking for?").fill("")
    typed(page, brand[:-1])
    page.locator("[role=option]").filter(has_text="brand").first.click()
    page.wait_for_url("**brand=**")
    assert parse_qs(urlsplit(page.url).query) == {"brand": [brand], "in_stock": ["true"]}


def test_answers_that_come_too_late_are_not_shown(open_page: Open) -> None:
    watched = open_page("/")
    page = watched.page
    held: list[object] = []

    def hold(route: object) -> None:
        held.append(route)

    page.route("**/suggest?q=b", hold)
    box = page.get_by_label("What are you looking for?")
    box.focus()
    expect(box).to_have_role("combobox")
    with page.expect_request("**/suggest?q=b"):
        page.keyboard.type("b")
    page.keyboard.type("lu")
    expect(page.get_by_role("listbox")).to_be_visible()
    assert all("blu" in text.lower() for text in page.locator(".suggestion-text").all_inner_texts())
    assert len(held) == 1


@pytest.mark.parametrize("viewport", [PHONE, None])
def test_they_lie_within_the_screen(open_page: Open, viewport: dict[str, int] | None) -> None:
    page = open_page("/?q=shirt", viewport=viewport).page
    page.get_by_label("What are you looking for?").fill("")
    typed(page, "s")
    box = page.get_by_role("listbox").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= page.evaluate("innerWidth")


def test_without_scripts_the_box_is_a_plain_field(open_page: Open) -> None:
    page = open_page("/", scripts=False).page
    assert page.get_by_label("What are you looking for?").get_attribute("role") is None
    assert page.get_by_role("listbox").count() == 0
