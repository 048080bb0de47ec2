"""Pictures that a catalogue names by URL, where VITRINE_FETCH_IMAGE_URLS allows it.

A catalogue is written by others, so its URLs must not reach what only this machine can: the name is looked up here,
every address it has must be public, and the connection goes to the address that was looked at, so that a name that
answers differently the second time gains nothing. Redirects pass the same gate.
"""

import http.client
import ipaddress
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from server.errors import InvalidImage

CONNECT_SECONDS = 10.0
TOTAL_SECONDS = 30.0
MOST_REDIRECTS = 4
CHUNK = 64 * 1024
REDIRECTS = frozenset((301, 302, 303, 307, 308))
# A gateway turns these into any IPv4 address, private ones too.
NAT64 = ipaddress.ip_network("64:ff9b::/96")
USER_AGENT = "Vitrine (product picture import)"


def is_public(address: str) -> bool:
    """Whether an IP address is one that anybody on the internet can reach."""
    ip = ipaddress.ip_address(address.split("%")[0])
    mapped = getattr(ip, "ipv4_mapped", None) or getattr(ip, "sixtofour", None)
    if (mapped is not None and not mapped.is_global) or ip in NAT64:
        return False
    return ip.is_global and not ip.is_multicast


@dataclass(frozen=True)
class Fetcher:
    """Downloads pictures. Thread-safe. `may_reach` decides on each address (tests let it pass their own server)."""

    may_reach: Callable[[str], bool] = is_public

    def read(self, url: str, limit: int) -> bytes:
        """The body at an http(s) URL, at most `limit` + 1 bytes. Raises InvalidImage with a sentence."""
        deadline = time.monotonic() + TOTAL_SECONDS
        try:
            for _ in range(MOST_REDIRECTS + 1):
                answer = self._get(url, limit, deadline)
                if isinstance(answer, bytes):
                    return answer
                url = answer
        except (OSError, http.client.HTTPException, UnicodeError, ValueError) as exc:
            raise InvalidImage(f"The picture cannot be downloaded ({type(exc).__name__}).") from exc
        raise InvalidImage(f"The URL is redirected more than {MOST_REDIRECTS} times.")

    def _get(self, url: str, limit: int, deadline: float) -> bytes | str:
        """The body, or the URL that the server sends us to."""
        parts = urlsplit(url.strip())
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
            raise InvalidImage("The URL is not one of http or https.")
        connection = _connect(parts, self._address(parts), deadline)
        try:
            target = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._") + (
                f"?{quote(parts.query, safe='/%:@!$&()*+,;=~-._?')}" if parts.query else ""
            )
            connection.request("GET", target, headers={"User-Agent": USER_AGENT, "Accept": "image/*"})
            response = connection.getresponse()
            if response.status in REDIRECTS and (location := response.getheader("Location")):
                return urljoin(url, location)
            if response.status != http.client.OK:
                raise InvalidImage(f"The server of the picture answers {response.status}.")
            return _read_body(response, limit, deadline)
        finally:
            connection.close()

    def _address(self, parts: SplitResult) -> str:
        port = parts.port or (443 if parts.scheme == "https" else 80)
        found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
        addresses = [str(entry[4][0]) for entry in found]
        if not addresses or not all(self.may_reach(address) for address in addresses):
            raise InvalidImage(f"{parts.hostname} is not a public address, so its picture is not downloaded.")
        return addresses[0]


def _connect(parts: SplitResult, address: str, deadline: float) -> http.client.HTTPConnection:
    """A connection to `address` that speaks for the URL's host name."""
    timeout = max(0.1, min(CONNECT_SECONDS, deadline - time.monotonic()))
    host = parts.hostname or ""
    secure = parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    connection = http.client.HTTPConnection(host, parts.port or (443 if secure else 80), timeout=timeout)
    # HTTPConnection leaves the port out of the Host header only for its own default.
    sock: socket.socket = socket.create_connection((address, port), timeout=timeout)
    try:
        if secure:
            sock = ssl.create_default_context().wrap_socket(sock, server_hostname=host)
    except BaseException:
        sock.close()
        raise
    connection.sock = sock
    return connection


def _read_body(response: http.client.HTTPResponse, limit: int, deadline: float) -> bytes:
    body = bytearray()
    while len(body) <= limit:
        if time.monotonic() > deadline:
            raise InvalidImage(f"The picture takes longer than {TOTAL_SECONDS:.0f} seconds to download.")
        chunk = response.read(min(CHUNK, limit + 1 - len(body)))
        if not chunk:
            break
        body += chunk
    return bytes(body)
