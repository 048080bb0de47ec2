"""The filter column of a result, counted so that more can be chosen beside what is chosen."""

from dataclasses import replace
from typing import Any

from server.api.schemas import SearchParams
from server.search.facets import Facets
from server.search.query import Facet, Filters, Views
from server.search.service import ResultPage, SearchService
from server.storefront.address import Search
from server.storefront.inquiry import Inquiry
from server.storefront.panel import BRANDS_SHOWN, Panel, attribute_groups, boxes, category_menu, panel_of

# So many kinds of filters are counted as if they were not chosen; each is a search.
MOST_RECOUNTED = 4


def counted_panel(inquiry: Inquiry, page: ResultPage, has_query: bool) -> Panel:
    """The column beside `page`. The number at a brand is that of its products, also while others alone are ticked."""
    params, facets = inquiry.params, page.facets or Facets()
    for facet, without in _chosen_kinds(params)[:MOST_RECOUNTED]:
        relaxed = inquiry.relaxed(params.model_copy(update=without))
        facets = _merged(facets, facet, relaxed.ask((facet,)).facets or Facets(), params, relaxed.params)
    bounds = (params.price_min, params.price_max)
    panel = panel_of(facets, params.category, tuple(params.brand), inquiry.search.attributes(), bounds)
    panel = replace(panel, asks_views=_asks_views(inquiry, has_query))
    return panel if has_query or page.total_is_exact else _of_the_whole_shop(inquiry, panel)


def _asks_views(inquiry: Inquiry, has_query: bool) -> bool:
    """Whether all pictures of a product can be looked at; what is chosen can be left again, whatever is remembered."""
    return has_query and (inquiry.params.views is Views.ALL or inquiry.service.facts.has_further_pictures())


def uncounted_panel(service: SearchService, search: Search) -> Panel:
    """The column where no search could be run: the names of the whole shop, and what was chosen."""
    facts = service.facts
    brands = boxes(facts.brands(), search.values("brand"), BRANDS_SHOWN)
    return Panel(category_menu(facts.categories(), None), brands, attribute_groups({}, search.attributes()))


def _of_the_whole_shop(inquiry: Inquiry, panel: Panel) -> Panel:
    """Of a shop that is browsed the newest products alone were counted, and they lack most brands and categories."""
    facts, filters = inquiry.service.facts, inquiry.params.to_query().filters
    is_known = replace(filters, category=None) == Filters()
    categories = [(path, count if is_known else None) for path, count in facts.categories()]
    panel = replace(panel, categories=category_menu(categories, filters.category), in_stock=None)
    if filters == Filters():
        panel = replace(panel, brands=boxes(facts.brands(), (), BRANDS_SHOWN))
    return panel


def _chosen_kinds(params: SearchParams) -> list[tuple[Facet, dict[str, Any]]]:
    """What to take out of the search, so that the products beside the chosen ones are counted too."""
    kinds: list[tuple[Facet, dict[str, Any]]] = []
    if params.price_min is not None or params.price_max is not None:
        kinds.append((Facet.PRICE, {"price_min": None, "price_max": None}))
    if params.brand:
        kinds.append((Facet.BRAND, {"brand": []}))
    for name in _names(params):
        others = [pair for pair in params.attribute if pair.partition("=")[0] != name]
        kinds.append((Facet.ATTRIBUTES, {"attribute": others}))
    if params.category:
        kinds.append((Facet.CATEGORY, {"category": None}))
    return kinds


def _names(params: SearchParams) -> list[str]:
    return list(dict.fromkeys(pair.partition("=")[0] for pair in params.attribute))


def _merged(facets: Facets, facet: Facet, found: Facets, params: SearchParams, relaxed: SearchParams) -> Facets:
    if facet is Facet.PRICE:
        return replace(facets, price=found.price, lowest=found.lowest, highest=found.highest)
    if facet is Facet.BRAND:
        return replace(facets, brand=found.brand)
    if facet is Facet.CATEGORY:
        return replace(facets, category=found.category)
    taken_out = set(_names(params)) - set(_names(relaxed))
    found_of = {name: counts for name, counts in (found.attributes or {}).items() if name in taken_out}
    return replace(facets, attributes={**(facets.attributes or {}), **found_of})
