"""A session ends in another tab while somebody types: the page stays, and after another login Save works."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import ADMIN, STAFF, Shop, Watched, watched_pages

Open = Callable[..., Watched]
# A part of a page that follows what happens asks every two seconds.
PATIENCE_MS = 15_000


@pytest.fixture
def open_page(browser: Browser, workshop: Shop) -> Iterator[Open]:
    with watched_pages(browser, workshop.url) as open_one:
        yield open_one


@pytest.fixture
def staff(open_page: Open) -> Watched:
    watched = open_page("/admin/login")
    log_in(watched.page)
    return watched


def log_in(page: Page, who: tuple[str, object, str] = STAFF) -> None:
    page.get_by_label("Name", exact=True).fill(who[0])
    page.get_by_label("Password", exact=True).fill(who[2])
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Operations")).to_be_visible()


def log_out_in_another_tab(page: Page) -> None:
    other = page.context.new_page()
    other.goto("/admin/")
    other.get_by_role("button", name="Log out", exact=False).first.click()
    expect(other.get_by_role("heading", name="Log in")).to_be_visible()
    other.close()


def save(page: Page) -> None:
    page.get_by_role("button", name="Save").click()


def test_what_was_typed_is_saved_after_another_login(staff: Watched, workshop: Shop) -> None:
    page, product = staff.page, workshop.products[5]
    page.goto(f"/admin/product?sku={product.sku}")
    page.get_by_label("Title").fill("Typed before lunch")
    log_out_in_another_tab(page)
    # The page does not go to the login by itself.
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("You are logged out. What you typed is still here", timeout=PATIENCE_MS)
    save(page)
    expect(alert).to_have_count(1)
    expect(alert).to_contain_text("nothing is done yet")
    staff.expect_status(401)
    below = page.locator("[data-product-form]").bounding_box()
    above = alert.bounding_box()
    assert above is not None
    assert below is not None
    assert above["y"] < below["y"]
    with page.expect_popup() as opened:
        alert.get_by_role("link", name="Log in in a new tab").click()
    log_in(opened.value)
    opened.value.close()
    expect(page.get_by_label("Title")).to_have_value("Typed before lunch")
    expect(alert).to_have_count(0, timeout=PATIENCE_MS)
    save(page)
    expect(page.get_by_text("Typed before lunch is saved.")).to_be_visible()
    staff.expect_status(400)


def test_somebody_else_is_asked_before_it_is_saved_as_theirs(staff: Watched) -> None:
    page = staff.page
    page.goto("/admin/product")
    page.get_by_label("SKU").fill("OLD-1")
    page.get_by_label("Title").fill("A mug of two")
    log_out_in_another_tab(page)
    other = page.context.new_page()
    other.goto("/admin/login")
    log_in(other, ADMIN)
    other.close()
    save(page)
    expect(page.get_by_role("alert")).to_contain_text("You are logged in as somebody else by now")
    staff.expect_status(400)
    save(page)
    expect(page.get_by_text("A mug of two is saved.")).to_be_visible()


def test_a_value_of_the_list_and_an_upload_go_on_after_another_login(staff: Watched, workshop: Shop) -> None:
    page, product = staff.page, workshop.products[6]
    page.goto(f"/admin/products?words={product.sku}")
    imports = page.context.new_page()
    # It would go to the login by itself, as nothing is typed there.
    imports.route("**/admin/imports/live", lambda route: route.abort())
    imports.goto("/admin/imports")
    log_out_in_another_tab(page)
    other = page.context.new_page()
    other.goto("/admin/login")
    log_in(other)
    row = page.locator(f"tr[data-sku='{product.sku}']")
    row.get_by_role("button", name=f"edit the stock of {product.title}").click()
    page.keyboard.type("77")
    page.keyboard.press("Enter")
    expect(row.get_by_text("Saved.")).to_be_visible()
    staff.expect_status(400)
    catalogue = {"name": "mugs.csv", "mimeType": "text/csv", "buffer": b"sku,title\nA-1,Mug\n"}
    imports.set_input_files("#files", catalogue)  # type: ignore[arg-type]
    expect(imports.get_by_role("heading", name="mugs.csv")).to_be_visible()
