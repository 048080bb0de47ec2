"""Who may write: whoever sends the admin token. Without the setting, nobody."""

import hmac

from flask import request

from server.errors import Forbidden, Unauthorized
from server.web.context import current_services

READING = frozenset({"GET", "HEAD", "OPTIONS"})


def require_admin_token_to_write() -> None:
    """Runs before every request of a blueprint, so that no new route can forget it, and before its body is looked at.

    Raises Forbidden or Unauthorized unless a write has `Authorization: Bearer VITRINE_ADMIN_TOKEN`.
    """
    if request.method in READING:
        return
    token = current_services().settings.admin_token
    if token is None:
        raise Forbidden("Writing over HTTP is off. Set VITRINE_ADMIN_TOKEN on the server to allow it.")
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    expected = token.get_secret_value()
    if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), expected.encode()):
        raise Unauthorized
