"""One product: its form, its pictures, its history."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from flask import Blueprint, flash, jsonify, redirect, request, session, url_for
from flask_login import current_user
from flask_wtf.csrf import CSRFError
from werkzeug.wrappers import Response as AnyResponse

from server.admin.differences import read_differences
from server.admin.known import known_names
from server.admin.live import fragment
from server.admin.meanwhile import state_of, theirs, told_state, told_who
from server.admin.old_forms import is_from_here, on_old_form
from server.admin.page import page
from server.admin.product_form import (
    STATUSES,
    RefusedPictures,
    SentPicture,
    SentProduct,
    as_sentence,
    read_pictures,
    read_product,
    shown_values,
)
from server.catalog import history
from server.catalog.change import TAKEN
from server.catalog.gallery import (
    MOST_PICTURES,
    Shown,
    check_picture,
    read_gallery,
    read_picture,
    store_picture,
)
from server.catalog.product import Product, ProductInput, ProductPatch
from server.catalog.version import version_of
from server.errors import BadRequest, ChangedMeanwhile, Conflict, InvalidImage, InvalidInput, NotFound
from server.services import Services
from server.web.context import current_services
from server.web.errors import wants_json

bp = Blueprint("product", __name__)

MEANWHILE = (
    "{who} changed this product since you opened the form. It is not saved yet; saving again writes what stands here "
    "over that."
)
OLD = (
    "This form is too old: it was opened before you logged in as {who}. Nothing is saved yet, and what you typed is "
    "still here. Press Save again."
)
NO_FILES = " New pictures have to be chosen once more."
# What is wrong with these shows at another field.
SHOWN_AT = {"image": "pictures"}


@bp.get("/product")
def show() -> AnyResponse:
    """The form of one product: ?sku=..., or an empty one."""
    product = _asked()
    return _form(product, _unchanged(product))


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
    if sent.patch is None:
        return _form(stored, _all_wrong(services, stored, sent), HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        product = _save(services, stored, sent, sent.patch)
    except ChangedMeanwhile as exc:
        # What is stored by now, so that saving again is a change of that.
        who = "Somebody has" if stored is None else told_who(stored.sku)
        return _form(_asked(), sent, HTTPStatus(exc.status), MEANWHILE.format(who=who), is_new_look=True)
    except RefusedPictures as exc:
        return _form(stored, replace(sent, refused_pictures=exc.refused), HTTPStatus(exc.status))
    except (BadRequest, Conflict) as exc:
        field = str(exc.context.get("field", ""))
        field = SHOWN_AT.get(field, field)
        if field in sent.values or field == "pictures":
            sent = sent.refused(field, as_sentence(str(exc.context["reason"])))
            return _form(stored, _all_wrong(services, stored, sent), HTTPStatus(exc.status))
        return _form(stored, sent, HTTPStatus(exc.status), exc.message)
    flash(f"{product.title} is saved.")
    address = url_for("admin.product.show", sku=product.sku)
    # A script that followed a redirect would take the message away from the page that it goes to.
    return jsonify({"page": address}) if wants_json() else redirect(address)


@bp.errorhandler(CSRFError)
def on_old(exc: CSRFError) -> AnyResponse:
    """A form of a session that is over comes back as it was typed, with a token of this one."""
    if request.endpoint == "admin.product.save" and not wants_json() and is_from_here():
        with suppress(NotFound):
            stored = _asked()
            said = OLD.format(who=_actor())
            if any(file.filename for file in request.files.values()):
                said += NO_FILES
            return _form(stored, read_product(request.form, stored), HTTPStatus.BAD_REQUEST, said)
    return on_old_form(exc)


@bp.post("/product/rename")
def rename() -> AnyResponse:
    """Another SKU."""
    old, new = request.form.get("sku", ""), request.form.get("new_sku", "").strip()
    services = current_services()
    stored = services.catalog.get(old)
    try:
        product = services.catalog.acting(_actor(), f"SKU {old} renamed {new}").rename(old, new)
    except (BadRequest, Conflict) as exc:
        said = f"{old} is not renamed. {exc.message.removeprefix('sku: ')}"
        return _form(stored, _unchanged(stored), HTTPStatus(exc.status), refused_sku=(new, said))
    flash(f"{old} is {product.sku} now.")
    return redirect(url_for("admin.product.show", sku=product.sku))


def _save(services: Services, stored: Product | None, sent: SentProduct, patch: ProductPatch) -> Product:
    """Write it with its pictures, as one change. Raises RefusedPictures, ChangedMeanwhile, BadRequest, Conflict."""
    catalog = services.catalog.acting(_actor(), "edit" if stored is not None else "new product")
    sku = sent.values["sku"].strip() if stored is None else stored.sku
    if stored is None:
        _refuse_taken(services, sku)
    pictures = read_pictures(request)
    digests = _store(services, sku, stored, pictures)
    # A picture that was sent twice stands once.
    ordered = list(dict(zip(digests, (picture.alt for picture in pictures), strict=True)).items())
    first = None
    if digests and (stored is None or digests[0] != stored.image_sha256):
        with services.database.connection() as connection:
            first = read_picture(connection, digests[0], services.images)
    if stored is None:
        return catalog.make(ProductInput(sku=sku, **_of_new(patch)), first, ordered)
    version = request.form.get("seen", "")
    drops = not digests and stored.image_sha256 is not None
    return catalog.patch(
        sku, patch, first, replaces_attributes=True, version=version, pictures=ordered, drops_picture=drops
    )


def _store(services: Services, sku: str, stored: Product | None, pictures: Sequence[SentPicture]) -> list[str]:
    """Digests of pictures that are stored, or are now. A form may name the product's own pictures alone.

    Raises InvalidInput, ChangedMeanwhile, RefusedPictures with all that cannot be taken.
    """
    digests, refused = [], []
    with services.database.connection() as connection:
        shown = read_gallery(connection, sku)
        # The catalogue asks again behind its lock; but a picture that somebody took away meanwhile is no wrong one.
        if stored is not None and request.form.get("seen") != _version(stored, shown):
            raise ChangedMeanwhile(f"{sku} was changed by somebody else meanwhile.")
        own = {one.sha256 for one in shown}
        for picture in pictures:
            if picture.data is None:
                if picture.sha256 not in own:
                    raise InvalidInput("One of these pictures is not of this product any more. Load the page again.")
                digests.append(str(picture.sha256))
                continue
            try:
                digests.append(store_picture(connection, picture.data, services.images, services.settings))
            except InvalidImage as exc:
                refused.append((picture.name, exc.message))
    if refused:
        raise RefusedPictures(refused)
    return digests


def _all_wrong(services: Services, stored: Product | None, sent: SentProduct) -> SentProduct:
    """A form that is refused anyway, with what else would be wrong with it: its SKU is taken, pictures are none."""
    if stored is None and "sku" not in sent.mistakes:
        with suppress(NotFound):
            services.catalog.get(sent.values["sku"].strip())
            sent = sent.refused("sku", as_sentence(TAKEN))
    try:
        pictures = read_pictures(request)
    except InvalidInput as exc:
        return sent.refused("pictures", exc.message)
    refused = []
    for picture in pictures:
        try:
            if picture.data is not None:
                check_picture(picture.data, services.settings)
        except InvalidImage as exc:
            refused.append((picture.name, exc.message))
    return replace(sent, refused_pictures=refused)


def _of_new(patch: Any) -> dict[str, Any]:
    values = {name: getattr(patch, name) for name in patch.model_fields_set}
    return {name: value for name, value in values.items() if value is not None}


def _refuse_taken(services: Services, sku: str) -> None:
    """Before pictures are stored for nothing; the catalogue looks again behind its lock."""
    try:
        services.catalog.get(sku)
    except NotFound:
        return
    raise Conflict(f"{sku} {TAKEN}.", field="sku", reason=TAKEN)


def _unchanged(product: Product | None) -> SentProduct:
    return SentProduct(shown_values(product, current_services().settings.currency), None, {})


def _form(
    product: Product | None,
    sent: SentProduct,
    status: HTTPStatus = HTTPStatus.OK,
    refusal: str | None = None,
    refused_sku: tuple[str, str] | None = None,
    *,
    is_new_look: bool = False,
) -> AnyResponse:
    """The page of a product. refused_sku: one that it cannot have, and why.

    is_new_look: whoever sent the form hears of what others did meanwhile, and may write over it from here on.
    """
    pictures, entries, differences = [], [], []
    if product is not None:
        with current_services().database.connection() as connection:
            pictures = read_gallery(connection, product.sku)
            entries = history.of_product(connection, product.sku)
            differences = read_differences(connection, [(entry.before, entry.after) for entry in entries])
    now = state_of(product, pictures, current_services().settings.currency)
    seen, was = "" if product is None else _version(product, pictures), told_state(now)
    return page(
        "product.html",
        status,
        product=product,
        sent=sent,
        refusal=refusal,
        refused_sku=refused_sku,
        address=url_for("admin.product.show", sku=None if product is None else product.sku),
        known=known_names(current_services()),
        list_query=session.get("list", ""),
        pictures=pictures,
        history=list(zip(entries, differences, strict=True)),
        theirs=theirs(request.form.get("was", ""), now, sent.values) if is_new_look else [],
        was=was if is_new_look else request.form.get("was", was),
        statuses=STATUSES,
        most_pictures=MOST_PICTURES,
        seen=seen if is_new_look else request.form.get("seen", seen),
    )


def _version(product: Product, pictures: Sequence[Shown]) -> str:
    return version_of(product, [(shown.sha256, shown.alt) for shown in pictures])


def _asked() -> Product | None:
    sku = request.args.get("sku")
    return None if sku is None else current_services().catalog.get(sku)


def _actor() -> str:
    return str(current_user.account.name)
