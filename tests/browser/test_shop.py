"""What a shopper does, in a browser: with a mouse, with a keyboard, on a phone, with and without scripts."""

import io
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PHONE, Shop, Watched

Open = Callable[..., Watched]


def photo(shop: Shop, index: int) -> dict[str, object]:
    """A product's picture as a shopper might have it: larger, and another file."""
    file = io.BytesIO()
    shop.products[index].draw(300).save(file, "PNG")
    return {"name": "photo.png", "mimeType": "image/png", "buffer": file.getvalue()}


def titles(page: Page) -> list[str]:
    page.wait_for_load_state("domcontentloaded")
    return [text.strip() for text in page.locator(".shop-results .card-title").all_inner_texts()]


@pytest.mark.parametrize("scripts", [True, False])
def test_words_find_what_they_describe(open_page: Open, shop: Shop, scripts: bool) -> None:
    page = open_page(scripts=scripts).page
    wanted = next(product for product in shop.products if product.truth.kind == "mug")
    page.get_by_label("What are you looking for?").fill(f"{wanted.truth.colour} {wanted.truth.kind}")
    page.get_by_role("button", name="Search", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("mug")
    assert wanted.title in titles(page)[:4]


def test_a_price_filter_works_without_scripts(open_page: Open, shop: Shop) -> None:
    page = open_page("/", scripts=False).page
    page.get_by_label("From", exact=True).fill("20")
    page.get_by_label("To", exact=True).fill("40")
    page.get_by_role("button", name="Apply filters").click()
    passing = [one for one in shop.products if 20 <= (one.sale_price or one.price) <= 40]
    number = len({one.item_group or one.sku for one in passing})
    expect(page.get_by_role("status").filter(has_text="of")).to_contain_text(f"of {number} products")
    page.get_by_role("link", name="Remove the filter $20.00 to $40.00").click()
    expect(page.get_by_label("From", exact=True)).to_have_value("")


def test_an_order_is_applied_by_a_button_without_scripts(open_page: Open) -> None:
    page = open_page("/", scripts=False).page
    page.get_by_label("Sort by").select_option("price_asc")
    page.get_by_role("button", name="Apply", exact=True).click()
    assert "sort=price_asc" in page.url


def test_an_order_is_applied_at_once_with_scripts_and_the_address_stays_tidy(open_page: Open, shop: Shop) -> None:
    page = open_page("/").page
    expect(page.get_by_role("button", name="Apply", exact=True)).to_be_hidden()
    with page.expect_navigation():
        page.get_by_label("Sort by").select_option("price_desc")
    assert page.url == f"{shop.url}/?sort=price_desc"


def test_words_not_yet_searched_for_go_along_with_the_filters(open_page: Open, shop: Shop) -> None:
    page = open_page("/?q=lamp").page
    page.get_by_label("What are you looking for?").fill("red shoe")
    page.get_by_label("In stock only").check()
    page.get_by_role("button", name="Apply filters").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("“red shoe”")
    assert page.url == f"{shop.url}/?q=red+shoe&in_stock=true"


def test_categories_and_brands_narrow_the_result(open_page: Open, shop: Shop) -> None:
    page = open_page("/").page
    page.get_by_role("navigation", name="Category").get_by_role("link", name="Kitchen").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Kitchen")
    brand = next(product.brand for product in shop.products if product.category.startswith("Kitchen/"))
    page.get_by_role("checkbox", name=brand).check()
    page.get_by_role("button", name="Apply filters").click()
    wanted = [p for p in shop.products if p.brand == brand and p.category.startswith("Kitchen/")]
    assert sorted(titles(page)) == sorted(product.title for product in wanted)
    page.get_by_role("link", name="Clear all").click()
    expect(page.locator(".chip")).to_have_count(0)


def test_a_product_page_leads_to_more_like_it(open_page: Open, shop: Shop) -> None:
    page = open_page("/?sort=price_asc").page
    first = titles(page)[0]
    page.get_by_role("link", name=first, exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(first)
    expect(page.get_by_role("navigation", name="Breadcrumb").get_by_role("link")).not_to_have_count(1)
    like = page.get_by_role("region", name="More like this").get_by_role("article").get_by_role("link")
    expect(like).to_have_count(8)
    title = like.first.inner_text()
    like.first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(title)


def test_a_dropped_picture_finds_the_product_it_shows(open_page: Open, shop: Shop) -> None:
    page = open_page("/").page
    dropped = page.evaluate_handle(
        """bytes => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([new Uint8Array(bytes)], "photo.png", { type: "image/png" }));
            return transfer;
        }""",
        list(bytes(photo(shop, 7)["buffer"])),  # type: ignore[call-overload]
    )
    page.dispatch_event("body", "dragenter", {"dataTransfer": dropped})
    with page.expect_navigation():
        page.dispatch_event("body", "drop", {"dataTransfer": dropped})
    expect(page.get_by_role("heading", level=1)).to_have_text("Products like your picture")
    expect(page.get_by_alt_text("The picture you searched with")).to_be_visible()
    assert shop.products[7].title in titles(page)[:3]


def test_a_chosen_picture_can_be_filtered_and_paged_without_scripts(open_page: Open, shop: Shop) -> None:
    page = open_page("/", scripts=False).page
    page.get_by_text("Search with a picture").click()
    page.get_by_label("A picture of something like it").set_input_files(photo(shop, 11))  # type: ignore[arg-type]
    page.get_by_role("button", name="Find similar").click()
    first = titles(page)
    assert shop.products[11].title in first[:3]
    page.get_by_role("button", name="Next page").click()
    expect(page.get_by_role("status").filter(has_text="of")).to_contain_text("25–")
    assert not set(first) & set(titles(page))
    page.get_by_role("switch", name="In stock only").check()
    page.get_by_role("button", name="Apply filters").click()
    expect(page.get_by_alt_text("The picture you searched with")).to_be_visible()
    page.get_by_role("button", name="Remove the filter in stock").click()
    assert titles(page) == first


def test_a_file_that_is_no_picture_is_refused_beside_its_field(open_page: Open) -> None:
    watched = open_page("/", scripts=False)
    page = watched.page
    page.get_by_text("Search with a picture").click()
    text = {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": b"words"}
    page.get_by_label("A picture of something like it").set_input_files(text)  # type: ignore[arg-type]
    page.get_by_role("button", name="Find similar").click()
    expect(page.get_by_role("alert")).to_contain_text("not a picture")
    watched.expect_status(422)


def test_a_page_without_results_helps_on(open_page: Open) -> None:
    page = open_page("/?q=lamp&price_max=0.01&in_stock=true").page
    expect(page.get_by_role("heading", name="Nothing passes these filters")).to_be_visible()
    page.get_by_role("link", name="Without up to $0.01").click()
    expect(page.locator(".chip")).to_have_count(1)
    assert titles(page)


def test_a_mistake_is_marked_at_its_field(open_page: Open) -> None:
    watched = open_page("/?price_min=9&price_max=5")
    field = watched.page.get_by_label("From", exact=True)
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description("The lowest price is above the highest.")
    watched.expect_status(422)


def test_a_search_needs_no_mouse(open_page: Open, shop: Shop) -> None:
    page = open_page("/").page
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    expect(page.get_by_role("link", name="Skip to the content")).to_be_in_viewport()
    for _ in range(2):
        page.keyboard.press("Tab")
    expect(page.get_by_label("What are you looking for?")).to_be_focused()
    page.keyboard.type("blue shoe")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("“blue shoe”")
    first = page.locator(".shop-results .card-title a").first
    for _ in range(80):
        page.keyboard.press("Tab")
        if first.evaluate("link => link === document.activeElement"):
            break
    expect(first).to_be_focused()
    title = first.inner_text()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(title)


@pytest.mark.parametrize("scripts", [True, False])
def test_the_filters_of_a_phone_open_and_close(open_page: Open, scripts: bool) -> None:
    page = open_page("/", scripts=scripts, viewport=PHONE).page
    price = page.get_by_label("To", exact=True)
    expect(price).to_be_hidden()
    page.get_by_role("link", name="Filters").click()
    expect(price).to_be_visible()
    if scripts:
        expect(page.get_by_role("link", name="Close the filters")).to_be_focused()
        page.keyboard.press("Escape")
        expect(page.get_by_role("link", name="Filters")).to_be_focused()
    else:
        page.get_by_role("link", name="Close the filters").click()
    expect(price).to_be_hidden()
    page.get_by_role("link", name="Filters").click()
    price.fill("50")
    page.get_by_role("button", name="Apply filters").click()
    expect(page.get_by_role("link", name="Remove the filter up to $50.00")).to_be_visible()
    expect(price).to_be_hidden()
