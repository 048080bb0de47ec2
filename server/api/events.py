"""Clicks in a result, as the shop's own script and other front-ends report them."""

import uuid
from http import HTTPStatus

from flask import Response, make_response, request
from flask_openapi3 import APIBlueprint, Tag
from pydantic import Field, field_validator

from server.api.schemas import ERRORS, ApiModel, without_nul
from server.events.event import LAST_POSITION, Click
from server.web.context import current_services

# A click is about a hundred bytes.
MOST_BYTES = 2_000

bp = APIBlueprint(
    "events_api",
    __name__,
    url_prefix="/api/v1",
    abp_tags=[Tag(name="Events", description="What is clicked, for the reports on what people search for.")],
    abp_responses=ERRORS,
)


class ClickBody(ApiModel):
    """A product that somebody clicked in the result of a search."""

    search_id: uuid.UUID = Field(description="`search_id` of the result's first page.")
    sku: str = Field(min_length=1, max_length=100, description="The product.")
    position: int = Field(ge=1, le=LAST_POSITION, description="Its place in the whole result, from 1.")

    _no_nul = field_validator("sku")(without_nul)


@bp.before_request
def limit_size() -> None:
    """Nobody sends much here."""
    request.max_content_length = MOST_BYTES


@bp.post("/events/click", summary="A click", responses={HTTPStatus.NO_CONTENT: None})
def click(body: ClickBody) -> Response:
    """Count a click. It is taken note of whatever it says, and counted if there was such a search within a day, such a
    product, and no such click before."""
    current_services().events.note_click(Click(body.search_id, body.sku, body.position))
    return make_response("", HTTPStatus.NO_CONTENT)
