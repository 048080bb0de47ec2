"""The Hugging Face hub as its client sees it: a local HTTP server with one repository, which can be told to fail."""

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LARGE = (".onnx", ".onnx_data", ".safetensors")  # what a hub keeps apart, named by SHA-256


@dataclass
class Hub:
    """One repository and how it fails.

    status: what every request gets, with an X-Error-Code, in place of an answer. cuts: so many answers to GET of a
    large file end after half of it. corrupt: files whose bytes are not those that their digests announce. requests:
    method, path and Range of each request so far.
    """

    repository: str
    folder: Path
    url: str = ""
    status: int | None = None
    error_code: str = ""
    cuts: int = 0
    corrupt: set[str] = field(default_factory=set)
    requests: list[tuple[str, str, str | None]] = field(default_factory=list)

    def files(self) -> list[str]:
        """Paths of the files in the repository."""
        return sorted(path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*") if path.is_file())

    def downloaded(self) -> set[str]:
        """Files that were asked for, whole or in part."""
        found = (re.search(r"/resolve/[^/]+/(.+)$", path) for method, path, _ in self.requests if method == "GET")
        return {match[1] for match in found if match}


@contextmanager
def serve_hub(repository: str, folder: Path) -> Iterator[Hub]:
    """Serve the folder as the repository `owner/name`, on a port of its own."""
    hub = Hub(repository, folder)

    class Handler(_Handler):
        state = hub

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    state: Hub

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def log_message(self, *_: Any) -> None:
        pass

    def _answer(self, *, body: bool) -> None:
        hub, path = self.state, self.path.partition("?")[0]
        hub.requests.append((self.command, path, self.headers.get("Range")))
        if hub.status is not None:
            self._fail(hub.status, hub.error_code)
        elif path.startswith(f"/api/models/{hub.repository}"):
            self._info()
        elif match := re.fullmatch(rf"/{re.escape(hub.repository)}/resolve/(main|{COMMIT})/(.+)", path):
            self._file(match[2], body=body)
        else:
            self._fail(404, "RepoNotFound")

    def _fail(self, status: int, code: str) -> None:
        self.send_response(status)
        if code:
            self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _info(self) -> None:
        siblings = [{"rfilename": name} for name in self.state.files()]
        data = json.dumps({"id": self.state.repository, "sha": COMMIT, "siblings": siblings}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _file(self, name: str, *, body: bool) -> None:
        if name not in self.state.files():
            self._fail(404, "EntryNotFound")
            return
        data = (self.state.folder / name).read_bytes()
        tag = _tag(name, data)
        if name in self.state.corrupt:
            data = bytes(len(data))
        start = int(match[1]) if (match := re.match(r"bytes=(\d+)-", self.headers.get("Range") or "")) else 0
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(data) - start))
        self.send_header("ETag", f'"{tag}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()
        if body:
            self._send(data[start:])

    def _send(self, data: bytes) -> None:
        if self.state.cuts > 0 and len(data) > 1_000:
            self.state.cuts -= 1
            self.wfile.write(data[: len(data) // 2])
            self.close_connection = True
            return
        self.wfile.write(data)


def _tag(name: str, data: bytes) -> str:
    if name.endswith(LARGE):
        return hashlib.sha256(data).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
