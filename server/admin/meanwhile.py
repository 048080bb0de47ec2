"""Who was quicker, where two change the same product."""

from flask_login import current_user

from server.catalog import history
from server.web.context import current_services


def told_who(sku: str, column: str | None = None) -> str:
    """Who made a product, or a column of it, what it is: the beginning of a sentence that goes on with "changed"."""
    with current_services().database.connection() as connection:
        who = history.changed_by(connection, sku, column)
    if who is None:
        return "Somebody, or a program, has"
    return "You have yourself, in another window," if who == current_user.account.name else f"{who} has"
