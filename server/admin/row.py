"""A row of the list of products, whose values are changed where they stand. For a script of the list."""

from flask import Blueprint, jsonify, render_template, request
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from server.admin.live import fragment
from server.admin.meanwhile import told_who
from server.admin.product_form import as_sentence, read_field
from server.catalog.listing import TRASH, Listed, read_row
from server.catalog.version import shown_value
from server.errors import ChangedMeanwhile, Conflict, InvalidInput
from server.web.context import current_services

bp = Blueprint("row", __name__)

FIELDS = ("title", "category", "price", "stock", "status")
ACTION = "edit in the list"


@bp.get("/products/row")
def show() -> AnyResponse:
    """One row as it is now: ?sku=..."""
    return fragment("product_row.html", one=_row(request.args.get("sku", "")))


@bp.post("/products/row")
def save() -> AnyResponse:
    """Write one value: sku, field, value, and `was`, which stood there before; the answer has the row as it is then.

    Raises NotFound, Conflict, InvalidInput and ChangedMeanwhile, whose sentences belong beside the field.
    """
    services, form = current_services(), request.form
    sku, field, was = form.get("sku", ""), form.get("field", ""), form.get("was", "")
    if field not in FIELDS:
        raise InvalidInput("This cannot be changed in the list. Open the product.")
    stored = services.catalog.get(sku)
    if stored.status == TRASH:
        raise Conflict("This product is in the trash. Put it back first.")
    patch = read_field(field, form.get("value", ""), stored)
    try:
        # Its own number: two values of a row may be saved side by side, and each is undone by itself.
        number = services.catalog.acting(_actor(), ACTION).edit(sku, patch, seen={field: was}).number
    except ChangedMeanwhile:
        raise ChangedMeanwhile(_told_meanwhile(sku, field)) from None
    except InvalidInput as exc:
        raise InvalidInput(_told_refusal(field, exc)) from exc
    row = _row(sku)
    differs = shown_value(getattr(row, field)) != was
    return jsonify(
        {
            "row": render_template("admin/product_row.html", one=row),
            "said": f"{field.capitalize()} of {row.title} is saved." if differs else "Nothing differs.",
            "change": number if differs else None,
        }
    )


def _row(sku: str) -> Listed:
    with current_services().database.connection() as connection:
        return read_row(connection, sku)


def _told_meanwhile(sku: str, field: str) -> str:
    now = shown_value(getattr(_row(sku), field))
    return f"{told_who(sku, field)} changed this meanwhile: it is {now or 'empty'} now."


def _told_refusal(field: str, exc: InvalidInput) -> str:
    """A sentence for beside the field, also where the reason lies with another one."""
    about, reason = exc.context.get("field"), exc.context.get("reason")
    if not reason:
        return exc.message
    return as_sentence(reason if about == field else f"{str(about).replace('_', ' ')} {reason}".strip())


def _actor() -> str:
    return str(current_user.account.name)
