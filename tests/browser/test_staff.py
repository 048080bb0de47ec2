"""Accounts in the browser: an admin adds somebody, who chooses a password and comes in."""

from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.conftest import ADMIN, PHONE, Watched
from tests.browser.test_admin import log_in
from tests.browser.test_merchandiser import serious

Open = Callable[..., Watched]
OWN = "a password of my own"


def fits(watched: Watched) -> None:
    """For anybody, on anything."""
    assert serious(watched.page) == []
    for width in (320, 390, 1280):
        watched.page.set_viewport_size({"width": width, "height": 844})
        assert watched.page.evaluate("document.documentElement.scrollWidth") <= width


def test_somebody_is_added_comes_in_and_is_let_out(open_page: Open) -> None:
    watched = open_page("/admin/staff", viewport=PHONE)
    page = watched.page
    log_in(watched, name=ADMIN[0])
    expect(page.get_by_role("heading", name="Staff", exact=True)).to_be_visible()
    for summary in page.locator("summary").all():
        summary.click()
    fits(watched)
    name = "somebody-with-quite-a-long-name@shop.example"
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_role("button", name="Add", exact=True).click()
    given = page.get_by_label("One-time password").input_value()
    fits(watched)
    page.get_by_role("link", name="I have told them").click()
    fits(watched)

    new = open_page("/admin/", viewport=PHONE)
    log_in(new, given, name)
    expect(new.page.get_by_text("Choose one of your own to go on.")).to_be_visible()
    fits(new)
    new.page.get_by_role("link", name="Products").click()
    expect(new.page.get_by_role("heading", name="Change your password")).to_be_visible()
    new.page.get_by_label("The password so far").fill(given)
    new.page.get_by_label("The new one", exact=True).fill(OWN)
    new.page.get_by_label("The new one again").fill(OWN)
    new.page.get_by_role("button", name="Change it").click()
    expect(new.page.get_by_text("The password is changed")).to_be_visible()

    row = page.get_by_role("row").filter(has_text=name)
    row.locator("summary").click()
    row.get_by_role("button", name="Deactivate").click()
    expect(page.get_by_text(f"{name} cannot log in any more")).to_be_visible()
    new.page.reload()
    expect(new.page.get_by_role("heading", name="Log in")).to_be_visible()
