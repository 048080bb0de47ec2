"""Downloading pictures: from whom, how much, how long."""

import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from server.catalog.feeds import fetch
from server.catalog.feeds.fetch import Fetcher, is_public
from server.errors import InvalidImage


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path.startswith("/to/"):
            self.send_response(302)
            self.send_header("Location", self.path[4:])
            self.end_headers()
        elif self.path == "/picture%20a?x=1":
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"picture")
        elif self.path == "/endless":
            self.send_response(200)
            self.end_headers()
            with suppress(OSError):
                for _ in range(1000):
                    self.wfile.write(b"x" * 1000)
        else:
            self.send_error(404)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def open_fetcher() -> Fetcher:
    return Fetcher(may_reach=lambda address: True)


def test_a_picture_is_downloaded_through_redirects(site: str, open_fetcher: Fetcher) -> None:
    assert open_fetcher.read(f"{site}/picture a?x=1", 100) == b"picture"
    assert open_fetcher.read(f"{site}/to//picture%20a?x=1", 100) == b"picture"


def test_no_more_than_the_limit_is_read(site: str, open_fetcher: Fetcher) -> None:
    assert len(open_fetcher.read(f"{site}/endless", 5000)) == 5001


@pytest.mark.parametrize(
    "path",
    ["/missing", "/to//to//to//to//to//to//picture", "/to/file:///etc/passwd", "/to/http://user:pw@example.com/"],
)
def test_what_is_no_picture_is_refused(site: str, path: str, open_fetcher: Fetcher) -> None:
    with pytest.raises(InvalidImage):
        open_fetcher.read(site + path, 100)


def test_this_machine_and_its_neighbours_are_never_asked(site: str) -> None:
    with pytest.raises(InvalidImage, match="not a public address"):
        Fetcher().read(f"{site}/picture%20a?x=1", 100)
    with pytest.raises(InvalidImage, match="not a public address"):
        Fetcher().read("http://localhost/", 100)


def test_a_redirect_passes_the_same_gate(site: str) -> None:
    asked: list[str] = []

    def only_once(address: str) -> bool:
        asked.append(address)
        return len(asked) == 1

    with pytest.raises(InvalidImage, match="not a public address"):
        Fetcher(may_reach=only_once).read(f"{site}/to//picture%20a?x=1", 100)
    assert len(asked) == 2


def test_a_download_that_takes_too_long_is_given_up(
    site: str, open_fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "TOTAL_SECONDS", -1.0)
    with pytest.raises(InvalidImage, match="longer than"):
        open_fetcher.read(f"{site}/endless", 10**9)


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "192.168.0.1", "169.254.169.254", "0.0.0.1", "100.64.0.1", "224.0.0.1", "::1", "fe80::1",
     "fd00::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:7f00:1::"],
)  # fmt: skip
def test_private_addresses_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111"])
def test_others_are(address: str) -> None:
    assert is_public(address)
