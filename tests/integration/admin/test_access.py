"""Who may call which admin page: every one of them, by every kind of person."""

import re
from collections.abc import Callable

import pytest
from flask import Flask

from server.admin.access import ACCESS, way_on
from server.staff.accounts import Role
from tests.integration.admin.conftest import Person

Somebody = Callable[..., Person]


def test_every_page_has_an_entry_and_every_entry_a_page(app: Flask) -> None:
    pages = {rule.endpoint for rule in app.url_map.iter_rules() if rule.rule.startswith("/admin")}
    assert pages == set(ACCESS)


@pytest.mark.parametrize("who", [None, *Role])
def test_each_page_lets_in_whom_it_should(app: Flask, somebody: Somebody, who: Role | None) -> None:
    for rule in app.url_map.iter_rules():
        if not rule.rule.startswith("/admin") or rule.endpoint == "admin.static":
            continue
        needed = ACCESS[rule.endpoint]
        person = somebody(who)
        path = re.sub(r"<int:\w+>", "1", rule.rule)
        assert "<" not in path, "say what to ask this page for"
        for method in sorted((rule.methods or set()) & {"GET", "POST", "PUT"}):
            page = "/admin/" if who else "/admin/login"
            if method == "GET":
                answer = person.get(path)
            else:
                answer = person.send(path, page) if method == "POST" else person.put(path, page, b"")
            allowed = needed is None or (who is not None and who.may(needed))
            if allowed:
                # In, whatever the page then says of an empty form or a job that is not there.
                assert answer.status_code not in (401, 403), (path, method, who)
            elif who is None and method == "GET":
                assert answer.status_code == 302
                assert answer.location.startswith("/admin/login?next=")
            else:
                assert answer.status_code == (401 if who is None else 403), (path, method, who)


@pytest.mark.parametrize("path", ["/admin/coverage/repair", "/admin/logout", "/admin/password", "/admin/jobs/1/cancel"])
def test_a_form_without_its_token_is_refused(somebody: Somebody, path: str) -> None:
    person = somebody("admin")
    for data in ({}, {"csrf_token": "made-up"}):
        answer = person.client.post(path, data=data, headers={"Accept": "text/html"})
        assert answer.status_code == 400
        assert "This form is too old" in answer.text
    assert person.get("/admin/").status_code == 200


def test_a_login_needs_a_token_too(somebody: Somebody) -> None:
    person = somebody()
    answer = person.client.post("/admin/login", data={"name": "admin", "password": "correct horse battery"})
    assert answer.status_code == 400
    assert person.get("/admin/").status_code == 302


@pytest.mark.parametrize(
    ("told", "to"),
    [
        ("/admin/password", "/admin/password"),
        ("/admin/?a=b", "/admin/?a=b"),
        (None, "/admin/"),
        ("", "/admin/"),
        ("https://evil.example/admin/", "/admin/"),
        ("//evil.example/admin/", "/admin/"),
        ("/\\evil.example", "/admin/"),
        ("/admin/\\evil.example", "/admin/"),
        ("/administrator", "/admin/"),
        ("/p/A-1", "/admin/"),
        ("/admin/../p/A-1", "/admin/"),
        ("javascript:alert(1)", "/admin/"),
        ("/admin/\r\nSet-Cookie: a=b", "/admin/"),
    ],
)
def test_a_login_leads_to_admin_pages_alone(app: Flask, told: str | None, to: str) -> None:
    with app.test_request_context():
        assert way_on(told) == to


def test_nothing_is_kept_or_framed(somebody: Somebody) -> None:
    answer = somebody("viewer").get("/admin/")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert "unsafe" not in answer.headers["Content-Security-Policy"]


def test_the_shop_and_the_api_set_no_cookie(somebody: Somebody) -> None:
    person = somebody()
    for path in ("/", "/api/v1/search", "/healthz"):
        assert "Set-Cookie" not in person.get(path).headers
