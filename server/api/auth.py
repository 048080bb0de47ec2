"""Who may write: whoever sends the admin token. Without the setting, nobody."""

import hmac
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from flask import request

from server.errors import Forbidden, Unauthorized
from server.web.context import current_services

P = ParamSpec("P")
R = TypeVar("R")


def admin_only(view: Callable[P, R]) -> Callable[P, R]:
    """Let a view run only for `Authorization: Bearer VITRINE_ADMIN_TOKEN`. Raises Forbidden or Unauthorized."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        token = current_services().settings.admin_token
        if token is None:
            raise Forbidden("Writing over HTTP is off. Set VITRINE_ADMIN_TOKEN on the server to allow it.")
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        expected = token.get_secret_value()
        if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), expected.encode()):
            raise Unauthorized
        return view(*args, **kwargs)

    return guarded
