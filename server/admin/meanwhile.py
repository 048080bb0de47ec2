"""Who was quicker, where two change the same product, and what is another by that."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson
from flask_login import current_user

from server.admin.differences import PICTURES
from server.admin.product_form import shown_values
from server.catalog import history
from server.catalog.gallery import Shown
from server.catalog.product import Product
from server.web.context import current_services


@dataclass(frozen=True)
class Theirs:
    """A field that somebody else changed, or `pictures`, and what stands there now."""

    name: str
    text: str


def state_of(product: Product | None, pictures: Sequence[Shown], currency: str) -> dict[str, str]:
    """What stands in a form before somebody fills it in, `pictures` among the fields."""
    told = "\n".join(f"{shown.sha256} {shown.alt}" for shown in pictures)
    return {**shown_values(product, currency), PICTURES: told}


def told_state(state: Mapping[str, str]) -> str:
    """The same as it travels with the form: digests, since a description may have pages."""
    return orjson.dumps({name: _digest(value) for name, value in state.items()}).decode()


def theirs(was: str, now: Mapping[str, str], sent: Mapping[str, str]) -> list[Theirs]:
    """Where `now` is another state than a form tells that there was, and than what is sent: what would be lost.

    Where it tells nothing that can be read, all that differs from what is sent.
    """
    try:
        found = orjson.loads(was)
    except orjson.JSONDecodeError:
        found = None
    digests = found if isinstance(found, dict) else {}
    return [
        Theirs(name, value)
        for name, value in now.items()
        if digests.get(name) != _digest(value) and sent.get(name) != value
    ]


def _digest(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()[:16]


def told_who(sku: str, column: str | None = None) -> str:
    """Who made a product, or a column of it, what it is: the beginning of a sentence that goes on with "changed"."""
    with current_services().database.connection() as connection:
        who = history.changed_by(connection, sku, column)
    if who is None:
        return "Somebody, or a program, has"
    return "You have yourself, in another window," if who == current_user.account.name else f"{who} has"
