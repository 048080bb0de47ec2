"""Values of the product list changed where they stand, by mouse and by keyboard."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import ADMIN, PHONE, STAFF, Shop, Watched, watched_pages
from tests.browser.test_admin import log_in
from tests.browser.test_merchandiser import serious

Open = Callable[..., Watched]


@pytest.fixture
def open_page(browser: Browser, workshop: Shop) -> Iterator[Open]:
    with watched_pages(browser, workshop.url) as open_one:
        yield open_one


@pytest.fixture
def staff(open_page: Open) -> Watched:
    """Somebody who looks at the list."""
    watched = open_page("/admin/products?order=sku")
    log_in(watched)
    expect(watched.page.get_by_role("heading", name="Products")).to_be_visible()
    return watched


@pytest.fixture
def page(staff: Watched) -> Page:
    return staff.page


def row_of(page: Page, shop: Shop, number: int) -> Locator:
    return page.locator(f'tr[data-sku="{shop.products[number].sku}"]')


def value(row: Locator, name: str) -> Locator:
    return row.get_by_role("button", name=f"edit the {name} of")


def stored(page: Page, shop: Shop, number: int) -> dict[str, object]:
    found: dict[str, object] = page.request.get(f"/api/v1/products/{shop.products[number].sku}").json()
    return found


def test_a_price_is_changed_by_the_keyboard_alone_and_taken_back(page: Page, workshop: Shop) -> None:
    row, before = row_of(page, workshop, 0), stored(page, workshop, 0)
    price = value(row, "price")
    price.focus()
    page.keyboard.press("Enter")
    field = row.get_by_label("Price of")
    expect(field).to_be_focused()
    page.keyboard.type("77.5")
    page.keyboard.press("Enter")
    expect(price).to_be_focused()
    expect(price).to_contain_text("77.50")
    expect(row.get_by_text("Saved.")).to_be_visible()
    expect(page.get_by_role("status").filter(has_text="is saved.")).to_have_count(1)
    assert serious(page) == []
    assert stored(page, workshop, 0)["price"] == 77.5
    assert "/admin/products?order=sku" in page.url
    row.get_by_role("button", name="Undo").focus()
    page.keyboard.press("Enter")
    expect(row.get_by_text("It is as it was before.")).to_be_visible()
    expect(price).to_be_focused()
    assert stored(page, workshop, 0)["price"] == before["price"]


def test_escape_restores_and_writes_nothing(page: Page, workshop: Shop) -> None:
    row, before = row_of(page, workshop, 1), stored(page, workshop, 1)
    value(row, "stock").click()
    row.get_by_label("Stock of").fill("99999")
    page.keyboard.press("Escape")
    expect(value(row, "stock")).to_be_focused()
    expect(row.get_by_label("Stock of")).to_have_count(0)
    page.reload()
    assert stored(page, workshop, 1)["stock"] == before["stock"]


def test_who_leaves_by_a_link_has_it_saved(page: Page, workshop: Shop) -> None:
    row = row_of(page, workshop, 8)
    value(row, "stock").click()
    row.get_by_label("Stock of").fill("4321")
    page.get_by_role("link", name="Changes").click()
    expect(page.get_by_role("heading", name="Changes")).to_be_visible()
    # It is saved beside the page that was asked for, and may be written after that is shown.
    for _ in range(20):
        if stored(page, workshop, 8)["stock"] == 4321:
            break
        page.wait_for_timeout(500)
    page.goto(f"/admin/products?words={workshop.products[8].sku}")
    expect(value(row_of(page, workshop, 8), "stock")).to_contain_text("4321")


def test_each_kind_of_value_is_changed_and_leaving_a_field_saves_it(page: Page, workshop: Shop) -> None:
    row = row_of(page, workshop, 2)
    row.get_by_role("checkbox").check()
    value(row, "title").click()
    row.get_by_label("Title of").fill("A thing of beauty")
    page.keyboard.press("Tab")
    expect(row.get_by_role("link", name="A thing of beauty")).to_be_visible()
    value(row, "category").click()
    row.get_by_label("Category of").fill("Wonders/Small")
    page.keyboard.press("Enter")
    expect(value(row, "category")).to_contain_text("Wonders/Small")
    value(row, "stock").click()
    row.get_by_label("Stock of").fill("")
    page.keyboard.press("Enter")
    expect(value(row, "stock")).to_contain_text("not counted")
    value(row, "status").click()
    row.get_by_label("Status of").select_option("draft")
    page.keyboard.press("Enter")
    expect(value(row, "status")).to_contain_text("draft")
    expect(row.get_by_role("checkbox")).to_be_checked()
    page.reload()
    expect(row_of(page, workshop, 2)).to_contain_text("A thing of beauty")
    page.goto("/admin/changes")
    edits = page.get_by_role("row").filter(has_text="edit in the list").filter(has_text=workshop.products[2].sku)
    expect(edits).to_have_count(4)
    expect(edits.first).to_contain_text(STAFF[0])


def test_what_is_refused_is_said_at_the_field_and_can_be_put_right(staff: Watched, workshop: Shop) -> None:
    page = staff.page
    row = row_of(page, workshop, 3)
    value(row, "price").click()
    field = row.get_by_label("Price of")
    field.fill("cheap")
    page.keyboard.press("Enter")
    expect(row.get_by_role("alert")).to_have_text("'cheap' is not a number.")
    staff.expect_status(422)
    expect(field).to_be_focused()
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_value("cheap")
    assert serious(page) == []
    field.fill("931")
    page.keyboard.press("Enter")
    expect(value(row, "price")).to_contain_text("931.00")


def test_a_change_by_somebody_else_is_told_before_it_is_written_over(
    staff: Watched, open_page: Open, workshop: Shop
) -> None:
    page, other = staff.page, open_page("/admin/products?order=sku")
    log_in(other, name=ADMIN[0])
    theirs, mine = row_of(other.page, workshop, 4), row_of(page, workshop, 4)
    value(mine, "stock").click()
    value(theirs, "stock").click()
    theirs.get_by_label("Stock of").fill("41")
    other.page.keyboard.press("Enter")
    expect(value(theirs, "stock")).to_contain_text("41")
    mine.get_by_label("Stock of").fill("17")
    page.keyboard.press("Enter")
    expect(mine.get_by_role("alert")).to_contain_text(f"{ADMIN[0]} has changed this meanwhile: it is 41 now.")
    staff.expect_status(409)
    assert stored(page, workshop, 4)["stock"] == 41
    page.keyboard.press("Escape")
    expect(value(mine, "stock")).to_contain_text("41")
    value(mine, "stock").click()
    mine.get_by_label("Stock of").fill("17")
    page.keyboard.press("Enter")
    expect(value(mine, "stock")).to_contain_text("17")
    assert stored(page, workshop, 4)["stock"] == 17


def test_a_lost_connection_keeps_what_was_typed(staff: Watched, workshop: Shop) -> None:
    page, row = staff.page, row_of(staff.page, workshop, 5)
    value(row, "price").click()
    row.get_by_label("Price of").fill("12")
    page.context.set_offline(True)
    page.keyboard.press("Enter")
    expect(row.get_by_role("alert")).to_contain_text("The connection is lost, and nothing is saved.")
    page.context.set_offline(False)
    staff.errors.clear()  # the browser's own word on the lost connection
    page.keyboard.press("Enter")
    expect(value(row, "price")).to_contain_text("12.00")


def test_on_a_phone_a_row_is_stacked_and_nothing_is_wider_than_the_screen(open_page: Open, workshop: Shop) -> None:
    watched = open_page("/admin/products?order=sku", viewport=PHONE)
    page = watched.page
    log_in(watched)
    row = row_of(page, workshop, 6)
    value(row, "price").click()
    box = row.get_by_label("Price of").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= PHONE["width"]
    for width in (320, 390):
        page.set_viewport_size({"width": width, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert serious(page) == []


def test_without_scripts_the_list_leads_to_the_form(open_page: Open, workshop: Shop) -> None:
    watched = open_page("/admin/products?order=sku", scripts=False)
    log_in(watched)
    page = watched.page
    expect(page.locator(".cell-value")).to_have_count(0)
    expect(page.locator("#how-to-edit")).to_be_hidden()
    row_of(page, workshop, 7).get_by_role("link").click()
    expect(page.get_by_label("Price", exact=True)).to_be_visible()
