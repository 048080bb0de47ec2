"""Brands and categories that there are, for fields that help whoever types one."""

from server.services import Services

# A browser looks through so many at once; in a larger shop those that most products have are of more use.
MOST_KNOWN = 300


def known_names(services: Services) -> dict[str, list[str]]:
    """`brands` and `categories` (paths, those above them included) of what is in the shop, by the alphabet."""
    facts = services.search.facts
    found = {"brands": facts.brands(), "categories": facts.categories()}
    return {kind: _most(counted) for kind, counted in found.items()}


def _most(counted: list[tuple[str, int]]) -> list[str]:
    most = sorted(counted, key=lambda one: -one[1])[:MOST_KNOWN]
    return sorted((name for name, _ in most), key=str.casefold)
