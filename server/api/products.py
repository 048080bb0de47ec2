"""Products one by one and in bulk. Writing takes a key."""

from collections import Counter
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from flask import Response, jsonify, make_response
from flask_openapi3 import APIBlueprint, Tag
from pydantic import ValidationError

from server.api.auth import SCHEME, caller_shown, require_key, say_how
from server.api.pictures import decode_image
from server.api.product_schemas import (
    PICTURE_COLUMNS,
    BulkAnswer,
    BulkBody,
    BulkItem,
    BulkRefusal,
    ProductOut,
    ProductPatchBody,
    ProductPutBody,
)
from server.api.schemas import ERRORS, ErrorAnswer, FieldError, SkuPath
from server.catalog.product import Product, ProductInput, problems
from server.catalog.products import Catalog
from server.catalog.sku import SENTENCE
from server.errors import InvalidInput, NotFound
from server.web.context import current_services
from server.web.media import image_url, thumbnail_url

bp = APIBlueprint(
    "products_api",
    __name__,
    url_prefix="/api/v1",
    abp_tags=[Tag(name="Products", description="Read and write the catalogue.")],
    abp_responses=ERRORS,
)

bp.before_request(require_key)
bp.after_request(say_how)

WRITE_ERRORS: Any = {
    HTTPStatus.NOT_FOUND: ErrorAnswer,
    HTTPStatus.CONFLICT: ErrorAnswer,
}
NEEDS_KEY: Any = [{SCHEME: []}]


@bp.get(
    "/products/<path:sku>",
    summary="One product",
    responses={HTTPStatus.OK: ProductOut, HTTPStatus.NOT_FOUND: ErrorAnswer},
)
def get_product(path: SkuPath) -> Response:
    """A product that is in the shop."""
    product = current_services().catalog.get(path.sku)
    if product.status != "live":
        raise NotFound(f"There is no product {path.sku} in the shop.")
    return _answer(product)


@bp.put(
    "/products/<path:sku>",
    summary="Create or replace a product",
    security=NEEDS_KEY,
    responses={HTTPStatus.OK: ProductOut, HTTPStatus.CREATED: ProductOut, **WRITE_ERRORS},
)
def put_product(path: SkuPath, body: ProductPutBody) -> Response:
    """The whole record; fields left out get their defaults. The picture stays unless `image` brings another."""
    if body.sku is not None and body.sku != path.sku:
        raise InvalidInput(f"sku: the body says {body.sku}, the address {path.sku}")
    record = body.record(path.sku)
    if record.sku != path.sku:
        raise InvalidInput(f"sku: {SENTENCE}")
    product, created = _catalog("put").put(record, decode_image(body.image))
    return _answer(product, HTTPStatus.CREATED if created else HTTPStatus.OK)


@bp.patch(
    "/products/<path:sku>",
    summary="Change some fields",
    security=NEEDS_KEY,
    responses={HTTPStatus.OK: ProductOut, **WRITE_ERRORS},
)
def patch_product(path: SkuPath, body: ProductPatchBody) -> Response:
    """Fields that are given are set, null clears one, the others stay."""
    product = _catalog("patch").patch(path.sku, body.changes(), decode_image(body.image))
    return _answer(product)


@bp.delete(
    "/products/<path:sku>",
    summary="Delete a product",
    security=NEEDS_KEY,
    responses={HTTPStatus.NO_CONTENT: None, **WRITE_ERRORS},
)
def delete_product(path: SkuPath) -> Response:
    """Remove it from the database. To take it out of the shop and keep it, set its status to `hidden`."""
    _catalog("delete").delete(path.sku)
    return make_response("", HTTPStatus.NO_CONTENT)


@bp.post(
    "/products/bulk",
    summary="Create or replace many",
    security=NEEDS_KEY,
    responses={HTTPStatus.OK: BulkAnswer, **WRITE_ERRORS},
)
def bulk_upsert(body: BulkBody) -> Response:
    """Up to 1,000 products. One that is refused is reported with its place in the list; the others go in."""
    accepted: list[tuple[int, ProductInput, bytes | None]] = []
    refused: list[BulkRefusal] = []
    for index, given in enumerate(body.products):
        try:
            item = BulkItem.model_validate(given)
            record = ProductInput.model_validate(item.model_dump(exclude={"image"}, exclude_unset=True))
            accepted.append((index, record, decode_image(item.image)))
        except ValidationError as exc:
            refused.append(_refusal(index, given, problems(exc)))
        except InvalidInput as exc:
            refused.append(_refusal(index, given, [("image", exc.message.removeprefix("image: "))]))
    outcomes = _catalog("bulk").upsert_many([(record, picture) for _, record, picture in accepted])
    actions = Counter(outcome.action for outcome in outcomes)
    for (index, _, _), outcome in zip(accepted, outcomes, strict=True):
        if outcome.action == "refused":
            refused.append(_refusal(index, {"sku": outcome.sku}, [(outcome.field, outcome.reason)]))
    answer = BulkAnswer(
        created=actions["created"],
        updated=actions["updated"],
        unchanged=actions["unchanged"],
        refused=sorted(refused, key=lambda refusal: refusal.index),
    )
    return jsonify(answer.model_dump(mode="json"))


def _catalog(action: str) -> Catalog:
    """What writes, with whose key it was written down."""
    return current_services().catalog.acting(f"API, {caller_shown()}", action)


def _refusal(index: int, given: Mapping[str, Any], fields: Iterable[tuple[str, str]]) -> BulkRefusal:
    sku = given.get("sku")
    return BulkRefusal(
        index=index,
        sku=sku if isinstance(sku, str) else None,
        fields=[FieldError(field=field, message=message) for field, message in fields],
    )


def product_out(product: Product) -> ProductOut:
    """A product as the API shows it."""
    return ProductOut.model_construct(
        **product.model_dump(exclude=set(PICTURE_COLUMNS)),
        image_url=image_url(product.image_sha256, product.media_type),
        thumbnail_url=thumbnail_url(product.image_sha256, product.media_type),
    )


def _answer(product: Product, status: HTTPStatus = HTTPStatus.OK) -> Response:
    return make_response(jsonify(product_out(product).model_dump(mode="json")), status)
