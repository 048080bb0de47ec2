"""Pages that follow by themselves, by a button, or by a link."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.conftest import PHONE, Shop, Watched
from tests.browser.test_shop import photo

Open = Callable[..., Watched]


def cards(page: Page) -> list[str]:
    return page.locator(".shop-results .card-title").all_inner_texts()


def all_of(shop: Shop) -> int:
    """Cards of the whole shop: one of several variants, and the unwieldy product."""
    return len({one.item_group or one.sku for one in shop.products}) + 1


def test_the_next_products_come_when_the_end_comes_into_view(open_page: Open, shop: Shop) -> None:
    page = open_page("/").page
    expect(page.locator(".card-product")).to_have_count(24)
    page.mouse.move(700, 700)
    for _ in range(40):
        page.mouse.wheel(0, 1500)
        if len(cards(page)) == all_of(shop):
            break
        page.wait_for_timeout(50)
    expect(page.locator(".card-product")).to_have_count(all_of(shop))
    assert len(set(page.locator(".card-title a").evaluate_all("all => all.map(link => link.href)"))) == all_of(shop)
    expect(page.locator(".results-count")).to_contain_text(f"1–{all_of(shop)} of {all_of(shop)} products")
    expect(page.get_by_role("button", name="Load more")).to_have_count(0)
    assert page.url == f"{shop.url}/"


def test_a_keyboard_loads_them_by_the_button_and_goes_on_at_the_first(open_page: Open) -> None:
    page = open_page("/").page
    page.locator(".card-title a").last.focus()
    page.keyboard.press("Tab")
    button = page.get_by_role("button", name="Load more")
    expect(button).to_be_focused()
    expect(page.locator(".card-product")).to_have_count(24)
    page.keyboard.press("Enter")
    expect(page.locator(".card-product")).to_have_count(48)
    expect(page.locator(".card-title a").nth(24)).to_be_focused()
    expect(page.get_by_role("status").filter(has_text="are shown")).to_have_text("48 products are shown.")


def test_who_comes_back_finds_the_place(open_page: Open) -> None:
    page = open_page("/", viewport=PHONE).page
    page.get_by_role("button", name="Load more").scroll_into_view_if_needed()
    expect(page.locator(".card-product")).to_have_count(48)
    wanted = page.locator(".card-title a").nth(40)
    title = wanted.inner_text()
    wanted.scroll_into_view_if_needed()
    page.wait_for_timeout(300)  # the place is kept once the page has come to rest
    top = page.evaluate("scrollY")
    wanted.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(title)
    page.go_back()
    expect(page.locator(".card-product").nth(47)).to_be_attached()
    page.wait_for_function("top => Math.abs(scrollY - top) < 400", arg=top)


def test_a_page_that_does_not_come_can_be_asked_for_again(open_page: Open) -> None:
    watched = open_page("/")
    page = watched.page
    page.route("**part=1*", lambda route: route.fulfill(status=500, body=""))
    page.get_by_role("button", name="Load more").click()
    expect(page.get_by_role("alert").filter(has_text="could not be loaded")).to_be_visible()
    page.unroute("**part=1*")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".card-product").nth(47)).to_be_attached()
    watched.expect_status(500)


def test_a_result_that_is_gone_leads_to_its_beginning(open_page: Open, shop: Shop) -> None:
    watched = open_page("/")
    page = watched.page
    page.route("**part=1*", lambda route: route.fulfill(status=410, body=""))
    page.get_by_role("button", name="Load more").click()
    page.get_by_role("link", name="See it anew").click()
    assert page.url == f"{shop.url}/"
    watched.expect_status(410)


def test_a_picture_goes_along(open_page: Open, shop: Shop) -> None:
    page = open_page("/").page
    page.get_by_text("Search with a picture").click()
    with page.expect_navigation():
        page.get_by_label("A picture of something like it").set_input_files(photo(shop, 3))  # type: ignore[arg-type]
    expect(page.get_by_alt_text("The picture you searched with")).to_be_visible()
    page.get_by_role("button", name="Load more").click()
    expect(page.locator(".card-product").nth(40)).to_be_attached()
    assert len(cards(page)) > 40


def test_without_scripts_a_link_leads_on(open_page: Open) -> None:
    page = open_page("/", scripts=False).page
    first = cards(page)
    page.get_by_role("link", name="Next page").click()
    expect(page.locator(".results-count")).to_contain_text("25–48 of")
    assert not set(first) & set(cards(page))
    page.get_by_role("link", name="Back to the first page").click()
    assert cards(page) == first
