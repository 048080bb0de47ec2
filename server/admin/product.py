"""One product: its form, its pictures, its history."""

import datetime
from http import HTTPStatus
from typing import Any

from flask import Blueprint, flash, jsonify, redirect, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from server.admin.live import fragment
from server.admin.page import page
from server.admin.product_form import STATUSES, SentPicture, SentProduct, read_pictures, read_product, shown_values
from server.catalog import history
from server.catalog.gallery import MOST_PICTURES, read_gallery, read_picture, store_picture, write_gallery
from server.catalog.product import Product, ProductInput
from server.catalog.sku import SENTENCE, is_valid
from server.errors import BadRequest, Conflict, InvalidInput, NotFound
from server.services import Services
from server.web.context import current_services
from server.web.errors import wants_json

bp = Blueprint("product", __name__)

MEANWHILE = (
    "Somebody has changed this product since you opened the form. Look at its history below; saving again writes what "
    "stands here."
)


@bp.get("/product")
def show() -> AnyResponse:
    """The form of one product: ?sku=..., or an empty one."""
    product = _asked()
    return _form(product, SentProduct(shown_values(product, current_services().settings.currency), None, {}))


@bp.get("/product/state")
def state() -> AnyResponse:
    """Whether shoppers find it, for a page that asks again and again."""
    product = current_services().catalog.get(request.args.get("sku", ""))
    return fragment("product_state.html", product=product)


@bp.post("/product")
def save() -> AnyResponse:
    """Make it or change it; what is wrong is said beside its field, and nothing typed is lost."""
    services, stored = current_services(), _asked()
    sent = read_product(request.form, stored)
    if stored is not None and not sent.mistakes and request.form.get("seen") != _seen(stored):
        return _form(stored, sent, HTTPStatus.CONFLICT, MEANWHILE)
    if sent.patch is None:
        return _form(stored, sent, HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        pictures = read_pictures(request)
        product = _save(services, stored, sent, pictures)
    except (BadRequest, Conflict) as exc:
        return _form(stored, sent, HTTPStatus(exc.status), exc.message)
    flash(f"{product.title} is saved.")
    address = url_for("admin.product.show", sku=product.sku)
    # A script that followed a redirect would take the message away from the page that it goes to.
    return jsonify({"page": address}) if wants_json() else redirect(address)


@bp.post("/product/rename")
def rename() -> AnyResponse:
    """Another SKU."""
    old, new = request.form.get("sku", ""), request.form.get("new_sku", "").strip()
    product = current_services().catalog.acting(_actor(), f"SKU {old} renamed {new}").rename(old, new)
    flash(f"{old} is {product.sku} now.")
    return redirect(url_for("admin.product.show", sku=product.sku))


def _save(services: Services, stored: Product | None, sent: SentProduct, pictures: list[SentPicture]) -> Product:
    catalog = services.catalog.acting(_actor(), "edit" if stored is not None else "new product")
    sku, patch = sent.values["sku"].strip() if stored is None else stored.sku, sent.patch
    if patch is None:
        raise InvalidInput
    if stored is None:
        _refuse_taken(services, sku)
    with services.database.connection() as connection:
        own = {shown.sha256 for shown in read_gallery(connection, sku)}
        digests = [_digest(services, connection, picture, own) for picture in pictures]
        is_same = stored is not None and digests[:1] == [stored.image_sha256]
        first = None if is_same or not digests else read_picture(connection, digests[0], services.images)
    if stored is None:
        product, _ = catalog.put(ProductInput(sku=sku, **_of_new(patch)), first)
    else:
        product = catalog.patch(sku, patch, first, replaces_attributes=True)
        if not digests and stored.image_sha256 is not None:
            product = catalog.without_picture(sku)
    # A picture that was sent twice stands once.
    ordered = dict(zip(digests, (picture.alt for picture in pictures), strict=True))
    with services.database.connection() as connection:
        write_gallery(connection, sku, list(ordered.items()))
    return product


def _of_new(patch: Any) -> dict[str, Any]:
    values = {name: getattr(patch, name) for name in patch.model_fields_set}
    return {name: value for name, value in values.items() if value is not None}


def _refuse_taken(services: Services, sku: str) -> None:
    if not is_valid(sku):
        raise InvalidInput(f"sku: {SENTENCE}")
    try:
        services.catalog.get(sku)
    except NotFound:
        return
    raise Conflict(f"There is a product {sku} already. Choose another SKU, or change that product.")


def _digest(services: Services, connection: Any, picture: SentPicture, own: set[str]) -> str:
    """Of a picture that is stored, or is now. A form may name the product's own pictures alone."""
    if picture.data is not None:
        return store_picture(connection, picture.data, services.images, services.settings)
    if picture.sha256 not in own:
        raise InvalidInput("One of these pictures is not of this product any more. Load the page again.")
    return str(picture.sha256)


def _form(
    product: Product | None, sent: SentProduct, status: HTTPStatus = HTTPStatus.OK, refusal: str | None = None
) -> AnyResponse:
    pictures, entries = [], []
    if product is not None:
        with current_services().database.connection() as connection:
            pictures = read_gallery(connection, product.sku)
            entries = history.of_product(connection, product.sku)
    return page(
        "product.html",
        status,
        product=product,
        sent=sent,
        refusal=refusal,
        pictures=pictures,
        history=entries,
        statuses=STATUSES,
        most_pictures=MOST_PICTURES,
        seen="" if product is None else _seen(product),
    )


def _asked() -> Product | None:
    sku = request.args.get("sku")
    return None if sku is None else current_services().catalog.get(sku)


def _seen(product: Product) -> str:
    return product.updated_at.astimezone(datetime.UTC).isoformat()


def _actor() -> str:
    return str(current_user.account.name)
