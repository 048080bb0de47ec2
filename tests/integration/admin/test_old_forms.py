"""Forms whose session ended while somebody typed: nothing opens by an old token, and nothing typed is lost."""

import html
import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.test import TestResponse

from server.services import Services
from tests.integration.admin.conftest import Person
from tests.integration.admin.product_pages import add, form_of, picture, save, shown

Somebody = Callable[..., Person]
EVIL = '"><script>alert(1)</script>'


def log_in_anew(person: Person, name: str = "editor") -> None:
    """What somebody does in another tab of the same browser."""
    person.send("/admin/logout-everywhere")
    assert person.log_in(name).status_code == 302


def post(person: Person, path: str, fields: dict[str, Any], **headers: str) -> TestResponse:
    return person.client.post(path, data=fields, headers={"Accept": "text/html", **headers})


def form_in(answer: TestResponse) -> dict[str, str]:
    """The fields of the form that an answer has in the page itself, below the head with its own button."""
    page = answer.text.partition("<main")[2]
    fields = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page)
    return {html.unescape(name): html.unescape(value) for name, value in fields}


def test_a_form_of_the_session_before_comes_back_as_it_was_typed_and_is_saved(
    editor: Person, services: Services
) -> None:
    typed = {**form_of(editor, "/admin/product"), "sku": "M-1", "title": "A mug", "description": "Two\nlines"}
    log_in_anew(editor)
    answer = post(editor, "/admin/product", {**typed, "pictures": (io.BytesIO(picture()), "a.png")})
    assert answer.status_code == 400
    assert "before you logged in as editor" in answer.text
    assert "New pictures have to be chosen once more." in answer.text
    token = re.findall(r'name="csrf_token" value="([^"]+)"', answer.text)[-1]
    assert token != typed["csrf_token"]
    for there in ('value="M-1"', 'value="A mug"', ">\nTwo\nlines</textarea>"):
        assert there in answer.text
    assert post(editor, "/admin/product", {**typed, "csrf_token": token}).status_code == 302
    assert services.catalog.get("M-1").title == "A mug"


def test_what_was_typed_at_its_pictures_comes_back_too(editor: Person, services: Services) -> None:
    add(services, "M-1")
    save(editor, "M-1", [picture("red"), picture("blue")])
    (red, _), (blue, _) = shown(services, "M-1")
    typed = {key: text for key, text in form_of(editor, "/admin/product?sku=M-1").items() if key[:7] != "remove:"}
    typed |= {f"alt:{red}": "a red mug", f"place:{red}": "7", f"remove:{blue}": "yes"}
    log_in_anew(editor)
    answer = post(editor, "/admin/product?sku=M-1", typed)
    assert f'name="alt:{red}" value="a red mug"' in answer.text
    assert f'name="place:{red}" value="7"' in answer.text
    assert f'name="remove:{blue}" value="yes" checked' in answer.text
    assert f'name="remove:{red}" value="yes">' in answer.text


def test_a_script_is_told_the_token_of_now(editor: Person, services: Services) -> None:
    typed = {**form_of(editor, "/admin/product"), "sku": "M-1", "title": "A mug"}
    log_in_anew(editor)
    answer = post(editor, "/admin/product", typed, Accept="application/json")
    assert answer.status_code == 400
    assert answer.json is not None
    assert answer.json["error"]["code"] == "old_form"
    assert answer.headers["X-Vitrine-Account"] in editor.get("/admin/product").text
    fresh = {**typed, "csrf_token": answer.headers["X-Vitrine-Token"]}
    assert post(editor, "/admin/product", fresh, Accept="application/json").status_code == 200
    assert services.catalog.get("M-1").title == "A mug"


def test_the_token_of_another_account_opens_nothing(somebody: Somebody, services: Services) -> None:
    editor, admin = somebody("editor"), somebody("admin")
    typed = {**form_of(admin, "/admin/product"), "sku": "M-1", "title": "A mug"}
    answer = post(editor, "/admin/product", typed)
    assert answer.status_code == 400
    assert "before you logged in as editor" in answer.text
    with services.database.connection() as connection:
        assert connection.execute("SELECT count(*) FROM product").fetchone() == (0,)


