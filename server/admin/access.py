"""Who may call which admin page. A page without an entry is closed to everybody, and a test says so."""

from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from flask import Response, make_response, redirect, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from server.admin.session import csrf
from server.catalog.gallery import MOST_PICTURES
from server.catalog.picture import MB
from server.errors import Forbidden, Unauthorized
from server.settings import Settings
from server.staff.accounts import Role
from server.web.context import current_services

# The least role for each endpoint; None: whoever comes.
ACCESS: Mapping[str, Role | None] = {
    "admin.static": None,
    "admin.log_in": None,
    "admin.home": Role.VIEWER,
    "admin.log_out": Role.VIEWER,
    "admin.log_out_everywhere": Role.VIEWER,
    "admin.password": Role.VIEWER,
    "admin.repair": Role.EDITOR,
    "admin.retry_job": Role.EDITOR,
    "admin.cancel_job": Role.EDITOR,
    "admin.products.overview": Role.VIEWER,
    "admin.products.change": Role.EDITOR,
    "admin.products.changes": Role.VIEWER,
    "admin.products.undo": Role.EDITOR,
    "admin.row.show": Role.VIEWER,
    "admin.row.save": Role.EDITOR,
    "admin.product.show": Role.VIEWER,
    "admin.product.state": Role.VIEWER,
    "admin.product.save": Role.EDITOR,
    "admin.product.rename": Role.EDITOR,
    "admin.rules.overview": Role.VIEWER,
    "admin.rules.preview": Role.VIEWER,
    "admin.rules.add": Role.EDITOR,
    "admin.rules.switch": Role.EDITOR,
    "admin.rules.delete": Role.EDITOR,
    "admin.searches.overview": Role.VIEWER,
    "admin.searches.forget": Role.EDITOR,
    "admin.synonyms.overview": Role.VIEWER,
    "admin.synonyms.add": Role.EDITOR,
    "admin.synonyms.delete": Role.EDITOR,
    "admin.audit.overview": Role.ADMIN,
    "admin.live": Role.VIEWER,
    "admin.imports.overview": Role.VIEWER,
    "admin.imports.overview_live": Role.VIEWER,
    "admin.imports.one": Role.VIEWER,
    "admin.imports.one_live": Role.VIEWER,
    "admin.imports.errors": Role.VIEWER,
    "admin.imports.send": Role.EDITOR,
    "admin.imports.begin": Role.EDITOR,
    "admin.imports.receive": Role.EDITOR,
    "admin.imports.received": Role.EDITOR,
    "admin.imports.uploaded": Role.EDITOR,
    "admin.imports.start": Role.EDITOR,
    "admin.imports.cancel": Role.EDITOR,
    "admin.imports.delete": Role.EDITOR,
    "admin.staff.overview": Role.ADMIN,
    "admin.staff.add": Role.ADMIN,
    "admin.staff.role": Role.ADMIN,
    "admin.staff.deactivate": Role.ADMIN,
    "admin.staff.activate": Role.ADMIN,
    "admin.staff.password": Role.ADMIN,
    "admin.staff.log_out": Role.ADMIN,
    "admin.models.overview": Role.ADMIN,
    "admin.models.live": Role.ADMIN,
    "admin.models.activate": Role.ADMIN,
    "admin.models.stop": Role.ADMIN,
    "admin.keys.overview": Role.ADMIN,
    "admin.keys.make": Role.ADMIN,
    "admin.keys.revoke": Role.ADMIN,
}
# What takes whole files in a form, and the setting that says how large.
LARGE: Mapping[str, Callable[[Settings], int]] = {
    "admin.imports.send": lambda settings: settings.max_import_mb,
    "admin.product.save": lambda settings: settings.max_upload_mb * MOST_PICTURES,
}
# What is open to an account whose password somebody else made.
WITH_ONE_TIME_PASSWORD = frozenset({"admin.password", "admin.log_out", "admin.log_out_everywhere"})
# The least role for jobs that are more than work behind the scenes, to be tried again or cancelled.
JOBS: Mapping[str, Role] = {"activate_model": Role.ADMIN}
LOGGED_OUT = (
    "You are logged out, and nothing is done yet. What you typed is still here: log in in another tab, then send it "
    "again."
)
READING = frozenset({"GET", "HEAD", "OPTIONS"})


def guard() -> AnyResponse | None:
    """Before every request of the admin pages. Raises Unauthorized, Forbidden; a form without its token is refused."""
    endpoint = request.endpoint or ""
    if endpoint not in ACCESS:
        raise Forbidden
    needed = ACCESS[endpoint]
    if needed is not None:
        if not current_user.is_authenticated:
            if request.method not in READING:
                raise Unauthorized(LOGGED_OUT)
            return redirect(url_for("admin.log_in", next=request.full_path.rstrip("?")))
        if current_user.account.has_one_time_password and endpoint not in WITH_ONE_TIME_PASSWORD:
            if request.method not in READING:
                raise Forbidden("Choose a password of your own first.")
            return redirect(url_for("admin.password", next=request.full_path.rstrip("?")))
        if not current_user.account.role.may(needed):
            raise Forbidden(f"This takes the role {needed}; yours is {current_user.account.role}.")
    if request.method not in READING:
        if endpoint in LARGE:
            # Before the token is read, for which the form is parsed.
            request.max_content_length = LARGE[endpoint](current_services().settings) * MB
        csrf.protect()
    return None


def way_on(told: str | None) -> str:
    """Where to go after what came first, as a login: an admin page of this server, whatever the address said."""
    home = url_for("admin.home")
    if not told or any(letter in told for letter in "\\\r\n\t"):
        return home
    parts = urlsplit(told)
    is_ours = (
        not parts.scheme and not parts.netloc and (parts.path == home or parts.path.startswith(home.rstrip("/") + "/"))
    )
    return told if is_ours and ".." not in parts.path else home


def close_to_others(response: Response) -> Response:
    """Behind every request: nothing is kept by a cache or framed by another page."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Frame-Options"] = "DENY"
    return make_response(response)
