"""The application with accounts, and a browser of sorts that sends the tokens of its forms."""

import io
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from server.app import create_app
from server.db.engine import Database
from server.services import Services, open_services
from server.settings import load_settings
from server.staff import accounts, passwords
from server.staff.accounts import Role
from server.web.context import _KEY
from tests.factories import DIMENSION
from tests.fakes import FakeEncoder, fake_manifest

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real algorithm at its least cost: tests log in a hundred times."""
    hasher = passwords.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", hasher)
    passwords._of_nobody.cache_clear()


@pytest.fixture
def app(database: Database, tmp_path: Path) -> Flask:
    settings = load_settings(_env_file=None, VITRINE_DATA_DIR=tmp_path)
    services = open_services(settings, database=database, encoder=FakeEncoder(fake_manifest(DIMENSION)))
    with database.connection() as connection:
        for role in Role:
            accounts.add_account(connection, role, role, PASSWORD, accounts.COMMAND_LINE)
    return create_app(services=services)


class Person:
    """Somebody at a browser."""

    def __init__(self, app: Flask) -> None:
        self.client: FlaskClient = app.test_client()

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.client.get(path, headers={"Accept": "text/html"}, **options)

    def send(self, path: str, page: str = "/admin/", **fields: str) -> TestResponse:
        """Post a form with the token that stands on `page`."""
        data = {"csrf_token": self.token(page), **fields}
        return self.client.post(path, data=data, headers={"Accept": "text/html"})

    def token(self, page: str = "/admin/") -> str:
        """The token of the forms on a page."""
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', self.get(page).text)
        assert token is not None, "the page has no form"
        return token[1]

    def send_files(self, path: str, page: str, files: Sequence[tuple[str, bytes]], **fields: str) -> TestResponse:
        """Post a form with files, (name, bytes) each."""
        sent = [(io.BytesIO(data), name) for name, data in files]
        data = {"csrf_token": self.token(page), "files": sent, **fields}
        return self.client.post(path, data=data, headers={"Accept": "text/html"})

    def send_json(self, path: str, page: str, body: Any) -> TestResponse:
        """What a script of the page sends."""
        headers = {"Accept": "application/json", "X-CSRFToken": self.token(page)}
        return self.client.post(path, json=body, headers=headers)

    def put(self, address: str, page: str, data: bytes, **query: str) -> TestResponse:
        """A part of a file."""
        headers = {"Accept": "application/json", "X-CSRFToken": self.token(page)}
        return self.client.put(address, data=data, query_string=query, headers=headers)

    def log_in(self, name: str, password: str = PASSWORD, next_page: str = "") -> TestResponse:
        path = "/admin/login" + (f"?next={next_page}" if next_page else "")
        return self.send(path, "/admin/login", name=name, password=password)


@pytest.fixture
def somebody(app: Flask) -> Callable[..., Person]:
    """A new person: somebody("editor") is logged in as one, somebody() is not."""

    def make(name: str | None = None) -> Person:
        person = Person(app)
        if name is not None:
            assert person.log_in(name).status_code == 302
        return person

    return make


@pytest.fixture
def services(app: Flask) -> Services:
    """Those of the application."""
    found: Services = app.extensions[_KEY]
    return found


@pytest.fixture
def editor(somebody: Callable[..., Person]) -> Person:
    """Somebody who may change the catalogue."""
    return somebody("editor")