def test_a_form_of_another_account_says_whose_it_would_be(somebody: Somebody) -> None:
    person = somebody("editor")
    typed = {**form_of(person, "/admin/product"), "sku": "M-1", "title": "A mug"}
    number = re.search(r'data-account="(\d+)"', person.get("/admin/").text)
    assert number is not None
    log_in_anew(person, "admin")
    assert "before you logged in as admin" in post(person, "/admin/product", typed).text
    answer = post(person, "/admin/product", typed, Accept="application/json")
    assert answer.headers["X-Vitrine-Account"] != number[1]


@pytest.mark.parametrize("where", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}])
def test_words_of_another_site_are_put_into_no_form(editor: Person, where: dict[str, str]) -> None:
    typed = {"csrf_token": "made-up", "sku": "M-1", "title": "Evil words", "name": "Evil words"}
    for path in ("/admin/product", "/admin/keys", "/admin/synonyms"):
        answer = post(editor, path, typed, **where)
        assert answer.status_code in (400, 403)
        assert "Evil words" not in answer.text
    answer = post(editor, "/admin/product", typed, Accept="application/json", **where)
    assert "X-Vitrine-Token" not in answer.headers
    editor.send("/admin/logout")
    answer = post(editor, "/admin/product", typed, **where)
    assert answer.status_code == 401
    assert "Evil words" not in answer.text


def test_who_is_logged_out_sends_it_from_the_page_that_says_so(editor: Person, services: Services) -> None:
    typed = {**form_of(editor, "/admin/product"), "sku": "M-1", "title": "A mug", "description": EVIL}
    editor.send("/admin/logout-everywhere")
    answer = post(editor, "/admin/product", typed)
    assert answer.status_code == 401
    assert "You are logged out, and nothing is done yet." in answer.text
    assert 'href="/admin/login" target="_blank"' in answer.text
    assert "<script>alert" not in answer.text
    kept = form_in(answer)
    assert kept["title"] == "A mug"
    editor.log_in("editor")
    back = post(editor, "/admin/product", kept)
    assert back.status_code == 400
    token = re.findall(r'name="csrf_token" value="([^"]+)"', back.text)[-1]
    assert post(editor, "/admin/product", {**kept, "csrf_token": token}).status_code == 302
    assert services.catalog.get("M-1").description == EVIL


def test_any_other_form_is_sent_again_by_a_button(editor: Person, services: Services) -> None:
    typed = {"csrf_token": editor.token("/admin/synonyms"), "words": "sofa", "replacements": "couch"}
    log_in_anew(editor)
    answer = post(editor, "/admin/synonyms", typed)
    assert answer.status_code == 400
    assert "Nothing is done yet." in answer.text
    again = form_in(answer)
    assert again.keys() == typed.keys()
    assert post(editor, "/admin/synonyms", again).status_code == 302


def test_a_password_is_never_written_into_a_page(somebody: Somebody) -> None:
    person = somebody("admin")
    for path, names in (("/admin/password", ("old", "new", "again")), ("/admin/staff", ("name", "password"))):
        answer = post(person, path, {"csrf_token": "made-up", **dict.fromkeys(names, "hunter2")})
        assert answer.status_code == 400
        assert "hunter2" not in answer.text


def test_a_refused_form_hears_of_what_others_saved_before_it_was_put_right(editor: Person, services: Services) -> None:
    add(services, "M-1")
    typed = form_of(editor, "/admin/product?sku=M-1")
    save(editor, "M-1", None, title="By Ann")
    refused = post(editor, "/admin/product?sku=M-1", {**typed, "price": "cheap"})
    assert refused.status_code == 422
    seen = re.search(r'name="seen" value="([^"]+)"', refused.text)
    assert seen is not None
    answer = post(editor, "/admin/product?sku=M-1", {**typed, "seen": seen[1], "price": "12"})
    assert answer.status_code == 409
    assert services.catalog.get("M-1").title == "By Ann"
