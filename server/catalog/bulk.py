"""One change of many products: prices by per cent, category, stock, status, into the trash and out of it."""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

import psycopg

from server.catalog import history, values
from server.catalog.prices import LARGEST_PRICE
from server.db.named_sql import load
from server.errors import InvalidInput

_SQL = load(__file__, "bulk.sql")

# One statement changes so many within seconds.
MOST = 20_000
# How far prices go by one change: by what leaves nothing they cannot, and elevenfold is a slip.
MOST_PER_CENT = 1_000
# What is written to empty a field of many: an empty box is a slip.
NONE = "-"


class Action(StrEnum):
    """What is done to all of them; the value is what a page sends."""

    PUBLISH = "publish"
    HIDE = "hide"
    DRAFT = "draft"
    TRASH = "trash"
    PUT_BACK = "put_back"
    DELETE = "delete"
    CATEGORY = "category"
    STOCK = "stock"
    PRICE = "price"
    SALE = "sale"

    @property
    def needs_value(self) -> bool:
        """Whether it has a number or text beside it."""
        return self in (Action.CATEGORY, Action.STOCK, Action.PRICE, Action.SALE)


STATUS = {Action.PUBLISH: "live", Action.HIDE: "hidden", Action.DRAFT: "draft", Action.TRASH: "trash"}


def change_many(
    connection: psycopg.Connection, skus: Sequence[str], action: Action, value: str, actor: str
) -> tuple[int, int]:
    """Change them as one; the number of the change, by which it is undone, and how many products differ now.

    value: of an action that needs one, as it was typed. Raises InvalidInput.
    """
    statement, parameters, told = check(skus, action, value)
    with history.recorded(connection, actor, told) as change:
        connection.execute(_SQL["lock"], {"skus": list(skus)})
        try:
            done = connection.execute(statement, {"skus": list(skus), **parameters}).fetchall()
        except psycopg.errors.NumericValueOutOfRange as exc:
            raise InvalidInput(f"A price would be more than {LARGEST_PRICE:,}, which is the most.") from exc
    return change, len(done)


def check(skus: Sequence[str], action: Action, value: str) -> tuple[str, dict[str, Any], str]:
    """What the change takes: SQL, its parameters, and what the history says. Raises InvalidInput where it cannot be."""
    if not skus:
        raise InvalidInput("Choose products first.")
    if len(skus) > MOST:
        raise InvalidInput(f"These are more than {MOST:,} products. Narrow the list, and change it in parts.")
    return _statement(action, value.strip())


def empty_trash(connection: psycopg.Connection, days: int) -> int:
    """Delete for good what has been in the trash for so long; how many."""
    skus = [sku for (sku,) in connection.execute(_SQL["old_trash"], {"days": days, "most": MOST})]
    return len(connection.execute(_SQL["delete_trash"], {"skus": skus}).fetchall())


def _statement(action: Action, value: str) -> tuple[str, dict[str, Any], str]:
    if action in STATUS:
        return _SQL["set_status"], {"status": STATUS[action]}, action.value
    if action is Action.PUT_BACK:
        return _SQL["put_back"], {}, "put back from the trash"
    if action is Action.DELETE:
        return _SQL["delete_trash"], {}, "delete for good"
    if action is Action.CATEGORY:
        category = _parsed("Category", values.parse_category, value, "one, such as Home/Mugs")
        return _SQL["set_category"], {"category": category}, f"category {category or 'emptied'}"
    if action is Action.STOCK:
        stock = _parsed("Stock", values.parse_stock, value, "a number")
        return _SQL["set_stock"], {"stock": stock}, "stock " + ("not counted" if stock is None else str(stock))
    per_cent = _per_cent(value)
    if action is Action.SALE:
        if not 0 <= per_cent < 100:
            raise InvalidInput(
                f"{_shown(per_cent)} per cent off cannot be. Write from 0, which ends the sale, to less than 100."
            )
        return _SQL["set_sale"], {"per_cent": per_cent}, f"sale {per_cent}% off"
    if not -100 < per_cent <= MOST_PER_CENT:
        raise InvalidInput(
            f"Prices cannot change by {_shown(per_cent)} per cent. Write more than -100, which would leave nothing, "
            f"and at most {MOST_PER_CENT:,}."
        )
    return _SQL["change_price"], {"per_cent": per_cent}, f"price {per_cent:+}%"


def _parsed(label: str, parse: Any, value: str, what: str) -> Any:
    """None where NONE was written."""
    if value == NONE:
        return None
    try:
        found = parse(value)
    except ValueError as exc:
        raise InvalidInput(f"{label}: {exc}. Write {what}, or {NONE} for none.") from exc
    if found is None:
        raise InvalidInput(f"{label}: Write {what}, or {NONE} for none.")
    return found


def _per_cent(value: str) -> Decimal:
    try:
        number = Decimal(value.rstrip("% ").replace(",", "."))
    except InvalidOperation:
        raise InvalidInput(f"{_not_a_number(value)} Write how many per cent, such as 5 or -10.") from None
    if not number.is_finite():
        raise InvalidInput(f"{_not_a_number(value)} Write how many per cent, such as 5 or -10.")
    return number


def _not_a_number(value: str) -> str:
    return f"“{values.shown(value)}” is not a number." if value else "There is no number."


def _shown(number: Decimal) -> str:
    return values.shown(f"{number:,f}" if abs(number.adjusted()) < 20 else str(number))
