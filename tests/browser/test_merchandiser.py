"""A merchandiser's first day: everything by the browser, against a real server with its worker."""

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from playwright.sync_api import Browser, Page, expect

from server.demo import DEMO_SEED, draw_catalogue
from tests.browser.conftest import PICTURE_SIZE, STAFF, WORKSHOP_PRODUCTS, Shop, Watched, watched_pages

Open = Callable[..., Watched]
NAME, _, PASSWORD = STAFF
# The worker embeds a few dozen pictures meanwhile, on a machine that may be busy.
PATIENCE_MS = 60_000


@pytest.fixture
def open_page(browser: Browser, workshop: Shop) -> Iterator[Open]:
    with watched_pages(browser, workshop.url) as open_one:
        yield open_one


@pytest.fixture
def staff(open_page: Open) -> Watched:
    """Somebody who is logged in."""
    watched = open_page("/admin/login")
    page = watched.page
    page.get_by_label("Name", exact=True).fill(NAME)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Operations")).to_be_visible()
    return watched


@pytest.fixture
def page(staff: Watched) -> Page:
    return staff.page


def drawn(folder: Path, number: int) -> Path:
    """A picture of something that the workshop does not sell yet."""
    product = list(draw_catalogue(WORKSHOP_PRODUCTS + number + 1, DEMO_SEED + 1))[-1]
    path = folder / f"picture-{number}.png"
    product.draw(PICTURE_SIZE).save(path)
    return path


def test_a_product_with_three_pictures_is_found_by_how_it_looks(page: Page, open_page: Open, tmp_path: Path) -> None:
    product = next(one for one in draw_catalogue(400, 77) if one.category == "Bags/Backpacks")
    pictures = [drawn(tmp_path, 0), drawn(tmp_path, 1), tmp_path / "backpack.png"]
    product.draw(PICTURE_SIZE).save(pictures[2])
    page.get_by_role("link", name="Products").click()
    page.get_by_role("link", name="New product").click()
    page.get_by_label("SKU").fill("DAY-1")
    page.get_by_label("Title").fill("The wanderer's friend")
    page.get_by_label("Price", exact=True).fill("39.90")
    page.set_input_files("#pictures", [str(path) for path in pictures])
    expect(page.locator("[data-gallery] li")).to_have_count(3)
    # The third one is what it is to be found by.
    page.locator("[data-gallery] li").nth(2).get_by_label("Place").fill("1")
    page.keyboard.press("Tab")
    page.locator("[data-gallery] li").first.get_by_label("What it shows").fill("a backpack")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The wanderer's friend is saved.")).to_be_visible()
    expect(page.get_by_text("Shoppers find it by its picture")).to_be_visible()
    expect(page.get_by_role("img", name="a backpack")).to_be_visible()
    # Words that its text does not have.
    shopper = open_page("/?q=backpack").page
    expect(shopper.get_by_role("link", name="The wanderer's friend").first).to_be_visible()
    shopper.get_by_role("link", name="The wanderer's friend").first.click()
    expect(shopper.get_by_role("img", name="a backpack")).to_be_visible()
    expect(shopper.locator(".product-more img")).to_have_count(2)
    picture, more = (shopper.locator(part).bounding_box() for part in (".product-picture", ".product-more"))
    assert picture is not None
    assert more is not None
    assert more["y"] >= picture["y"] + picture["height"]


def test_a_mistake_keeps_what_was_typed_and_the_pictures(staff: Watched, tmp_path: Path) -> None:
    watched, page = staff, staff.page
    page.goto("/admin/product")
    page.get_by_label("SKU").fill("DAY-2")
    page.get_by_label("Title").fill("A lamp")
    page.get_by_label("Price", exact=True).fill("cheap")
    page.set_input_files("#pictures", str(drawn(tmp_path, 2)))
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("'cheap' is not a number")).to_be_visible()
    expect(page.get_by_label("Price", exact=True)).to_be_focused()
    watched.expect_status(422)
    page.get_by_label("Price", exact=True).fill("12")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("A lamp is saved.")).to_be_visible()
    expect(page.locator("[data-gallery] li")).to_have_count(1)


