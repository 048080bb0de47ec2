"""The admin pages."""

import logging
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, flash, redirect, request, session, url_for
from flask_login import current_user, login_user, logout_user
from flask_wtf.csrf import CSRFError
from werkzeug.wrappers import Response as AnyResponse

from server.admin import audit, imports, keys, models, product, products, row, rules, searches, staff, synonyms
from server.admin.access import JOBS, close_to_others, guard, way_on
from server.admin.forms import LoginForm, PasswordForm
from server.admin.live import fragment
from server.admin.old_forms import on_logged_out, on_old_form
from server.admin.operations import read_operations
from server.admin.page import page, told_bytes, told_duration, told_value
from server.admin.session import Staff
from server.errors import Conflict, Forbidden, InvalidInput, TooManyRequests, Unauthorized, VitrineError
from server.jobs import failures
from server.jobs.failures import TOLD
from server.jobs.names import EMBED_GAPS, EMBED_PICTURES
from server.jobs.queue import put_in
from server.staff import accounts
from server.web.context import current_services
from server.web.errors import error_answer, wants_json

log = logging.getLogger(__name__)

bp = Blueprint("admin", __name__, url_prefix="/admin", template_folder="templates", static_folder="static")
bp.before_request(guard)
bp.after_request(close_to_others)

for part in (
    products.bp,
    row.bp,
    product.bp,
    rules.bp,
    imports.bp,
    searches.bp,
    synonyms.bp,
    staff.bp,
    models.bp,
    keys.bp,
    audit.bp,
):
    bp.register_blueprint(part)
bp.register_error_handler(CSRFError, on_old_form)
bp.register_error_handler(Unauthorized, on_logged_out)
bp.add_app_template_filter(told_bytes, "bytes")
bp.add_app_template_filter(told_duration, "duration")
bp.add_app_template_filter(told_value, "told")


@bp.route("/login", methods=["GET", "POST"])
def log_in() -> AnyResponse:
    """The login, and on to the page that was asked for."""
    if current_user.is_authenticated:
        return redirect(url_for("admin.home"))
    form, status, refusal = LoginForm(), HTTPStatus.OK, None
    if form.validate_on_submit():
        address = request.remote_addr or ""
        try:
            account = accounts.log_in(current_services().database, form.name.data, form.password.data, address)
        except (Unauthorized, TooManyRequests) as exc:
            refusal, status = exc.message, HTTPStatus(exc.status)
        else:
            # What was in the session before the login is not to be known to whoever made it.
            session.clear()
            session.permanent = True
            login_user(Staff(account))
            return redirect(way_on(request.args.get("next")))
    elif request.method == "POST":
        status = HTTPStatus.UNPROCESSABLE_ENTITY
    return page("login.html", status, form=form, refusal=refusal)


@bp.post("/logout")
def log_out() -> AnyResponse:
    """End this session."""
    logout_user()
    session.clear()
    return redirect(url_for("admin.log_in"))


@bp.post("/logout-everywhere")
def log_out_everywhere() -> AnyResponse:
    """End every session of this account."""
    account = current_user.account
    with current_services().database.connection() as connection:
        accounts.log_out_everywhere(connection, account, account.name)
    return log_out()


@bp.route("/password", methods=["GET", "POST"])
def password() -> AnyResponse:
    """Change one's own password; every other session ends."""
    form, status, refusal = PasswordForm(), HTTPStatus.OK, None
    if form.validate_on_submit():
        account, database = current_user.account, current_services().database
        try:
            accounts.log_in(database, account.name, form.old.data, request.remote_addr or "")
            if form.new.data == form.old.data:
                raise InvalidInput("This is the password that you have. Choose another one.")
            with database.connection() as connection:
                accounts.change_own_password(connection, account, form.new.data)
                changed = accounts.find_account(connection, account.name)
        except Unauthorized:
            refusal, status = "The password so far is wrong.", HTTPStatus.UNPROCESSABLE_ENTITY
        except (Conflict, InvalidInput, TooManyRequests) as exc:
            refusal, status = exc.message, HTTPStatus(exc.status)
        else:
            login_user(Staff(changed))
            flash("The password is changed, and every other session has ended.")
            return redirect(way_on(request.args.get("next")))
    elif request.method == "POST":
        status = HTTPStatus.UNPROCESSABLE_ENTITY
    return page("password.html", status, form=form, refusal=refusal)


@bp.get("/")
def home() -> AnyResponse:
    """How the shop is."""
    return page("home.html", **_operations())


@bp.get("/live")
def live() -> AnyResponse:
    """The same, for a page that asks again and again."""
    return fragment("home_live.html", **_operations())


@bp.post("/coverage/repair")
def repair() -> AnyResponse:
    """Have the worker embed what lacks a vector."""
    with current_services().database.connection() as connection:
        is_new = any([put_in(connection, EMBED_GAPS), put_in(connection, EMBED_PICTURES)])
    flash("The worker is told." if is_new else "The worker was told already.")
    return redirect(url_for("admin.home"))


@bp.post("/jobs/<int:job>/retry")
def retry_job(job: int) -> AnyResponse:
    """Queue a job that was given up again."""
    return _on_job(job, failures.retry, f"Job {job} waits again.")


@bp.post("/jobs/<int:job>/cancel")
def cancel_job(job: int) -> AnyResponse:
    """Take a job out of the queue."""
    return _on_job(job, failures.cancel, f"Job {job} is cancelled.")


@bp.errorhandler(VitrineError)
def on_own(exc: VitrineError) -> Response:
    """What was refused or failed, as an admin page, or as JSON for a script of one."""
    if exc.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("%s %s: %s", request.method, request.path, exc.message, exc_info=exc)
    if wants_json():
        return error_answer(exc.code, exc.status, exc.message)
    return page("error.html", HTTPStatus(exc.status), message=exc.message)


def _operations() -> dict[str, Any]:
    role = current_user.account.role
    closed = {task for task, needed in JOBS.items() if not role.may(needed)}
    return {"operations": read_operations(current_services()), "told": TOLD, "closed": closed}


def _on_job(job: int, change: Any, done: str) -> AnyResponse:
    with current_services().database.connection() as connection:
        needed = JOBS.get(failures.task_of(connection, job) or "")
        if needed is not None and not current_user.account.role.may(needed):
            raise Forbidden(f"This takes the role {needed}; yours is {current_user.account.role}.")
        change(connection, job)
    flash(done)
    return redirect(url_for("admin.home"))
