"""API keys in the browser: see them, make one, which is shown once, and revoke one."""

from http import HTTPStatus
from typing import Any

from flask import Blueprint, flash, redirect, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from server.admin.forms import KeyForm
from server.admin.page import page
from server.errors import Conflict, InvalidInput
from server.staff.keys import Scope, add_key, list_keys, revoke_key
from server.web.context import current_services

bp = Blueprint("keys", __name__)


@bp.get("/keys")
def overview() -> AnyResponse:
    """All keys, and a form for another one."""
    return _overview(KeyForm())


@bp.post("/keys")
def make() -> AnyResponse:
    """Make a key. Its text stands in this answer and nowhere else, so the answer is a page and not a way to one."""
    form = KeyForm()
    if not form.validate_on_submit():
        return _overview(form, HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        with current_services().database.connection() as connection:
            key, text = add_key(connection, form.name.data, Scope(form.scope.data), current_user.account.name)
    except (InvalidInput, Conflict) as exc:
        return _overview(form, HTTPStatus(exc.status), refusal=exc.message)
    return page("key.html", HTTPStatus.CREATED, key=key, text=text)


@bp.post("/keys/<int:key>/revoke")
def revoke(key: int) -> AnyResponse:
    """Let no request in by it any more."""
    with current_services().database.connection() as connection:
        revoked = revoke_key(connection, key, current_user.account.name)
    flash(f"The key {revoked.name} is revoked. No request is let in by it any more.")
    return redirect(url_for("admin.keys.overview"))


def _overview(form: KeyForm, status: HTTPStatus = HTTPStatus.OK, **context: Any) -> AnyResponse:
    services = current_services()
    with services.database.connection() as connection:
        found = list_keys(connection)
    settings = services.settings
    return page(
        "keys.html",
        status,
        form=form,
        keys=[key for key in found if key.revoked_at is None],
        revoked=[key for key in found if key.revoked_at is not None],
        has_token=settings.admin_token is not None,
        is_keyed=settings.api_reads == "keyed",
        **context,
    )
