"""Search by words, by picture and by likeness."""

from http import HTTPStatus

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint, Tag
from PIL import Image

from server.api.schemas import (
    BarOut,
    CorrectionOut,
    CountOut,
    ErrorAnswer,
    ExplainOut,
    FacetsOut,
    FilterParams,
    HitOut,
    ImageForm,
    PlanOut,
    SearchAnswer,
    SearchParams,
    SkuPath,
    TimingOut,
    TypedOut,
    UnderstoodOut,
)
from server.catalog.picture import read_for_tower
from server.embedding.encoder import Encoder
from server.search.candidates import Hit, Parts
from server.search.facets import Count, Facets
from server.search.scoring import TEXT_WEIGHT
from server.search.service import ResultPage
from server.search.understanding import Understanding
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
        explain=None if hit.parts is None else _explain_out(hit.parts),
    )


def _explain_out(parts: Parts) -> ExplainOut:
    return ExplainOut.model_construct(
        similarity=parts.similarity,
        z=parts.z,
        text=parts.text,
        text_weight=TEXT_WEIGHT,
        rule=parts.rule,
        rules=list(parts.rules),
        score=parts.score,
    )


def _counts_out(counts: list[Count] | None) -> list[CountOut] | None:
    return None if counts is None else [CountOut.model_construct(value=c.value, count=c.products) for c in counts]


def _facets_out(facets: Facets) -> FacetsOut:
    bars, attributes = facets.price, facets.attributes
    return FacetsOut.model_construct(
        brand=_counts_out(facets.brand),
        category=_counts_out(facets.category),
        price=None
        if bars is None
        else [BarOut.model_construct(low=bar.low, high=bar.high, count=bar.products) for bar in bars],
        lowest_price=facets.lowest,
        highest_price=facets.highest,
        in_stock=facets.in_stock,
        attributes=None if attributes is None else {name: _counts_out(found) for name, found in attributes.items()},
    )


def _typed_out(told: Understanding) -> TypedOut:
    typed, filters = told.typed, told.filters
    return TypedOut.model_construct(
        words=told.words,
        parts=[
            UnderstoodOut.model_construct(
                kind=part.kind, label=part.label, start=part.start, end=part.end, without=typed.without(part)
            )
            for part in typed.understood
        ],
        corrections=[
            CorrectionOut.model_construct(typed=one.typed, corrected=one.corrected) for one in told.corrections
        ],
        price_min=typed.price_min,
        price_max=typed.price_max,
        currency=typed.currency,
        brands=list(filters.brands) if typed.brands else [],
        category=filters.category if typed.category else None,
        in_stock=typed.in_stock,
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
        typed=None if page.understanding is None or not page.understanding.whole else _typed_out(page.understanding),
        facets=None if page.facets is None else _facets_out(page.facets),
        plan=PlanOut.model_construct(
            path=page.plan.path,
            reason=page.plan.reason,
            looked_at=page.plan.looked_at,
            complete=page.plan.complete,
            model=None if page.model is None else page.model.label,
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