def test_an_alt_text_typed_behind_a_new_place_is_kept(staff: Watched, tmp_path: Path) -> None:
    page = staff.page
    page.goto("/admin/product")
    page.get_by_label("SKU").fill("DAY-4")
    page.get_by_label("Title").fill("A bowl")
    page.set_input_files("#pictures", [str(drawn(tmp_path, number)) for number in (5, 6, 7)])
    items = page.locator("[data-gallery] li")
    places, shows = items.get_by_label("Place"), items.get_by_label("What it shows")
    places.nth(2).fill("1")
    page.keyboard.press("Tab")
    page.keyboard.type("once the third")
    expect(shows.first).to_have_value("once the third")
    places.nth(1).fill("3")
    page.keyboard.press("Shift+Tab")
    # Before it stands the second one now, whose last control is its button.
    expect(items.nth(1).get_by_role("button", name="Take away")).to_be_focused()
    # Who clicks elsewhere is there, and not in the place that moved.
    places.nth(2).fill("1")
    page.get_by_label("Description").click()
    page.keyboard.type("deep")
    expect(page.get_by_label("Description")).to_have_value("deep")
    expect(places.first).to_have_value("1")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("A bowl is saved.")).to_be_visible()
    # Stored pictures move by the same keys.
    places.nth(2).fill("1")
    page.keyboard.press("Tab")
    expect(shows.first).to_be_focused()


def test_a_refused_picture_is_named_and_the_others_stay(staff: Watched, tmp_path: Path) -> None:
    watched, page = staff, staff.page
    torn = tmp_path / "torn apart.png"
    torn.write_bytes(drawn(tmp_path, 3).read_bytes()[:900])
    page.goto("/admin/product")
    page.get_by_label("SKU").fill("DAY-3")
    page.get_by_label("Title").fill("A chair")
    page.set_input_files("#pictures", [str(drawn(tmp_path, 4)), str(torn)])
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("1 picture cannot be taken")
    expect(page.locator("#pictures-said")).to_contain_text("torn apart.png: The picture is damaged or cut short.")
    expect(page.locator("#pictures")).to_have_attribute("aria-describedby", "pictures-said")
    assert serious(page) == []
    watched.expect_status(422)
    expect(page.locator("[data-gallery] li")).to_have_count(2)
    page.locator("[data-gallery] li").nth(1).get_by_role("button", name="Take away").click()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("A chair is saved.")).to_be_visible()
    expect(page.locator("[data-gallery] li")).to_have_count(1)


def test_a_parquet_file_is_imported_and_its_bad_rows_are_mended(page: Page, tmp_path: Path) -> None:
    rows = []
    for number, product in enumerate(draw_catalogue(24, DEMO_SEED + 2)):
        file = io.BytesIO()
        product.draw(PICTURE_SIZE).save(file, "PNG")
        price = "cheap" if number in (5, 9) else str(product.price)
        rows.append({"code": f"PQ-{number}", "label": product.title, "cost": price, "photo": file.getvalue()})
    path = tmp_path / "outdoor.parquet"
    pq.write_table(pa.Table.from_pylist(rows), path)
    page.get_by_role("link", name="Imports").click()
    page.set_input_files("#files", str(path))
    expect(page.get_by_role("heading", name="outdoor.parquet")).to_be_visible()
    for column, field in (("code", "sku"), ("label", "title"), ("cost", "price"), ("photo", "image")):
        page.get_by_label(column, exact=True).select_option(field)
    page.get_by_role("button", name="Check it first").click()
    expect(page.get_by_text("22 would be new")).to_be_visible(timeout=PATIENCE_MS)
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_text("22 new")).to_be_visible(timeout=PATIENCE_MS)
    with page.expect_download() as started:
        page.get_by_role("link", name="Download the refused rows").click()
    refused = tmp_path / started.value.suggested_filename
    started.value.save_as(refused)
    mended = mend(refused, tmp_path)
    page.get_by_role("link", name="Imports", exact=True).first.click()
    page.set_input_files("#files", str(mended))
    for column, field in (("code", "sku"), ("label", "title"), ("cost", "price"), ("photo", "image")):
        page.get_by_label(column, exact=True).select_option(field)
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_text("2 new, 0 updated, 0 unchanged, 0 refused")).to_be_visible(timeout=PATIENCE_MS)
    page.goto("/admin/products?words=PQ-")
    expect(page.get_by_text("24 products")).to_be_visible()


