"""Who may call what: every route of the application, asked by everybody that there is.

A new route needs an entry: in ROUTES, or in server/admin/access.py where it is an admin page.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from server.admin.access import ACCESS
from server.app import create_app
from server.db.engine import Database
from server.services import open_services
from server.settings import load_settings
from server.staff import accounts, keys
from server.staff.accounts import Role
from server.staff.keys import Scope
from tests.factories import DIMENSION
from tests.fakes import FakeEncoder, fake_manifest
from tests.integration.admin.conftest import PASSWORD, Person

TOKEN = "a-token-for-tests-only"
Somebody = Callable[..., Person]


class Needs(Enum):
    """What a route asks of its caller."""

    NOTHING = "nothing"
    READ = "a key, where VITRINE_API_READS=keyed"
    WRITE = "a key with the scope write"


ROUTES = {
    "bootstrap.static": Needs.NOTHING,
    "events_api.click": Needs.NOTHING,
    "health.healthz": Needs.NOTHING,
    "health.readyz": Needs.NOTHING,
    "media.original": Needs.NOTHING,
    "media.thumbnail": Needs.NOTHING,
    # Asks for a token of its own, or for this machine: tests/integration/api/test_metrics.py.
    "metrics.show": Needs.NOTHING,
    "openapi.doc_url": Needs.NOTHING,
    "openapi.openapi": Needs.NOTHING,
    "openapi.static": Needs.NOTHING,
    "openapi_json": Needs.NOTHING,
    "products_api.bulk_upsert": Needs.WRITE,
    "products_api.delete_product": Needs.WRITE,
    "products_api.get_product": Needs.READ,
    "products_api.patch_product": Needs.WRITE,
    "products_api.put_product": Needs.WRITE,
    "search_api.search": Needs.READ,
    "search_api.search_composed": Needs.READ,
    "search_api.search_image": Needs.READ,
    "search_api.similar": Needs.READ,
    "search_api.suggest": Needs.READ,
    "storefront.home": Needs.NOTHING,
    "storefront.like": Needs.NOTHING,
    "storefront.product": Needs.NOTHING,
    "storefront.search_image": Needs.NOTHING,
    "storefront.search_image_again": Needs.NOTHING,
    "storefront.static": Needs.NOTHING,
    "storefront.suggest": Needs.NOTHING,
    "swagger.oauth2-redirect": Needs.NOTHING,
    "swagger.static": Needs.NOTHING,
    "swagger.swagger": Needs.NOTHING,
}
# What stands for each part of an address.
PARTS = {
    "sku": "A-1", "sha256": "0" * 64, "extension": "jpg", "width": "320", "filename": "x.css",
    "run": "1", "job": "1", "key": "999", "number": "999", "rule": "999", "account": "999",
}  # fmt: skip


@dataclass(frozen=True)
class Caller:
    """scope: of a key that counts; key: what is sent; role: of a person who is logged in."""

    name: str
    scope: Scope | None = None
    key: str | None = None
    role: Role | None = None


@pytest.fixture(params=["open", "keyed"])
def app(database: Database, tmp_path: Path, request: pytest.FixtureRequest) -> Flask:
    settings = load_settings(
        _env_file=None, VITRINE_DATA_DIR=tmp_path, VITRINE_ADMIN_TOKEN=TOKEN, VITRINE_API_READS=request.param
    )
    with database.connection() as connection:
        for role in Role:
            accounts.add_account(connection, role, role, PASSWORD, accounts.COMMAND_LINE)
    services = open_services(settings, database=database, encoder=FakeEncoder(fake_manifest(DIMENSION)))
    return create_app(services=services)


@pytest.fixture
def callers(database: Database) -> list[Caller]:
    with database.connection() as connection:
        made = {scope: keys.add_key(connection, scope, scope, "a test") for scope in Scope}
        revoked, text = keys.add_key(connection, "old", Scope.ADMIN, "a test")
        keys.revoke_key(connection, revoked.id, "a test")
    return [
        Caller("anonymous"),
        *(Caller(f"{scope} key", scope, made[scope][1]) for scope in Scope),
        Caller("admin token", Scope.ADMIN, TOKEN),
        Caller("revoked key", None, text),
        Caller("unknown key", None, "vk_" + "x" * 43),
        *(Caller(role, role=role) for role in Role),
    ]


def test_every_route_has_an_entry_and_every_entry_a_route(app: Flask) -> None:
    assert not set(ROUTES) & set(ACCESS)
    assert {rule.endpoint for rule in app.url_map.iter_rules()} == set(ROUTES) | set(ACCESS)


def test_each_route_lets_in_whom_it_should_and_nobody_else(
    app: Flask, somebody: Somebody, callers: list[Caller]
) -> None:
    is_keyed = app.config["API_READS"] == "keyed"
    asked = 0
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<(?:[^:>]+:)?(\w+)>", lambda part: PARTS[part[1]], rule.rule)
        for method in sorted((rule.methods or set()) - {"OPTIONS"}):
            for caller in callers:
                answer = ask(somebody(caller.role), method, path, caller)
                expected = may(rule.endpoint, caller, is_keyed)
                assert is_let_in(answer) is expected, (method, path, caller.name, answer.status_code)
                asked += 1
    assert asked > 60 * len(callers)


def may(endpoint: str, caller: Caller, is_keyed: bool) -> bool:
    if endpoint in ACCESS:
        role = ACCESS[endpoint]
        return role is None or (caller.role is not None and caller.role.may(role))
    needs = ROUTES[endpoint]
    if needs is Needs.NOTHING or (needs is Needs.READ and not is_keyed):
        return True
    return caller.scope is not None and caller.scope.may(Scope.READ if needs is Needs.READ else Scope.WRITE)


def ask(person: Person, method: str, path: str, caller: Caller) -> TestResponse:
    headers = {"Accept": "text/html"}
    if caller.key is not None:
        headers["Authorization"] = f"Bearer {caller.key}"
    if path.startswith("/admin") and method in ("POST", "PUT"):
        headers["X-CSRFToken"] = person.token("/admin/" if caller.role else "/admin/login")
    body = {"json": {}} if path.startswith("/api/v1") and method not in ("GET", "HEAD") else {}
    return person.client.open(path, method=method, headers=headers, **body)


def is_let_in(answer: TestResponse) -> bool:
    """Whatever it then says of an empty form, or of a product that is not there."""
    assert answer.status_code not in (405, 429, 500), answer.text
    if answer.status_code == 302:
        return not answer.location.startswith("/admin/login?")
    return answer.status_code not in (401, 403)
