"""A click on a product of a result reaches the report, whatever it is made with; without scripts links are links."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import PHONE, Shop, Watched
from tests.browser.test_admin import log_in
from tests.browser.test_every_page import TOO_PALE

Open = Callable[..., Watched]
# Two processes write every two seconds, and a click may wait for the other one's search.
RECORDED_MS = 20_000


def report(open_page: Open, **options: object) -> Page:
    """The report, for somebody who is logged in."""
    watched = open_page("/admin/searches", **options)
    log_in(watched)
    expect(watched.page.get_by_role("heading", name="Searches", exact=True)).to_be_visible()
    return watched.page


def row(page: Page, section: str, text: str) -> Locator:
    """A line of one of the report's lists."""
    lines = page.get_by_role("region", name=section).get_by_role("row")
    return lines.filter(has=page.get_by_role("rowheader", name=text, exact=True))


def expect_in_report(page: Page, section: str, text: str, *cells: str) -> None:
    """Asks again until the line is there with these cells."""
    for _ in range(RECORDED_MS // 500):
        found = row(page, section, text)
        if found.count() and found.get_by_role("cell").all_inner_texts()[: len(cells)] == list(cells):
            return
        page.wait_for_timeout(500)
        page.reload()
    raise AssertionError(f"{text} with {cells} is not among the {section}: {page.inner_text('main')}")


@pytest.mark.parametrize(("how", "words"), [("mouse", "mug by mouse"), ("key", "mug by key"), ("middle", "mug by tab")])
def test_a_click_is_counted_with_its_place(open_page: Open, how: str, words: str) -> None:
    page = open_page(f"/?q={words}&all=1").page
    third = page.locator(".shop-results .card-title a").nth(2)
    if how == "mouse":
        third.click()
        expect(page.locator("h1")).not_to_contain_text(words)
    elif how == "key":
        third.press("Enter")
        expect(page.locator("h1")).not_to_contain_text(words)
    else:
        with page.context.expect_page():
            third.click(button="middle")
    expect_in_report(report(open_page), "Top queries", words, "1", "100%", "3.0")


def test_a_click_on_what_was_loaded_later_belongs_to_the_same_search(open_page: Open) -> None:
    page = open_page("/?q=bag loaded later&all=1").page
    cards = page.locator(".shop-results .card-title a")
    page.get_by_role("button", name="Load more").click()
    expect(cards.nth(30)).to_be_visible()
    cards.nth(30).click()
    expect(page.locator("h1")).not_to_contain_text("loaded later")
    expect_in_report(report(open_page), "Top queries", "bag loaded later", "1", "100%", "31.0")


def test_without_scripts_a_link_is_a_link_and_no_click_is_counted(open_page: Open) -> None:
    page = open_page("/?q=plain mug&all=1", scripts=False).page
    first = page.locator(".shop-results .card-title a").first
    title = first.inner_text()
    first.click()
    expect(page.locator("h1")).to_have_text(title)
    told = report(open_page)
    expect_in_report(told, "Top queries", "plain mug", "1", "0%")
    expect_in_report(told, "Queries without clicks", "plain mug", "1")


def test_an_address_without_a_result_to_click_sends_nothing(open_page: Open, shop: Shop) -> None:
    watched = open_page(f"/p/{shop.products[0].sku}")
    watched.page.get_by_role("region", name="More like this").get_by_role("article").get_by_role("link").first.click()
    watched.page.wait_for_load_state()
    assert not [address for address in watched.addresses if "/events/" in address]


def test_a_query_without_results_gets_a_synonym_by_keyboard_on_a_phone(open_page: Open) -> None:
    page = open_page("/?q=zzgulp&price_max=0.01").page
    expect(page.locator(".shop-results .card-title")).to_have_count(0)
    told = report(open_page, viewport=PHONE)
    expect_in_report(told, "Queries without results", "zzgulp", "1", "1")
    line = row(told, "Queries without results", "zzgulp")
    line.locator("summary").focus()
    told.keyboard.press("Enter")
    expect(line.get_by_label("Who asks for")).to_have_value("zzgulp")
    assert told.evaluate(TOO_PALE) == []
    assert told.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    line.get_by_label("also gets").focus()
    told.keyboard.type("mug")
    told.keyboard.press("Enter")
    expect(told.get_by_role("status")).to_contain_text("“zzgulp” has synonyms.")
    told.get_by_role("link", name="Synonyms").click()
    expect(told.get_by_role("row").filter(has_text="zzgulp")).to_contain_text("one way")
    told.once("dialog", lambda dialog: dialog.accept())
    told.get_by_role("row").filter(has_text="zzgulp").get_by_role("button", name="Delete").click()
    expect(told.get_by_text("There are none yet.")).to_be_visible()
