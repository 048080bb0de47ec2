"""Who is logged in: Flask-Login over the accounts of server/staff."""

from contextlib import suppress

from flask import Flask
from flask_login import LoginManager, UserMixin
from flask_wtf import CSRFProtect

from server.errors import VitrineError
from server.staff import accounts
from server.staff.accounts import Account
from server.web.context import current_services

csrf = CSRFProtect()
login_manager = LoginManager()


class Staff(UserMixin):
    """An account as Flask-Login sees it."""

    def __init__(self, account: Account) -> None:
        self.account = account

    def get_id(self) -> str:
        """What stands in the session: another session key ends it."""
        return f"{self.account.id}:{self.account.session_key}"


@login_manager.user_loader
def load_staff(told: str) -> Staff | None:
    """The account of a session, None where it has ended."""
    number, _, key = told.partition(":")
    if not number.isdecimal() or len(number) > 9:
        return None
    with suppress(VitrineError), current_services().database.connection() as connection:
        account = accounts.of_session(connection, int(number), key)
        return None if account is None else Staff(account)
    return None


def init_app(app: Flask) -> None:
    """Sessions and CSRF tokens for the admin pages. The API and the shop have neither."""
    app.config["WTF_CSRF_CHECK_DEFAULT"] = False
    # A token belongs to its session, and ends with it: a form may stay open over lunch, an upload take hours.
    app.config["WTF_CSRF_TIME_LIMIT"] = None
    csrf.init_app(app)
    login_manager.init_app(app)
