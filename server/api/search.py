"""Search by words, by picture and by likeness."""

from http import HTTPStatus

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint, Tag
from PIL import Image

from server.api.schemas import (
    ErrorAnswer,
    FilterParams,
    HitOut,
    ImageForm,
    PlanOut,
    SearchAnswer,
    SearchParams,
    SkuPath,
    TimingOut,
)
from server.catalog.picture import read_for_tower
from server.embedding.encoder import Encoder
from server.search.find import Hit
from server.search.service import ResultPage
from server.web.context import current_services
from server.web.media import image_url, thumbnail_url

bp = APIBlueprint(
    "search_api",
    __name__,
    url_prefix="/api/v1",
    abp_tags=[Tag(name="Search", description="Find products by words, by picture, by likeness.")],
    abp_responses={HTTPStatus.BAD_REQUEST: ErrorAnswer, HTTPStatus.SERVICE_UNAVAILABLE: ErrorAnswer},
)


@bp.get("/search", summary="Search by words", responses={HTTPStatus.OK: SearchAnswer})
def search(query: SearchParams) -> Response:
    """Products that look like `q` and pass the filters, best first. Without `q`: all that pass, newest first."""
    page = current_services().search.by_text(query.q, query.to_query())
    return answer(page)


@bp.post("/search/image", summary="Search by picture", responses={HTTPStatus.OK: SearchAnswer})
def search_image(form: ImageForm, query: FilterParams) -> Response:
    """Products that look like the uploaded picture and pass the filters (given as query parameters)."""
    services = current_services()
    data = form.image.read()

    def decode(encoder: Encoder) -> Image.Image:
        return read_for_tower(data, encoder, services.settings).image

    return answer(services.search.by_image(decode, query.to_query()))


@bp.get(
    "/products/<path:sku>/similar",
    summary="More like this",
    responses={HTTPStatus.OK: SearchAnswer, HTTPStatus.NOT_FOUND: ErrorAnswer},
)
def similar(path: SkuPath, query: FilterParams) -> Response:
    """Products that look like another one, which is left out."""
    return answer(current_services().search.similar(path.sku, query.to_query()))


def hit_out(hit: Hit) -> HitOut:
    """A hit as the API shows it. Its values come from the database, so they are not validated again."""
    return HitOut.model_construct(
        sku=hit.sku,
        title=hit.title,
        brand=hit.brand,
        price=hit.price,
        sale_price=hit.sale_price,
        currency=hit.currency,
        category=hit.category,
        stock=hit.stock,
        item_group=hit.item_group,
        image_url=image_url(hit.image_sha256, hit.media_type),
        thumbnail_url=thumbnail_url(hit.image_sha256, hit.media_type),
        score=None if hit.score is None else round(hit.score, 6),
    )


def answer_model(page: ResultPage) -> SearchAnswer:
    """A page as the API's schema."""
    timing = page.timing
    return SearchAnswer.model_construct(
        hits=[hit_out(hit) for hit in page.hits],
        total=page.total,
        total_is_exact=page.total_is_exact,
        currency=page.currency,
        next_cursor=page.next_cursor,
        plan=PlanOut.model_construct(
            path=page.plan.path, reason=page.plan.reason, model=None if page.model is None else page.model.label
        ),
        timing=TimingOut.model_construct(
            embed_ms=timing.embed_ms,
            sql_ms=timing.sql_ms,
            total_ms=timing.total_ms,
            embedding_cached=timing.embedding_cached,
        ),
    )


def answer(page: ResultPage) -> Response:
    """The page as JSON."""
    return jsonify(answer_model(page).model_dump(mode="json"))
