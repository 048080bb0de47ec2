"""How many requests a caller may make, and how many wrong keys may come from an address.

A second or a minute begins with the first request in it. Where the counting server does not answer, each web
process counts its own until it does.
"""

import ipaddress
import logging
import math
import time
from collections.abc import Callable

from flask import Flask, Response, current_app, g, request
from flask_limiter import Limiter, RequestLimit
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage, storage_from_string
from limits.strategies import FixedWindowRateLimiter

from server.settings import Settings

# A program that sends an old key goes on to do so; nobody else sends as many wrong ones.
WRONG_KEYS = RateLimitItemPerMinute(30)
WINDOW_SECONDS = 60
# A counting server that does not answer holds up nobody for longer, and is not asked again for a while.
STORAGE_OPTIONS: dict[str, str | int] = {"socket_connect_timeout": 1, "socket_timeout": 1}
SKIP_SECONDS = 30.0
# What a page or a monitor asks for by itself.
UNCOUNTED = frozenset({"media", "health", "metrics"})
_KEY = "vitrine_wrong_keys"

log = logging.getLogger(__name__)


class WrongKeys:
    """Counts wrong keys by address."""

    def __init__(self, storage: str) -> None:
        self._shared = FixedWindowRateLimiter(storage_from_string(storage, **STORAGE_OPTIONS))
        self._skip_until = 0.0
        self._own = FixedWindowRateLimiter(MemoryStorage())

    def are_too_many(self, address: str) -> bool:
        """Whether no further one is looked at for now."""
        return not self._ask(lambda counter: counter.test(WRONG_KEYS, "wrong-keys", address))

    def note(self, address: str) -> None:
        """Another one came."""
        self._ask(lambda counter: counter.hit(WRONG_KEYS, "wrong-keys", address))

    def _ask(self, question: Callable[[FixedWindowRateLimiter], bool]) -> bool:
        if time.monotonic() >= self._skip_until:
            try:
                return question(self._shared)
            except Exception as exc:  # Each kind of storage fails in its own way.
                self._skip_until = time.monotonic() + SKIP_SECONDS
                log.warning("The server of VITRINE_RATE_LIMIT_STORAGE does not answer: %s", type(exc).__name__)
        return question(self._own)


def init_app(app: Flask, settings: Settings, caller: Callable[[], str | None]) -> None:
    """Count from now on. caller: the name of the key that a request has; without one, its address counts."""
    app.extensions[_KEY] = WrongKeys(settings.rate_limit_storage)
    app.after_request(_tell_when_to_return)
    if settings.rate_limit is None:
        return
    limiter = Limiter(
        lambda: caller() or f"address:{address()}",
        application_limits=[settings.rate_limit],
        storage_uri=settings.rate_limit_storage,
        storage_options=dict(STORAGE_OPTIONS),
        in_memory_fallback_enabled=True,
        on_breach=_on_breach,
    )
    limiter.request_filter(_is_uncounted)
    limiter.init_app(app)


def wrong_keys() -> WrongKeys:
    """Those of the app that answers the current request."""
    found: WrongKeys = current_app.extensions[_KEY]
    return found


def address() -> str:
    """Where the request comes from. Of IPv6 the network: whoever has one address there has 2^64 of them."""
    told = request.remote_addr or "unknown"
    try:
        parsed = ipaddress.ip_address(told)
    except ValueError:
        return told
    if parsed.version == 4:
        return told
    return str(ipaddress.ip_network((int(parsed), 64), strict=False))


def return_after(seconds: int) -> None:
    """Say in the answer, if it is a 429, how long to wait."""
    g.retry_after = max(1, seconds)


def _on_breach(limit: RequestLimit) -> None:
    return_after(math.ceil(limit.window.reset_time - time.time()))


def _tell_when_to_return(response: Response) -> Response:
    if response.status_code == 429 and "retry_after" in g:
        response.headers["Retry-After"] = str(g.retry_after)
    return response


def _is_uncounted() -> bool:
    """Pictures, health and what a browser asks for before it calls; files are left out by the limiter itself."""
    return request.method == "OPTIONS" or request.blueprint in UNCOUNTED
