"""Who calls the API, and what they may do: keys of `vitrine keys`, and VITRINE_ADMIN_TOKEN, which counts as one."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Response, g, request

from server.errors import Forbidden, TooManyRequests, Unauthorized, VitrineError
from server.staff.keys import FORM, Scope, check_key
from server.web.context import current_services
from server.web.rate_limits import WINDOW_SECONDS, address, return_after, wrong_keys

READING = frozenset({"GET", "HEAD"})
PREFIX = "/api/v1/"
# In the OpenAPI document: the name of the scheme, and what it is.
SCHEME = "key"
SCHEMES: dict[str, Any] = {
    SCHEME: {"type": "http", "scheme": "bearer", "description": "A key of `vitrine keys add` or /admin/keys."}
}


@dataclass(frozen=True)
class Caller:
    """name and scope: of the key, None without one that counts. refusal: why the one that was sent does not.

    shown: what people call the key.
    """

    name: str | None = None
    scope: Scope | None = None
    refusal: VitrineError | None = None
    shown: str = ""


NOBODY = Caller()


def identify() -> None:
    """Before every request, and before it is counted: see whose key it has. Refuses nobody."""
    g.caller = _caller() if request.path.startswith(PREFIX) else NOBODY


def caller_name() -> str | None:
    """What the current request's key is counted by; None without a key that counts."""
    caller: Caller = g.caller
    return caller.name


def caller_shown() -> str:
    """What people call the current request's key."""
    caller: Caller = g.caller
    return caller.shown


def require_key_to_read() -> None:
    """Before every request of a blueprint that only reads. Raises Unauthorized, TooManyRequests, Forbidden."""
    # A browser asks whether it may send a key before it sends one.
    if request.method != "OPTIONS" and current_services().settings.api_reads == "keyed":
        _require(Scope.READ)


def require_key() -> None:
    """Before every request of a blueprint that writes too, so that no new route can forget it, and before its body is
    looked at. Raises Unauthorized, TooManyRequests, Forbidden."""
    if request.method in READING or request.method == "OPTIONS":
        require_key_to_read()
    else:
        _require(Scope.WRITE)


def say_how(response: Response) -> Response:
    """Behind every request: a refusal names the way to be let in, as HTTP asks of it."""
    if response.status_code == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def describe(paths: Mapping[str, Mapping[str, Any]], reads: str) -> None:
    """Say in the OpenAPI document which operations take a key. reads: VITRINE_API_READS."""
    key: dict[str, list[str]] = {SCHEME: []}
    for path, operations in paths.items():
        for operation in operations.values() if path.startswith(PREFIX) else ():
            operation.setdefault("security", [key] if reads == "keyed" else [{}, key])


def _require(needed: Scope) -> None:
    caller: Caller = g.caller
    if caller.scope is None:
        raise caller.refusal or Unauthorized(
            f"This takes a key with the scope {needed}. Send it as `Authorization: Bearer KEY`; admins of the shop "
            "make keys at /admin/keys."
        )
    if not caller.scope.may(needed):
        raise Forbidden(f"This takes a key with the scope {needed}; the scope of yours is {caller.scope}.")


def _caller() -> Caller:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    given = given.strip()
    if scheme.lower() != "bearer" or not given:
        return NOBODY
    # Nobody can guess one of these, so they are looked at however many wrong ones came.
    found = _stored(given) if FORM.fullmatch(given) else None
    return found or _by_token(given)


def _stored(given: str) -> Caller | None:
    services = current_services()
    with services.database.connection() as connection:
        key = check_key(connection, given)
    if key is None:
        return None
    if key.revoked_at is not None:
        return Caller(refusal=Unauthorized(f"The key {key.name} was revoked on {key.revoked_at:%Y-%m-%d}."))
    services.key_uses.note(key)
    return Caller(f"key:{key.id}", key.scope, shown=f"{key.name} (key {key.id})")


def _by_token(given: str) -> Caller:
    """A person chose the token, so it is not looked at where too many wrong ones came from."""
    where, counted = address(), wrong_keys()
    if counted.are_too_many(where):
        return_after(WINDOW_SECONDS)
        return Caller(refusal=TooManyRequests("Too many wrong keys came from your address. Wait a minute."))
    token = current_services().settings.admin_token
    if token is not None and hmac.compare_digest(given.encode(), token.get_secret_value().encode()):
        return Caller("token", Scope.ADMIN, shown="admin token")
    counted.note(where)
    return Caller(refusal=Unauthorized("There is no such key. Look whether it was copied as a whole."))
