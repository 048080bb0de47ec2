"""A change to one product, whatever asked for it, and what became of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from server.catalog.stored import Stored
from server.errors import ChangedMeanwhile, Conflict, InvalidInput

Action = Literal["created", "updated", "unchanged", "refused"]

EMPTY: Mapping[str, Any] = {
    "item_group": None,
    "title": None,
    "description": "",
    "brand": None,
    "category": None,
    "price": None,
    "sale_price": None,
    "currency": None,
    "stock": None,
    "attributes": {},
    "status": "live",
    "left_feed_at": None,
}


# Why a change is refused whose maker looked at something else than what is there.
MEANWHILE = "was changed by somebody else meanwhile"
TAKEN = "is taken: there is such a product already. Choose another SKU, or change that product"


class Refused(Exception):
    """This change cannot be made. `field` may be empty; `reason` follows the field's name in a sentence."""

    def __init__(self, field_name: str, reason: str) -> None:
        self.field = field_name
        self.reason = reason
        super().__init__(f"{field_name}: {reason}" if field_name else reason)


@dataclass(frozen=True, slots=True)
class Change:
    """What to set on the product `sku`, which is made if it is not there and `may_create` allows it.

    values: columns to set, checked already; others stay. defaults: for a product that is new only.
    attributes: keys to merge into the stored ones (RFC 7396), on top of `values["attributes"]` if that is given.
    picture: gives the bytes, called in another thread, maybe twice; raises VitrineError. None: the picture stays.
    drops_picture: the product has no picture any more, and is found by its title.
    from_feed: a product that a whole-catalogue import has hidden comes back, because the feed has it again.
    place: where it stood, for messages.
    seen: columns as they were shown to whoever asks; version: a digest of all that there is to see (version.py). Where
    they are others by now, the change is refused with MEANWHILE.
    must_create: refused with TAKEN where there is such a product already.
    pictures: (digest, alt) of all its pictures in their order, stored already, none of them the product's own with
    drops_picture; None: they stay as they are, and one of them that becomes the first changes places with that.
    """

    sku: str
    values: Mapping[str, Any]
    defaults: Mapping[str, Any] = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)
    picture: Callable[[], bytes] | None = None
    may_create: bool = True
    from_feed: bool = False
    drops_picture: bool = False
    place: str = ""
    seen: Mapping[str, str] = field(default_factory=dict)
    version: str | None = None
    must_create: bool = False
    pictures: Sequence[tuple[str, str]] | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a change. `field` and `reason` say why it was refused.

    number: of the change in the products' history, where it changed something and who did it is written down.
    """

    sku: str
    action: Action
    field: str = ""
    reason: str = ""
    number: int | None = None


def require(outcome: Outcome) -> None:
    """Raise what a single refused change means to the one who asked for it, with the field that it is about."""
    if outcome.action != "refused":
        return
    about = {"field": outcome.field, "reason": outcome.reason}
    if outcome.reason == MEANWHILE:
        raise ChangedMeanwhile(f"{outcome.sku} {outcome.reason}. Look at it again.")
    if outcome.reason == TAKEN:
        raise Conflict(f"{outcome.sku} {outcome.reason}.", **about)
    if outcome.reason.startswith("is being changed"):
        raise Conflict(f"{outcome.sku} {outcome.reason}. Try again.")
    raise InvalidInput(f"{outcome.field}: {outcome.reason}" if outcome.field else outcome.reason, **about)


def merged(change: Change, stored: Stored | None, currency: str) -> dict[str, Any]:
    """All columns of the product as they will be. Raises Refused. `currency`: of a new product that names none."""
    if stored is None:
        if not change.may_create:
            raise Refused("sku", "there is no such product")
        result = {**EMPTY, "currency": currency, **change.defaults, **change.values}
        if result["title"] is None:
            raise Refused("title", "is missing (the product is new, so it needs one)")
    else:
        if change.must_create:
            raise Refused("sku", TAKEN)
        result = {**stored.values, **change.values}
        if "status" in change.values or (change.from_feed and stored.values["left_feed_at"] is not None):
            result["left_feed_at"] = None
            result["status"] = change.values.get("status", "live")
    if result["currency"] is None:
        result["currency"] = currency
    result["attributes"] = merge_patch(result["attributes"], change.attributes)
    check_sale_price(result)
    return result


def merge_patch(target: Any, patch: Any) -> Any:
    """RFC 7396: a key with null goes, an object is merged, anything else is set."""
    if not isinstance(patch, Mapping):
        return patch
    result = dict(target) if isinstance(target, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge_patch(result.get(key), value)
    return result


def check_sale_price(values: Mapping[str, Any]) -> None:
    """Whether a sale price has a price beside it that is not less. Raises Refused."""
    price, sale_price = values["price"], values["sale_price"]
    if sale_price is None:
        return
    if price is None:
        raise Refused("sale_price", "needs a price beside it")
    if sale_price > price:
        raise Refused("sale_price", f"{sale_price} is more than the price, {price}")
