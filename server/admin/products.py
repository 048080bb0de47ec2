"""The catalogue as a list: searched, filtered, sorted, and changed by the many; what was changed, and undoing it."""

from collections.abc import Sequence
from urllib.parse import urlencode

from flask import Blueprint, flash, jsonify, redirect, request, session, url_for
from flask_login import current_user
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as AnyResponse

from server.admin.differences import read_differences
from server.admin.page import page
from server.catalog import bulk, history
from server.catalog.bulk import Action
from server.catalog.former_pictures import put_back
from server.catalog.history import Undone
from server.catalog.listing import MOST_COUNTED, ORDERS, PAGE, Looked, count_by_status, find_skus, read_page
from server.errors import InvalidInput
from server.web.context import current_services
from server.web.errors import wants_json

bp = Blueprint("products", __name__)

MOST_CHANGES = 100
STATUSES = ("live", "draft", "hidden", "trash")
YES_NO = {"yes": True, "no": False}
ACTIONS = {
    Action.PUBLISH: "put into the shop",
    Action.HIDE: "hide",
    Action.DRAFT: "make drafts",
    Action.PRICE: "change prices by per cent",
    Action.SALE: "put on sale, per cent off",
    Action.CATEGORY: "set the category",
    Action.STOCK: "set the stock",
    Action.TRASH: "move to the trash",
}
ACTIONS_IN_TRASH = {Action.PUT_BACK: "put back", Action.DELETE: "delete for good"}


@bp.get("/products")
def overview() -> AnyResponse:
    """A page of them."""
    looked, order, number = _asked(request.args)
    with current_services().database.connection() as connection:
        found, count = read_page(connection, looked, order, number)
        numbers = count_by_status(connection)
    asked = {name: value for name, value in request.args.items() if value and name != "page"}
    return page(
        "products.html",
        products=found,
        count=min(count, MOST_COUNTED),
        is_more=count > MOST_COUNTED,
        numbers=numbers,
        number=number,
        pages=-(-count // PAGE),
        looked=looked,
        order=order,
        orders=list(ORDERS),
        asked=asked,
        actions=ACTIONS_IN_TRASH if looked.status == "trash" else ACTIONS,
        statuses=STATUSES,
        last_change=session.pop("last_change", None),
    )


@bp.post("/products/change")
def change() -> AnyResponse:
    """Change those that are ticked, or all that were found."""
    form = request.form
    try:
        _change(form)
    except InvalidInput as exc:
        flash(exc.message, "danger")
    keep = ("words", "status", "category", "brand", "picture", "stock", "order")
    kept = urlencode({name: form[name] for name in keep if form.get(name)})
    return redirect(f"{url_for('admin.products.overview')}?{kept}")


def _change(form: MultiDict[str, str]) -> None:
    try:
        action = Action(form.get("action", ""))
    except ValueError:
        raise InvalidInput("Choose what is to be done with them.") from None
    looked, _, _ = _asked(form)
    with current_services().database.connection() as connection:
        skus = find_skus(connection, looked, bulk.MOST + 1) if form.get("all") == "yes" else form.getlist("sku")
        number, done = bulk.change_many(connection, skus, action, form.get("value", ""), _actor())
    flash(_told(done, len(skus), "deleted for good" if action is Action.DELETE else "changed"))
    if done and action is not Action.DELETE:
        session["last_change"] = number


@bp.get("/changes")
def changes() -> AnyResponse:
    """What was done to products, newest first."""
    with current_services().database.connection() as connection:
        found = history.newest(connection, MOST_CHANGES)
        differences = read_differences(connection, [(one.before, one.after) for one in found])
    return page("changes.html", changes=list(zip(found, differences, strict=True)))


@bp.post("/changes/<int:number>/undo")
def undo(number: int) -> AnyResponse:
    """Put back what a change did."""
    services = current_services()
    with services.database.connection() as connection:
        done = history.undo(connection, number, _actor())
    catalog = services.catalog.acting(_actor(), f"undo of change {number}")
    told = _told_undone(done, put_back(catalog, services.database, services.images, done.pictures))
    if wants_json():
        return jsonify({"said": told})
    flash(told)
    return redirect(url_for("admin.products.changes"))


def _told_undone(done: Undone, lost: Sequence[str]) -> str:
    """What is as it was, and what is not. lost: whose pictures could not be put back."""
    whole = len(set(done.whole) - set(lost))
    told = []
    if whole:
        told.append("It is as it was before." if whole == 1 else f"{whole:,} products are as they were before.")
    if done.partly:
        told.append(
            f"Of {_some(done.partly)} something was changed again since, which stays; the rest is as it was before."
        )
    if done.left:
        were = "was changed again since, or is" if len(done.left) == 1 else "were changed again since, or are"
        stay = "stays as it is" if len(done.left) == 1 else "stay as they are"
        told.append(f"{_some(done.left)} {were} gone, and {stay}.")
    if lost:
        told.append(f"The pictures of {_some(lost)} could not be put back.")
    return " ".join(told)


def _some(skus: Sequence[str]) -> str:
    """The first five, and how many more."""
    more = len(skus) - 5
    return ", ".join(skus[:5]) + (f" and {more:,} more" if more > 0 else "")


def _told(done: int, of: int, what: str) -> str:
    if done == 0:
        return "Nothing differs: they were so already."
    changed = f"1 product is {what}." if done == 1 else f"{done:,} products are {what}."
    return changed if done == of else f"{changed} {of - done:,} were so already, or cannot be."


def _asked(given: MultiDict[str, str]) -> tuple[Looked, str, int]:
    """What is looked for, the order, and the number of the page; what is not understood asks for nothing."""
    status, order = given.get("status"), given.get("order", "")
    looked = Looked(
        words=given.get("words", "")[:200],
        status=status if status in STATUSES else None,
        category=_text(given.get("category")),
        brand=_text(given.get("brand")),
        has_picture=YES_NO.get(given.get("picture", "")),
        in_stock=YES_NO.get(given.get("stock", "")),
    )
    return looked, order if order in ORDERS else "changed", min(max(given.get("page", 1, type=int), 1), 10_000)


def _text(told: str | None) -> str | None:
    return (told or "").replace("\0", "").strip()[:300] or None


def _actor() -> str:
    return str(current_user.account.name)