def mend(refused: Path, folder: Path) -> Path:
    """The refused rows with a price each, as a person would write it into the file."""
    import zipfile

    mended = folder / "mended.zip"
    with zipfile.ZipFile(refused) as old, zipfile.ZipFile(mended, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name.endswith(".csv"):
                rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))
                assert [row["error_field"] for row in rows] == ["price", "price"]
                out = io.StringIO()
                writer = csv.DictWriter(out, list(rows[0]))
                writer.writeheader()
                writer.writerows({**row, "cost": "9.90"} for row in rows)
                data = out.getvalue().encode()
            new.writestr(name, data)
    return mended


def test_a_product_is_hidden_and_comes_back(page: Page, open_page: Open, workshop: Shop) -> None:
    product = workshop.products[3]
    page.goto(f"/admin/products?words={product.sku}")
    page.get_by_label(product.title).check()
    page.get_by_label("What", exact=True).select_option("hide")
    page.get_by_role("button", name="Change", exact=True).click()
    expect(page.get_by_text("1 product is changed.")).to_be_visible()
    gone = open_page(f"/p/{product.sku}")
    expect(gone.page.get_by_text("There is no product")).to_be_visible()
    gone.expect_status(404)
    page.get_by_role("button", name="Undo the last change").click()
    expect(page.get_by_text("It is as it was before.")).to_be_visible()
    expect(open_page(f"/p/{product.sku}").page.get_by_role("heading", name=product.title)).to_be_visible()


def test_a_product_is_pinned(page: Page, open_page: Open, workshop: Shop) -> None:
    product = workshop.products[7]
    page.get_by_role("link", name="Rules").click()
    page.get_by_label("When shoppers type").fill("best thing")
    page.get_by_label("Product (SKU)").fill(product.sku)
    expect(page.get_by_label("Points")).to_be_hidden()
    page.get_by_role("button", name="Make the rule").click()
    expect(page.get_by_role("heading", name="With the rules")).to_be_visible()
    first = page.locator(".admin-compare section").nth(1).locator("li").first
    expect(first).to_contain_text(product.title)
    page.wait_for_timeout(2_500)  # the other web process goes by what it knew for two seconds
    shopper = open_page("/?q=best+thing").page
    expect(shopper.locator(".grid li").first).to_contain_text(product.title)


