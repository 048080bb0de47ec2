"""The admin pages as somebody sees them who looks after the shop."""

from collections.abc import Callable

from playwright.sync_api import expect

from server.staff.keys import FORM
from tests.browser.conftest import ADMIN, PHONE, STAFF, Watched
from tests.browser.test_every_page import HEAVIEST_PAGE, TOO_PALE

Open = Callable[..., Watched]
NAME, _, PASSWORD = STAFF


def log_in(watched: Watched, password: str = PASSWORD, name: str = NAME) -> None:
    page = watched.page
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Password", exact=True).fill(password)
    page.keyboard.press("Enter")


def test_somebody_logs_in_looks_and_logs_out(open_page: Open) -> None:
    watched = open_page("/admin/password")
    page = watched.page
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    log_in(watched, "wrong horse battery")
    expect(page.get_by_role("alert")).to_have_text("Name or password is wrong.")
    watched.expect_status(401)
    log_in(watched)
    expect(page.get_by_role("heading", name="Change your password")).to_be_visible()
    page.get_by_role("link", name="Operations").click()
    expect(page.get_by_role("heading", name="Operations")).to_be_visible()
    expect(page.get_by_text("None: every live product is found by what it is.")).to_be_visible()
    page.get_by_role("button", name=f"Log out {NAME}").click()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    page.goto("/admin/")
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()


def test_admin_pages_fit_are_legible_and_light(open_page: Open) -> None:
    watched = open_page("/admin/", viewport=PHONE)
    page, sizes = watched.page, {}
    page.on("response", lambda answer: sizes.update({answer.url: len(answer.body())} if answer.ok else {}))
    for path in ("/admin/login", "/admin/", "/admin/password", "/admin/searches", "/admin/synonyms"):
        page.goto(path)
        assert page.evaluate(TOO_PALE) == [], path
        for width in (320, 390, 1280):
            page.set_viewport_size({"width": width, "height": 844})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        if path == "/admin/login":
            log_in(watched)
            expect(page.get_by_role("heading", name="Operations")).to_be_visible()
    assert 0 < sum(sizes.values()) < HEAVIEST_PAGE, sizes


def test_a_key_is_made_kept_and_revoked(open_page: Open) -> None:
    watched = open_page("/admin/keys", viewport=PHONE)
    page = watched.page
    log_in(watched, name=ADMIN[0])
    expect(page.get_by_role("heading", name="Keys", exact=True)).to_be_visible()
    page.get_by_label("Name", exact=True).fill("a-program-with-quite-a-long-name@shop.example")
    page.get_by_label("Scope").select_option("write")
    page.get_by_role("button", name="Make it").click()
    expect(page.get_by_label("Key, with the scope write")).to_have_value(FORM)
    for way_on in ("I have it", None):
        assert page.evaluate(TOO_PALE) == []
        for width in (320, 390, 1280):
            page.set_viewport_size({"width": width, "height": 844})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
        if way_on is not None:
            page.get_by_role("link", name=way_on).click()
            page.locator("summary", has_text="Revoke").click()
    page.get_by_role("button", name="Revoke a-program").click()
    expect(page.get_by_role("status")).to_contain_text("is revoked. No request is let in by it any more.")
    expect(page.get_by_role("heading", name="Revoked")).to_be_visible()
