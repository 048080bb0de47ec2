"""The choices of the filter column, with how many products of the result each would leave."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from server.search.facets import Bar, Count, Facets
from server.search.query import MOST_ATTRIBUTES
from server.storefront.chips import attribute_label

# A list of brands longer than this is no longer read; a brand behind its end is found by words or on a product's page.
BRANDS_SHOWN = 30
# Attributes with a list of their own, and values in it. What was chosen is shown in any case.
ATTRIBUTES_SHOWN = 5
VALUES_SHOWN = 8
# The prices of fewer products are read quicker than a histogram of them.
FEWEST_PRICES = 4


@dataclass(frozen=True)
class CategoryLink:
    """A line of the category menu. `depth` 0 is the top. `count` is None where nobody counted."""

    name: str
    path: str
    count: int | None
    depth: int
    is_current: bool


@dataclass(frozen=True)
class Box:
    """A line of a list to tick. `count` is None where nobody counted."""

    value: str
    label: str
    count: int | None
    is_chosen: bool


@dataclass(frozen=True)
class AttributeGroup:
    """The values of one attribute. is_open: some are chosen. is_locked: no further attribute can be chosen."""

    label: str
    boxes: list[Box]
    is_open: bool
    is_locked: bool


@dataclass(frozen=True)
class PriceBar:
    """x, width, y, height in a picture of BARS_WIDTH by BARS_HEIGHT."""

    x: float
    width: float
    y: float
    height: float
    is_chosen: bool


BARS_WIDTH, BARS_HEIGHT = 240, 40


@dataclass(frozen=True)
class PriceChoice:
    """The histogram: its bars, the prices between them, and the lowest and highest price that there is."""

    bars: list[PriceBar]
    edges: list[float]
    lowest: Decimal
    highest: Decimal


@dataclass(frozen=True)
class Panel:
    """All of the column. asks_views: whether to look at all pictures of a product can be chosen."""

    categories: list[CategoryLink]
    brands: list[Box]
    attributes: list[AttributeGroup]
    price: PriceChoice | None = None
    in_stock: int | None = None
    asks_views: bool = False


Bounds = tuple[Decimal | None, Decimal | None]
Pairs = Sequence[tuple[str, str]]


def panel_of(facets: Facets, category: str | None, brands: tuple[str, ...], chosen: Pairs, bounds: Bounds) -> Panel:
    """The column for a result that was counted. brands, chosen (attributes), bounds (prices): what holds now."""
    tree = [(count.value, count.products) for count in facets.category or []]
    return Panel(
        categories=category_menu(tree, category),
        brands=boxes([(count.value, count.products) for count in facets.brand or []], brands, BRANDS_SHOWN),
        attributes=attribute_groups(facets.attributes or {}, chosen),
        price=price_choice(facets, bounds),
        in_stock=facets.in_stock or None,
    )


def category_menu(categories: Sequence[tuple[str, int | None]], current: str | None) -> list[CategoryLink]:
    """The way down to the current category and what lies below it; beside it, where nothing does.

    `categories` are paths with their counts, ancestors included. The current one is shown though nothing is in it.
    """
    counts = dict(categories)
    for path in [] if current is None else _trail(current):
        counts.setdefault(path, 0)
    below = _children(counts, current)
    trail = [] if current is None else _trail(current)
    if current is not None and not below:
        trail.pop()
        below = _children(counts, trail[-1] if trail else None)
    return [_link(path, counts, current) for path in (*trail, *below)]


def _children(counts: dict[str, int | None], parent: str | None) -> list[str]:
    prefix = "" if parent is None else parent + "/"
    below = (path for path in counts if path.startswith(prefix) and path != parent)
    return sorted(path for path in below if "/" not in path[len(prefix) :])


def _trail(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:depth]) for depth in range(1, len(parts) + 1)]


def _link(path: str, counts: dict[str, int | None], here: str | None) -> CategoryLink:
    return CategoryLink(path.rpartition("/")[2], path, counts[path], path.count("/"), path == here)


def boxes(counted: Sequence[tuple[str, int | None]], chosen: Sequence[str], most: int, prefix: str = "") -> list[Box]:
    """The chosen ones, then the most frequent others, `most` lines in all. prefix: of their values in the address."""
    counts = dict(counted)
    first = [Box(prefix + name, name, counts.get(name, 0), True) for name in chosen]
    rest = [Box(prefix + name, name, count, False) for name, count in counted if name not in chosen]
    return first + rest[: max(0, most - len(first))]


def attribute_groups(counted: dict[str, list[Count]], chosen: Pairs) -> list[AttributeGroup]:
    """The attributes that something is chosen of, then those that tell most products apart."""
    taken: dict[str, list[str]] = {}
    for name, value in chosen:
        taken.setdefault(name, []).append(value)
    names = [*taken, *(name for name in counted if name not in taken)]
    groups = []
    for name in names[: max(ATTRIBUTES_SHOWN, len(taken))]:
        counts = [(count.value, count.products) for count in counted.get(name, [])]
        lines = boxes(counts, taken.get(name, []), VALUES_SHOWN, f"{name}=")
        is_locked = name not in taken and len(taken) >= MOST_ATTRIBUTES
        groups.append(AttributeGroup(attribute_label(name), lines, name in taken, is_locked))
    return groups


def price_choice(facets: Facets, bounds: Bounds) -> PriceChoice | None:
    """None where all prices are about the same, or a few products have one."""
    bars = facets.price or []
    is_told_quicker = len(bars) < 2 or sum(bar.products for bar in bars) < FEWEST_PRICES
    if facets.lowest is None or facets.highest is None or is_told_quicker:
        return None
    edges = [float(bar.low) for bar in bars]
    return PriceChoice(list(_drawn(bars, bounds)), [*edges, float(facets.highest)], facets.lowest, facets.highest)


def _drawn(bars: Sequence[Bar], bounds: Bounds) -> Iterable[PriceBar]:
    lowest, highest = bounds
    tallest = max(bar.products for bar in bars)
    step = BARS_WIDTH / len(bars)
    for number, bar in enumerate(bars):
        # A bar of few products among many is still to be seen.
        height = 0 if not bar.products else max(2, round(BARS_HEIGHT * bar.products / tallest, 1))
        within = (lowest is None or bar.high > lowest) and (highest is None or bar.low <= highest)
        yield PriceBar(round(number * step + 0.5, 1), round(step - 1, 1), BARS_HEIGHT - height, height, within)


def breadcrumb(category: str | None) -> list[tuple[str, str]]:
    """(name, path) from the general to the special."""
    return [] if category is None else [(path.rpartition("/")[2], path) for path in _trail(category)]
