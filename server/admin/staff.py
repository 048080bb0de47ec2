"""Accounts in the browser, for admins: the same as `vitrine staff`, by the same calls."""

from http import HTTPStatus
from typing import Any

from flask import Blueprint, flash, redirect, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from server.admin.forms import StaffForm
from server.admin.page import page
from server.errors import Conflict, InvalidInput
from server.staff import accounts, passwords
from server.staff.accounts import Account, Role
from server.web.context import current_services

bp = Blueprint("staff", __name__)


@bp.get("/staff")
def overview() -> AnyResponse:
    """All accounts, and a form for another one."""
    return _overview(StaffForm())


@bp.post("/staff")
def add() -> AnyResponse:
    """Make an account, with the password that was typed, or a one-time one that is made and shown this once."""
    form = StaffForm()
    if not form.validate_on_submit():
        return _overview(form, HTTPStatus.UNPROCESSABLE_ENTITY)
    given, is_made = _password(form.password.data)
    try:
        with current_services().database.connection() as connection:
            added = accounts.add_account(connection, form.name.data, Role(form.role.data), given, _actor(), is_made)
    except (InvalidInput, Conflict) as exc:
        return _overview(form, HTTPStatus(exc.status), refusal=exc.message)
    if is_made:
        return _shown_once(added, given, HTTPStatus.CREATED)
    flash(f"{added.name} can log in, as {added.role}.")
    return redirect(url_for("admin.staff.overview"))


@bp.post("/staff/<int:account>/role")
def role(account: int) -> AnyResponse:
    """Have them do more, or less."""
    told = request.form.get("role", "")
    if told not in list(Role):
        raise InvalidInput("Choose a role.")
    with current_services().database.connection() as connection:
        found = accounts.account_of(connection, account)
        accounts.change_role(connection, found, _actor(), role=Role(told))
    flash(f"{found.name} is {told} now.")
    return _back(found)


@bp.post("/staff/<int:account>/deactivate")
def deactivate(account: int) -> AnyResponse:
    """Let them in no more; their sessions end."""
    return _switch(account, True, "{} cannot log in any more, and every session has ended.")


@bp.post("/staff/<int:account>/activate")
def activate(account: int) -> AnyResponse:
    """Let them in again."""
    return _switch(account, False, "{} can log in again.")


@bp.post("/staff/<int:account>/password")
def password(account: int) -> AnyResponse:
    """Another password, typed or made; their sessions end."""
    given, is_made = _password(request.form.get("password"))
    with current_services().database.connection() as connection:
        found = accounts.account_of(connection, account)
        if found.id == current_user.account.id:
            raise Conflict("Your own password is changed under Password, which asks for the one that you have.")
        accounts.set_password(connection, found, given, _actor(), is_made)
    if is_made:
        return _shown_once(found, given)
    flash(f"{found.name} has the new password, and every session has ended.")
    return _back(found)


@bp.post("/staff/<int:account>/logout")
def log_out(account: int) -> AnyResponse:
    """End their sessions everywhere."""
    with current_services().database.connection() as connection:
        found = accounts.account_of(connection, account)
        accounts.log_out_everywhere(connection, found, _actor())
    flash(f"Every session of {found.name} has ended.")
    return _back(found)


def _switch(account: int, disabled: bool, told: str) -> AnyResponse:
    with current_services().database.connection() as connection:
        found = accounts.account_of(connection, account)
        accounts.change_role(connection, found, _actor(), disabled=disabled)
    flash(told.format(found.name))
    return _back(found)


def _password(typed: str | None) -> tuple[str, bool]:
    """What was typed, or a password that is made here, and whether it is."""
    return (typed, False) if typed else (passwords.make_one_time(), True)


def _shown_once(account: Account, text: str, status: HTTPStatus = HTTPStatus.OK) -> AnyResponse:
    """The password stands in this answer and nowhere else, so the answer is a page and not a way to one."""
    return page("staff_password.html", status, account=account, text=text)


def _back(account: Account) -> AnyResponse:
    """To the list; who changed their own account may not be let in there any more."""
    is_own = account.id == current_user.account.id
    return redirect(url_for("admin.home" if is_own else "admin.staff.overview"))


def _overview(form: StaffForm, status: HTTPStatus = HTTPStatus.OK, **context: Any) -> AnyResponse:
    with current_services().database.connection() as connection:
        found = accounts.list_accounts(connection)
    return page("staff.html", status, form=form, accounts=found, roles=list(Role), **context)


def _actor() -> str:
    return str(current_user.account.name)
