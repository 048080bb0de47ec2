"""Admin pages on a phone, full of names that are too long: a table scrolls in its own box, and the page never."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import ADMIN, PHONE, Shop, Watched, watched_pages
from tests.browser.test_admin import log_in

Open = Callable[..., Watched]
LONG = "Unwieldy" * 12
UNWIELDY = "W" * 100
PAGES = (
    "/admin/",
    "/admin/products",
    f"/admin/product?sku={UNWIELDY}",
    "/admin/changes",
    "/admin/imports",
    "/admin/rules",
    f"/admin/rules/preview?query={LONG}",
    "/admin/searches",
    "/admin/synonyms",
    "/admin/staff",
    "/admin/keys",
    "/admin/audit",
)


@pytest.fixture
def open_page(browser: Browser, workshop: Shop) -> Iterator[Open]:
    with watched_pages(browser, workshop.url) as open_one:
        yield open_one


def send(page: Page, path: str, **fields: str) -> None:
    """Post a form as the page would."""
    token = page.locator("[name=csrf_token]").first.input_value()
    answer = page.request.post(path, form={"csrf_token": token, **fields})
    assert answer.ok, answer.text()


def test_no_page_scrolls_sideways_whatever_stands_in_it(open_page: Open, tmp_path: Path) -> None:
    watched = open_page("/admin/", viewport=PHONE)
    page = watched.page
    log_in(watched, name=ADMIN[0])
    expect(page.get_by_role("heading", name="Operations")).to_be_visible()
    send(page, "/admin/products/change", sku=UNWIELDY, action="category", value="/".join([LONG[:60]] * 4))
    send(page, "/admin/rules", kind="redirect", query=LONG, target=f"/?q={LONG[::-1]}", whole="yes")
    send(page, "/admin/rules", kind="pin", query=LONG, sku=UNWIELDY, place="1", whole="yes")
    send(page, "/admin/synonyms", words=LONG[:40], replacements=LONG[:40][::-1])
    send(page, "/admin/keys", name=LONG.lower()[:90], scope="read")
    send(page, "/admin/staff", name=LONG.lower()[:90], role="viewer")
    path = tmp_path / f"{LONG}.csv"
    path.write_text(f"sku,title,{LONG},price\nX-1,{LONG},{LONG},{LONG}\n")
    page.goto("/admin/imports")
    page.set_input_files("#files", str(path))
    expect(page.get_by_role("heading", name=LONG)).to_be_visible()
    run = page.url.removeprefix(page.url.partition("/admin")[0])
    for address in (*PAGES, run):
        page.goto(address)
        for summary in page.locator("main summary").all():
            summary.click()
        for width in (320, 390, 768):
            page.set_viewport_size({"width": width, "height": 844})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (address, width)
