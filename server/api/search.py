"""Search by words, by picture, by likeness and by several of these at once; suggestions while somebody types."""

from http import HTTPStatus

from flask import Response, jsonify, request
from flask_openapi3 import APIBlueprint, Tag
from PIL import Image

from server.api.answer_schemas import SearchAnswer, SuggestAnswer
from server.api.auth import require_key_to_read, say_how
from server.api.composed import ComposedBody
from server.api.schemas import (
    ERRORS,
    SINGLE,
    ErrorAnswer,
    FilterParams,
    ImageForm,
    SearchParams,
    SimilarParams,
    SkuPath,
    SuggestParams,
)
from server.api.search_answers import answer_body, suggestions_answer
from server.catalog.picture import read_for_tower
from server.embedding.encoder import Encoder
from server.events.event import Kind, Origin, Subject
from server.search.query import Query
from server.search.service import ResultPage
from server.web.context import current_services
from server.web.errors import fields_answer
from server.web.recording import new_search_id, record_search

bp = APIBlueprint(
    "search_api",
    __name__,
    url_prefix="/api/v1",
    abp_tags=[Tag(name="Search", description="Find products by words, by picture, by likeness.")],
    abp_responses=ERRORS,
)


bp.before_request(require_key_to_read)
bp.after_request(say_how)


@bp.before_request
def refuse_repeated() -> Response | None:
    """Which of two highest prices was meant, nobody can tell."""
    twice = [name for name, values in request.args.lists() if len(values) > 1 and name in SINGLE]
    return fields_answer([(name, "This may stand here once.") for name in twice]) if twice else None


@bp.get("/search", summary="Search by words", responses={HTTPStatus.OK: SearchAnswer})
def search(query: SearchParams) -> Response:
    """Products that look like `q` and pass the filters, best first. Without `q`: all that pass, newest first."""
    asked = query.to_query()
    return answer(current_services().search.by_text(query.q, asked), asked, Subject.of_words(query.q))


@bp.post(
    "/search",
    summary="Search by several parts",
    responses={HTTPStatus.OK: SearchAnswer, HTTPStatus.NOT_FOUND: ErrorAnswer},
)
def search_composed(body: ComposedBody) -> Response:
    """Products near to some parts and far from others: `this product, but blue, without laces`. Products that are
    named are left out of the result."""
    services = current_services()
    asked = body.to_query()
    return answer(services.search.composed(body.to_terms(services.settings), asked), asked, body.subject())


@bp.get("/suggest", summary="Suggestions", responses={HTTPStatus.OK: SuggestAnswer})
def suggest(query: SuggestParams) -> Response:
    """How a query that begins so may go on. Nothing where nothing begins so."""
    # What one key was told, a cache on the way tells nobody else.
    return suggestions_answer(query.q, query.limit, public=current_services().settings.api_reads == "open")


@bp.post("/search/image", summary="Search by picture", responses={HTTPStatus.OK: SearchAnswer})
def search_image(form: ImageForm, query: FilterParams) -> Response:
    """Products that look like the uploaded picture and pass the filters (given as query parameters)."""
    services = current_services()
    data = form.image.read()

    def decode(encoder: Encoder) -> Image.Image:
        return read_for_tower(data, encoder, services.settings).image

    asked = query.to_query()
    return answer(services.search.by_image(decode, asked), asked, Subject(Kind.PICTURE))


@bp.get(
    "/products/<path:sku>/similar",
    summary="More like this",
    responses={HTTPStatus.OK: SearchAnswer, HTTPStatus.NOT_FOUND: ErrorAnswer},
)
def similar(path: SkuPath, query: SimilarParams) -> Response:
    """Products that look like another one, which is left out. With `q`: like it, but so."""
    service, asked = current_services().search, query.to_query()
    page = service.like_but(path.sku, query.q, asked) if query.q.strip() else service.similar(path.sku, asked)
    return answer(page, asked, Subject(Kind.PRODUCT, query.q))


def answer(page: ResultPage, asked: Query, subject: Subject) -> Response:
    """The page as JSON. The first one of a result is recorded."""
    search_id = new_search_id() if asked.cursor is None else None
    record_search(search_id, Origin.API, subject, asked, page)
    return jsonify(answer_body(page, search_id))
