"""The catalogue as a list: searched, filtered, sorted, and changed by the many; what was changed, and undoing it."""

from collections.abc import Sequence
from dataclasses import replace
from http import HTTPStatus
from urllib.parse import urlencode

from flask import Blueprint, flash, jsonify, redirect, request, session, url_for
from flask_login import current_user
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as AnyResponse

from server.admin.access import way_on
from server.admin.differences import read_differences
from server.admin.known import known_names
from server.admin.page import page
from server.catalog import bulk, history
from server.catalog.bulk import Action
from server.catalog.former_pictures import put_back
from server.catalog.history import Undone
from server.catalog.listing import MOST_COUNTED, ORDERS, PAGE, Looked, count_by_status, find_skus, read_page
from server.catalog.values import parse_category
from server.errors import InvalidInput
from server.web.context import current_services
from server.web.errors import wants_json

bp = Blueprint("products", __name__)

MOST_CHANGES = 100
# The session is a cookie, which browsers keep up to 4,096 bytes.
LONGEST_ADDRESS = 1_000
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
# What the list is asked for, and what the page calls it; KEPT goes along from page to page.
FILTERS = {
    "words": "SKU, title or brand",
    "status": "status",
    "category": "category",
    "brand": "brand",
    "picture": "with a picture",
    "stock": "in stock",
}
KEPT = (*FILTERS, "order")
ACTIONS_IN_TRASH = {Action.PUT_BACK: "put back", Action.DELETE: "delete for good"}


@bp.get("/products")
def overview() -> AnyResponse:
    """A page of them."""
    # The page of a product leads back to what was looked for.
    query = request.query_string.decode("ascii", "replace")[:LONGEST_ADDRESS]
    if session.get("list", "") != query:
        session["list"] = query
    return _overview(request.args)


@bp.post("/products/change")
def change() -> AnyResponse:
    """Change those that are ticked, or all that were found; for all, it is asked first.

    What cannot be done is said on the list, where all is ticked and typed as it was.
    """
    try:
        asks = _change(request.form)
    except InvalidInput as exc:
        return _overview(request.form, exc.message)
    return asks or redirect(_address_of_list(request.form))


def _change(form: MultiDict[str, str]) -> AnyResponse | None:
    """The question that comes first, or None where it is done. Raises InvalidInput."""
    try:
        action = Action(form.get("action", ""))
    except ValueError:
        raise InvalidInput("Choose what is to be done with them.") from None
    looked, _, _ = _asked(form)
    takes_all, value = form.get("all") == "yes", form.get("value", "")
    with current_services().database.connection() as connection:
        skus = find_skus(connection, looked, bulk.MOST + 1) if takes_all else form.getlist("sku")
        bulk.check(skus, action, value)
        # Their number is what was agreed to: if others have come meanwhile, it is asked again.
        if takes_all and form.get("sure") != str(len(skus)):
            return _ask(form, action, len(skus))
        number, done = bulk.change_many(connection, skus, action, value, _actor())
    flash(_told(done, len(skus), "deleted for good" if action is Action.DELETE else "changed"))
    if done and action is not Action.DELETE:
        session["last_change"] = number
    return None


def _ask(form: MultiDict[str, str], action: Action, number: int) -> AnyResponse:
    """Whether all of them are meant."""
    kept = {name: form[name] for name in (*KEPT, "page", "action", "value") if form.get(name)}
    return page(
        "products_sure.html",
        number=number,
        what=(ACTIONS | ACTIONS_IN_TRASH)[action],
        value=form.get("value", "").strip() if action.needs_value else "",
        filters={told: form[name] for name, told in FILTERS.items() if form.get(name)},
        kept=kept,
        back=_address_of_list(form),
    )


def _overview(given: MultiDict[str, str], refusal: str | None = None) -> AnyResponse:
    """A page of the list; `given` is its address, or the form of a change that was refused."""
    looked, order, number = _asked(given)
    services = current_services()
    with services.database.connection() as connection:
        found, count = read_page(connection, looked, order, number)
        named = looked.category and services.search.facts.category_named(looked.category)
        if not count and named != looked.category:
            # "mugs" alone is the end of a path.
            looked = replace(looked, category=named)
            found, count = read_page(connection, looked, order, number)
        numbers = count_by_status(connection)
    asked = {name: given[name] for name in KEPT if given.get(name)}
    if looked.category:
        asked["category"] = looked.category
    return page(
        "products.html",
        HTTPStatus.OK if refusal is None else HTTPStatus.UNPROCESSABLE_ENTITY,
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
        address=_address_of_list(given),
        last_change=session.pop("last_change", None),
        known=known_names(services),
        refusal=refusal,
        ticked=set(given.getlist("sku")),
        sent=given if refusal is not None else {},
    )


def _address_of_list(form: MultiDict[str, str]) -> str:
    """The page of the list that a change was made on."""
    kept = urlencode({name: form[name] for name in (*KEPT, "page") if form.get(name)})
    return f"{url_for('admin.products.overview')}?{kept}"


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
    return redirect(way_on(request.form.get("back") or url_for("admin.products.changes")))


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
        category=_category(given.get("category")),
        brand=_brand(given.get("brand")),
        has_picture=YES_NO.get(given.get("picture", "")),
        in_stock=YES_NO.get(given.get("stock", "")),
    )
    return looked, order if order in ORDERS else "changed", min(max(given.get("page", 1, type=int), 1), 10_000)


def _category(told: str | None) -> str | None:
    """As products have it: whichever signs stand between its parts, and in the shop's capitals."""
    try:
        path = parse_category(_text(told))
    except ValueError:
        return _text(told)
    return path and current_services().search.facts.category_meant(path)


def _brand(told: str | None) -> str | None:
    brand = _text(told)
    return brand and current_services().search.facts.brands_shown(brand)[0]


def _text(told: str | None) -> str | None:
    return (told or "").replace("\0", "").strip()[:300] or None


def _actor() -> str:
    return str(current_user.account.name)
