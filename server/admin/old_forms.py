"""Forms that outlive the session they were opened in: no old token opens anything, and nothing typed is lost.

A page whose script sends the form is told the token of the session of now; without scripts, what was sent comes back
in the answer, to be sent once more.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

from flask import Response, request
from flask_login import current_user
from flask_wtf.csrf import CSRFError, generate_csrf
from werkzeug.exceptions import HTTPException

from server.admin.page import page
from server.errors import Unauthorized
from server.web.errors import error_answer, wants_json

# Of the answer to an old form that a script has sent: the token of this session, and the account that it belongs to.
TOKEN, ACCOUNT = "X-Vitrine-Token", "X-Vitrine-Account"
TOO_OLD = "This form is too old. Load the page again, and repeat it."
NOT_DONE = "This form is too old: it was opened before you logged in again. Nothing is done yet."
# Never written into a page.
SECRETS = frozenset({"password", "old", "new", "again"})


@dataclass(frozen=True)
class Sent:
    """A form that was refused, to be sent once more: where to, its fields, and whether files were among them."""

    address: str
    fields: Sequence[tuple[str, str]]
    had_files: bool


def on_old_form(exc: CSRFError) -> Response:
    """A form of a session that is over, or from another site."""
    if wants_json():
        answer = error_answer("old_form", HTTPStatus.BAD_REQUEST, TOO_OLD)
        if is_from_here() and current_user.is_authenticated:
            answer.headers[TOKEN] = generate_csrf()
            answer.headers[ACCOUNT] = str(current_user.account.id)
        return answer
    sent = what_was_sent() if current_user.is_authenticated else None
    return page("error.html", HTTPStatus.BAD_REQUEST, message=TOO_OLD if sent is None else NOT_DONE, sent=sent)


def on_logged_out(exc: Unauthorized) -> Response:
    """A form of somebody who is logged out."""
    if wants_json():
        return error_answer(exc.code, exc.status, exc.message)
    return page("error.html", HTTPStatus(exc.status), message=exc.message, sent=what_was_sent(), is_out=True)


def what_was_sent() -> Sent | None:
    """What this request's form held; None where it had a password, or was sent by the page of another site.

    Another site must not have its own words put into a form that then needs nothing but a click.
    """
    if request.method != "POST" or not is_from_here():
        return None
    # A form that is too large, or none at all, is refused by its own sentence or by none.
    with suppress(HTTPException):
        names = set(request.form) | set(request.files)
        if names & SECRETS:
            return None
        fields = [(name, value) for name, value in request.form.items(multi=True) if name != "csrf_token"]
        return Sent(request.full_path.rstrip("?"), fields, any(file.filename for file in request.files.values()))
    return None


def is_from_here() -> bool:
    """Whether a page of this server sent the request, as far as the browser tells."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("Origin")
    return origin is None or urlsplit(origin).netloc == request.host