def test_deleting_a_rule_asks_first(page: Page) -> None:
    page.goto("/admin/rules")
    page.get_by_label("When shoppers type").fill("soon gone")
    page.get_by_label("What happens").select_option("redirect")
    page.get_by_label("Page", exact=True).fill("/?category=Bags")
    page.get_by_role("button", name="Make the rule").click()
    page.get_by_role("link", name="Rules").first.click()
    delete = page.get_by_role("row").filter(has_text="soon gone").get_by_role("button", name="Delete")
    asked = []
    page.once("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
    delete.click()
    expect(delete).to_be_visible()
    page.once("dialog", lambda dialog: dialog.accept())
    delete.click()
    expect(page.get_by_text("The rule is deleted.")).to_be_visible()
    assert asked == ["Delete this rule for “soon gone”? Nobody can bring it back."]


@pytest.mark.parametrize("scripts", [True, False])
def test_a_change_of_all_is_mended_asked_about_and_undone(open_page: Open, workshop: Shop, scripts: bool) -> None:
    watched = open_page("/admin/login", scripts=scripts)
    page = watched.page
    page.get_by_label("Name", exact=True).fill(NAME)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    (brand, _), *_ = Counter(product.brand for product in workshop.products).most_common()
    page.goto(f"/admin/products?brand={brand.upper()}")
    ticks = page.locator("[name=sku]")
    ticks.first.check()
    page.get_by_label("What", exact=True).select_option("price")
    page.locator("#value").fill("half")
    page.get_by_role("button", name="Change", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("“half” is not a number.")
    watched.expect_status(422)
    expect(ticks.first).to_be_checked()
    expect(page.locator("#value")).to_have_value("half")
    expect(page.locator("#value")).to_be_focused()
    if scripts:
        expect(page.locator("legend")).to_have_text("Change the 1 that is ticked")
    page.locator("#value").fill("-50")
    page.get_by_label("that were found").check()
    page.get_by_role("button", name="Change", exact=True).click()
    expect(page.get_by_role("heading", name="products?")).to_be_visible()
    expect(page.get_by_text("change prices by per cent: -50")).to_be_visible()
    assert serious(page) == [] if scripts else True
    page.get_by_role("button", name="Change all").click()
    expect(page.get_by_text("products are changed.")).to_be_visible()
    page.get_by_role("button", name="Undo the last change").click()
    expect(page.get_by_text("products are as they were before.")).to_be_visible()
    expect(page.get_by_label("Brand", exact=True)).to_have_value(brand)


def test_a_search_without_results_is_mended_by_a_synonym(page: Page, workshop: Shop) -> None:
    kind = workshop.products[0].category.rpartition("/")[2].lower()
    answer = page.request.get("/api/v1/search?q=zonkers&mode=text")
    assert answer.json()["total"] == 0
    page.get_by_role("link", name="Searches").click()
    line = page.get_by_role("region", name="without results").get_by_role("row").filter(has_text="zonkers")
    for _ in range(20):
        if line.count():
            break
        page.wait_for_timeout(500)
        page.reload()
    line.get_by_text("Add a synonym").click()
    line.get_by_label("also gets").fill(kind)
    line.get_by_role("button", name="Add").click()
    expect(page.locator(".alert-success")).to_be_visible()
    # A server looks for new synonyms every half minute.
    for _ in range(80):
        found = page.request.get("/api/v1/search?q=zonkers&mode=text").json()["total"]
        if found:
            break
        page.wait_for_timeout(500)
    assert found > 0


ADMIN_PAGES = (
    "/admin/",
    "/admin/products",
    "/admin/product?sku={sku}",
    f"/admin/product?sku={'W' * 100}",
    "/admin/product",
    "/admin/imports",
    "/admin/changes",
    "/admin/rules",
    "/admin/rules/preview?query=shirt",
    "/admin/searches",
    "/admin/synonyms",
    "/admin/password",
)
SHOP_PAGES = (
    "/",
    "/?q=red+shirt&in_stock=true",
    "/?q=lamp&price_max=0.01",
    "/p/{sku}",
    "/like/{sku}?q=blue",
    "/nothing-here",
    "/admin/login",
)


@pytest.mark.parametrize("path", ADMIN_PAGES)
def test_pages_have_no_serious_fault_for_anybody(page: Page, workshop: Shop, path: str) -> None:
    page.goto(path.format(sku=workshop.products[0].sku))
    assert serious(page) == []
    for width in (320, 390):
        page.set_viewport_size({"width": width, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("path", SHOP_PAGES)
def test_the_shop_has_none_either(open_page: Open, workshop: Shop, path: str) -> None:
    watched = open_page(path.format(sku=workshop.products[0].sku))
    assert serious(watched.page) == []
    if path == "/nothing-here":
        watched.expect_status(404)


def serious(page: Page) -> list[str]:
    """What axe-core finds of serious and critical faults: the rule, and where."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {node['target']}"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]
