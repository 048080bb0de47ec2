"""The choices of the filter column."""

from dataclasses import dataclass

# A list of brands longer than this is no longer read; a brand behind its end is found by words or on a product's page.
BRANDS_SHOWN = 60


@dataclass(frozen=True)
class CategoryLink:
    """A line of the category menu. `depth` 0 is the top."""

    name: str
    path: str
    count: int
    depth: int
    is_current: bool


@dataclass(frozen=True)
class BrandBox:
    """A line of the brand list. `count` is None for a chosen brand that the shop does not have."""

    name: str
    count: int | None
    is_chosen: bool


def category_menu(categories: list[tuple[str, int]], current: str | None) -> list[CategoryLink]:
    """The way down to the current category and what lies below it; beside it, where nothing does.

    `categories` are paths with their counts, ancestors included, as the search service gives them.
    """
    counts = dict(categories)
    here = current if current in counts else None
    below = _children(counts, here)
    trail = [] if here is None else _trail(here)
    if here is not None and not below:
        trail.pop()
        below = _children(counts, trail[-1] if trail else None)
    lines = [_link(path, counts, here) for path in trail]
    return lines + [_link(path, counts, here) for path in below]


def _children(counts: dict[str, int], parent: str | None) -> list[str]:
    prefix = "" if parent is None else parent + "/"
    return [path for path in counts if path.startswith(prefix) and "/" not in path[len(prefix) :] and path != parent]


def _trail(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:depth]) for depth in range(1, len(parts) + 1)]


def _link(path: str, counts: dict[str, int], here: str | None) -> CategoryLink:
    return CategoryLink(path.rpartition("/")[2], path, counts[path], path.count("/"), path == here)


def brand_boxes(brands: list[tuple[str, int]], chosen: tuple[str, ...]) -> list[BrandBox]:
    """The chosen brands, then the largest others."""
    counts = dict(brands)
    first = [BrandBox(name, counts.get(name), True) for name in chosen]
    rest = [BrandBox(name, count, False) for name, count in brands[:BRANDS_SHOWN] if name not in chosen]
    return first + rest


def breadcrumb(category: str | None) -> list[tuple[str, str]]:
    """(name, path) from the general to the special."""
    return [] if category is None else [(path.rpartition("/")[2], path) for path in _trail(category)]
