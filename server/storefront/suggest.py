"""What the search box proposes while somebody types."""

from typing import Any

from server.search.service import SearchService

SHOWN = 8


def suggestions(service: SearchService, typed: str) -> list[dict[str, Any]]:
    """text, kind, products, and of a brand or category the value to filter by; the most frequent first."""
    found = service.words.vocabulary().suggest(typed, SHOWN)
    return [{"text": one.text, "kind": one.kind.value, "products": one.products, "value": one.value} for one in found]
