"""The filter column: lists to tick, prices to slide, and what was understood of the words."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PHONE, Shop, Watched

Open = Callable[..., Watched]


def count(page: Page) -> str:
    return page.locator(".results-count").inner_text()


@pytest.mark.parametrize("scripts", [True, False])
def test_details_are_ticked_and_taken_away_again(open_page: Open, scripts: bool) -> None:
    page = open_page("/", scripts=scripts).page
    group = page.locator("details.attribute").first
    box = group.get_by_role("checkbox").first
    name = group.locator("label").first.locator("span").inner_text()
    number = group.locator("label").first.locator("b").inner_text()
    label = group.get_by_role("heading").inner_text()
    box.check()
    page.get_by_role("button", name="Apply filters").click()
    expect(page.locator(".results-count")).to_contain_text(f"of {number} product")
    expect(page.locator("details.attribute").first.get_by_role("checkbox", checked=True)).to_have_count(1)
    page.get_by_role("link", name=f"Remove the filter {label}: {name}").click()
    expect(page.locator(".chip")).to_have_count(0)


def test_a_closed_list_opens_by_keyboard(open_page: Open) -> None:
    page = open_page("/").page
    group = page.locator("details.attribute").last
    expect(group.get_by_role("checkbox").first).to_be_hidden()
    group.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(group.get_by_role("checkbox").first).to_be_visible()


def test_prices_slide_by_keyboard_and_fill_the_fields(open_page: Open) -> None:
    page = open_page("/").page
    lowest, highest = page.get_by_label("Lowest price, to slide"), page.get_by_label("Highest price, to slide")
    expect(lowest).to_have_attribute("aria-valuetext", "any price")
    lowest.focus()
    for _ in range(6):
        page.keyboard.press("ArrowRight")
    start = page.get_by_label("From", exact=True).input_value()
    assert float(start) > 0
    expect(lowest).to_have_attribute("aria-valuetext", f"from ${float(start):,.2f}")
    highest.focus()
    page.keyboard.press("Home")  # not below the lower one
    assert page.get_by_label("To", exact=True).input_value() == start
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    end = page.get_by_label("To", exact=True).input_value()
    page.get_by_role("button", name="Apply filters").click()
    chip = f"Remove the filter ${float(start):,.2f} to ${float(end):,.2f}"
    expect(page.get_by_role("link", name=chip)).to_be_visible()
    assert int(page.get_by_label("Lowest price, to slide").input_value()) == 6


def test_the_sliders_follow_what_is_typed_and_an_end_is_no_bound(open_page: Open) -> None:
    page = open_page("/").page
    slider = page.get_by_label("Highest price, to slide")
    last = slider.get_attribute("max")
    page.get_by_label("To", exact=True).fill("15")
    assert 0 < int(slider.input_value()) < int(last or 0)
    assert page.locator("rect.is-chosen").count() < page.locator("rect").count()
    slider.focus()
    page.keyboard.press("End")
    expect(page.get_by_label("To", exact=True)).to_have_value("")
    expect(slider).to_have_attribute("aria-valuetext", "any price")


def test_both_ends_of_the_prices_can_be_taken_hold_of(open_page: Open) -> None:
    page = open_page("/").page
    box = page.locator("[data-prices]").bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    for label, start, end in (("From", box["x"], 60), ("To", box["x"] + box["width"], -60)):
        page.mouse.move(start, middle)
        page.mouse.down()
        page.mouse.move(start + end, middle, steps=4)
        page.mouse.up()
        expect(page.get_by_label(label, exact=True)).not_to_have_value("")


def test_without_scripts_there_are_no_sliders(open_page: Open) -> None:
    page = open_page("/", scripts=False).page
    expect(page.get_by_label("Lowest price, to slide")).to_be_hidden()
    expect(page.get_by_role("img", name="How many products there are at each price")).to_be_visible()
    expect(page.get_by_label("From", exact=True)).to_be_visible()


@pytest.mark.parametrize("viewport", [PHONE, None])
def test_what_was_understood_is_shown_and_can_be_taken_away(
    open_page: Open, shop: Shop, viewport: dict[str, int] | None
) -> None:
    page = open_page("/?q=shirt+under+500&in_stock=true", viewport=viewport).page
    expect(page.locator(".chip")).to_have_text(["under 500", "in stock"])
    page.get_by_role("link", name="Remove the filter under 500").click()
    assert page.url == f"{shop.url}/?q=shirt&in_stock=true"


def test_a_slip_is_put_right_and_can_be_insisted_on(open_page: Open, shop: Shop) -> None:
    page = open_page("/?q=yelow+shirt").page
    expect(page.get_by_text("Showing results for yellow shirt.")).to_be_visible()
    page.get_by_role("link", name="Search for “yelow shirt” as typed").click()
    expect(page.get_by_text("Showing results for")).to_have_count(0)
    # Other words are corrected again.
    page.get_by_label("What are you looking for?").fill("yelow mug")
    page.get_by_role("button", name="Apply filters").click()
    expect(page.get_by_text("Showing results for yellow mug.")).to_be_visible()
    assert "verbatim" not in page.url


def test_an_unknown_brand_becomes_a_word(open_page: Open) -> None:
    page = open_page("/?q=shoe+brand:nike").page
    expect(page.get_by_role("heading", name="The shop has no brand “nike”")).to_be_visible()
    page.get_by_role("link", name="Search for “nike” as a word").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("“shoe nike”")


def test_what_comes_not_near_is_shown_only_on_demand(open_page: Open, shop: Shop) -> None:
    mug = next(one for one in shop.products if one.truth.kind == "mug")
    page = open_page(f"/?q=brown+boot&category={mug.category}").page
    if page.get_by_role("heading", name="Nothing here comes near").count():
        page.get_by_role("link", name="Show the nearest anyway").click()
    else:
        page.get_by_role("link", name="Show what is less near, too").click()
    expect(page.get_by_text("Products that are less near are shown, too.")).to_be_visible()
    assert page.locator(".card-product").count()


def test_like_this_but_otherwise(open_page: Open, shop: Shop) -> None:
    page = open_page(f"/p/{shop.products[0].sku}").page
    page.get_by_label("Like this, but …").fill("blue, without stripes")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Like this, but “blue, without stripes”")
    expect(page.get_by_role("link", name=shop.products[0].title)).to_be_visible()
    expect(page.locator(".chip")).to_have_text(["without stripes"])
    # Words that were changed go along with the filters.
    page.get_by_label("Like this, but …").fill("red")
    page.get_by_label("In stock only").check()
    page.get_by_role("button", name="Apply filters").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Like this, but “red”")
    assert page.url == f"{shop.url}/like/{shop.products[0].sku}?q=red&in_stock=true"
