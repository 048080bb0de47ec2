"""Searches that were answered, noted for the reports. Only memory is touched here."""

import uuid

from flask import request

from server.events.event import Origin, SearchEvent, Subject
from server.search.pages import ResultPage
from server.search.query import Query
from server.web.context import current_services


def new_search_id() -> uuid.UUID | None:
    """The id of the search that this request is; None where it is not recorded.

    A browser that fetches a page ahead, and whoever asks for headers alone, has not searched yet.
    """
    is_ahead = "prefetch" in request.headers.get("Sec-Purpose", "")
    return None if is_ahead or request.method == "HEAD" else current_services().events.new_id()


def record_search(
    search_id: uuid.UUID | None, origin: Origin, subject: Subject, query: Query, page: ResultPage
) -> None:
    """Note a search by its first page; nothing where it has no id."""
    if search_id is not None:
        current_services().events.note_search(SearchEvent.of(search_id, origin, subject, query, page))
