"""A page of a result as the JSON of server/api/answer_schemas.py.

Plain dicts: through the schema's classes a page of 100 hits took 1.0 ms more. A test holds them to the schema.
"""

import uuid
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from flask import Response, jsonify, request

from server.search.facets import Count, Facets
from server.search.hits import Hit, Parts, View
from server.search.pages import ResultPage
from server.search.understanding import Understanding
from server.search.words.suggestions import Suggestion
from server.web.context import current_services
from server.web.media import image_url, thumbnail_url

Json = dict[str, Any]
# What most products are called changes by the day, and whoever types backspaces over the same beginnings again.
SUGGESTIONS_KEPT = 60  # seconds


def answer_body(page: ResultPage, search_id: uuid.UUID | None = None) -> Json:
    """A page as the schema SearchAnswer. Pictures' addresses are those of the current request's host."""
    timing, told, root = page.timing, page.understanding, request.script_root
    return {
        "search_id": None if search_id is None else str(search_id),
        "hits": [_hit(hit, root) for hit in page.hits],
        "total": page.total,
        "total_is_exact": page.total_is_exact,
        "currency": page.currency,
        "next_cursor": page.next_cursor,
        "redirect": page.redirect,
        "typed": None if told is None or not told.typed.text.strip() else _typed(told),
        "facets": None if page.facets is None else _facets(page.facets),
        "plan": {
            "path": page.plan.path,
            "reason": page.plan.reason,
            "looked_at": page.plan.looked_at,
            "complete": page.plan.complete,
            "model": None if page.model is None else page.model.label,
        },
        "timing": {
            "embed_ms": timing.embed_ms,
            "sql_ms": timing.sql_ms,
            "total_ms": timing.total_ms,
            "embedding_cached": timing.embedding_cached,
        },
    }


def suggestions_answer(q: str, limit: int, public: bool) -> Response:
    """How a query that begins so may go on. public: whether caches on the way may keep it too."""
    response = jsonify(suggestions_body(current_services().search.words.vocabulary().suggest(q, limit)))
    response.cache_control.public = public
    response.cache_control.private = None if public else True
    response.cache_control.max_age = SUGGESTIONS_KEPT
    response.add_etag()
    response.make_conditional(request)
    return response


def suggestions_body(found: Iterable[Suggestion]) -> Json:
    """Suggestions as the schema SuggestAnswer."""
    return {
        "suggestions": [
            {"text": one.text, "kind": one.kind, "products": one.products, "value": one.value} for one in found
        ]
    }


def _price(price: Decimal | None) -> float | None:
    return None if price is None else float(price)


def _hit(hit: Hit, root: str) -> Json:
    return {
        "sku": hit.sku,
        "title": hit.title,
        "brand": hit.brand,
        "price": _price(hit.price),
        "sale_price": _price(hit.sale_price),
        "currency": hit.currency,
        "category": hit.category,
        "stock": hit.stock,
        "item_group": hit.item_group,
        "image_url": image_url(hit.image_sha256, hit.media_type, root=root),
        "thumbnail_url": thumbnail_url(hit.image_sha256, hit.media_type, root=root),
        "score": None if hit.score is None else round(hit.score, 6),
        "view": None if hit.view is None else _view(hit.view, root),
        "explain": None if hit.parts is None else _explain(hit.parts),
    }


def _view(view: View, root: str) -> Json:
    return {
        "image_url": image_url(view.sha256, view.media_type, root=root),
        "thumbnail_url": thumbnail_url(view.sha256, view.media_type, root=root),
        "alt": view.alt,
    }


def _explain(parts: Parts) -> Json:
    return {
        "similarity": parts.similarity,
        "z": parts.z,
        "text": parts.text,
        "text_weight": parts.text_weight,
        "rule": parts.rule,
        "rules": list(parts.rules),
        "score": parts.score,
    }


def _counts(counts: list[Count] | None) -> list[Json] | None:
    return None if counts is None else [{"value": one.value, "count": one.products} for one in counts]


def _facets(facets: Facets) -> Json:
    bars, attributes = facets.price, facets.attributes
    return {
        "brand": _counts(facets.brand),
        "category": _counts(facets.category),
        "price": None
        if bars is None
        else [{"low": _price(bar.low), "high": _price(bar.high), "count": bar.products} for bar in bars],
        "lowest_price": _price(facets.lowest),
        "highest_price": _price(facets.highest),
        "in_stock": facets.in_stock,
        "attributes": None if attributes is None else {name: _counts(found) for name, found in attributes.items()},
    }


def _typed(told: Understanding) -> Json:
    typed, filters = told.typed, told.filters
    return {
        "words": told.words,
        "parts": [
            {
                "kind": part.kind,
                "label": part.label,
                "start": part.start,
                "end": part.end,
                "without": typed.without(part),
            }
            for part in typed.understood
        ],
        "corrections": [{"typed": one.typed, "corrected": one.corrected} for one in told.corrections],
        "price_min": _price(typed.price_min),
        "price_max": _price(typed.price_max),
        "currency": typed.currency,
        "brands": list(filters.brands) if typed.brands else [],
        "category": filters.category if typed.category else None,
        "in_stock": typed.in_stock,
    }
