"""The choices of the filter column."""

from decimal import Decimal

from server.search.facets import Bar, Count, Facets
from server.search.query import MOST_ATTRIBUTES
from server.storefront.panel import (
    ATTRIBUTES_SHOWN,
    BARS_HEIGHT,
    VALUES_SHOWN,
    attribute_groups,
    boxes,
    breadcrumb,
    category_menu,
    price_choice,
)

CATEGORIES: list[tuple[str, int | None]] = [
    ("Apparel", 30),
    ("Apparel/Shirts", 20),
    ("Apparel/Shirts/Polo", 5),
    ("Apparel/Socks", 10),
    ("Apparel Care", 2),
    ("Kitchen", 7),
]


def names(current: str | None) -> list[str]:
    return [line.name for line in category_menu(CATEGORIES, current)]


def test_the_menu_begins_at_the_top() -> None:
    assert names(None) == ["Apparel", "Apparel Care", "Kitchen"]


def test_below_a_category_lie_its_children_alone() -> None:
    assert names("Apparel") == ["Apparel", "Shirts", "Socks"]
    assert names("Apparel/Shirts") == ["Apparel", "Shirts", "Polo"]


def test_beside_a_category_without_children_stand_its_neighbours() -> None:
    assert names("Kitchen") == ["Apparel", "Apparel Care", "Kitchen"]
    menu = category_menu(CATEGORIES, "Apparel/Socks")
    assert [(line.path, line.depth, line.is_current) for line in menu] == [
        ("Apparel", 0, False),
        ("Apparel/Shirts", 1, False),
        ("Apparel/Socks", 1, True),
    ]


def test_the_chosen_category_is_shown_though_nothing_of_it_was_found() -> None:
    menu = category_menu(CATEGORIES, "Garden/Gnomes")
    assert [(line.path, line.count, line.is_current) for line in menu] == [
        ("Garden", 0, False),
        ("Garden/Gnomes", 0, True),
    ]


def test_chosen_brands_stand_first_even_where_none_of_their_products_was_found() -> None:
    lines = boxes([("Acme", 9), ("Bo", 3)], ("Bo", "Gone"), 50)
    assert [(box.value, box.count, box.is_chosen) for box in lines] == [
        ("Bo", 3, True),
        ("Gone", 0, True),
        ("Acme", 9, False),
    ]


def test_a_long_list_ends_somewhere_and_not_before_what_was_chosen() -> None:
    brands: list[tuple[str, int | None]] = [(f"Brand {number}", 1) for number in range(200)]
    assert len(boxes(brands, (), 30)) == 30
    assert boxes(brands, ("Brand 199",), 30)[0].is_chosen
    assert len(boxes(brands, [name for name, _ in brands[:40]], 30)) == 40


def counted(attributes: int, values: int = 3) -> dict[str, list[Count]]:
    return {f"kind_{number}": [Count(f"v{value}", 9) for value in range(values)] for number in range(attributes)}


def test_attributes_that_something_is_chosen_of_come_first_and_are_open() -> None:
    groups = attribute_groups(counted(8), [("kind_7", "v1"), ("gone", "x")])
    assert [(group.label, group.is_open) for group in groups[:3]] == [
        ("Kind 7", True),
        ("Gone", True),
        ("Kind 0", False),
    ]
    assert len(groups) == ATTRIBUTES_SHOWN
    assert [(box.value, box.count) for box in groups[1].boxes] == [("gone=x", 0)]
    assert [box.value for box in groups[0].boxes] == ["kind_7=v1", "kind_7=v0", "kind_7=v2"]


def test_of_many_values_the_most_frequent_are_shown() -> None:
    assert len(attribute_groups(counted(1, 40), [])[0].boxes) == VALUES_SHOWN


def test_where_as_many_attributes_are_chosen_as_can_be_the_others_are_locked() -> None:
    chosen = [(f"kind_{number}", "v0") for number in range(MOST_ATTRIBUTES)]
    groups = attribute_groups(counted(8), chosen)
    assert [group.is_locked for group in groups] == [False] * MOST_ATTRIBUTES
    assert attribute_groups(counted(8), chosen[1:])[-1].is_locked is False


def prices(*products: int) -> Facets:
    bars = [Bar(Decimal(10 * at), Decimal(10 * at + 10), number) for at, number in enumerate(products)]
    return Facets(price=bars, lowest=Decimal(2), highest=Decimal(10 * len(products) - 1))


def test_the_tallest_bar_fills_the_height_and_the_least_is_still_seen() -> None:
    choice = price_choice(prices(1000, 0, 1), (None, None))
    assert choice is not None
    assert [bar.height for bar in choice.bars] == [BARS_HEIGHT, 0, 2]
    assert choice.edges == [0.0, 10.0, 20.0, 29.0]


def test_bars_within_the_chosen_prices_are_marked() -> None:
    choice = price_choice(prices(5, 5, 5, 5), (Decimal(10), Decimal(25)))
    assert choice is not None
    assert [bar.is_chosen for bar in choice.bars] == [False, True, True, False]


def test_few_products_or_one_price_need_no_histogram() -> None:
    assert price_choice(prices(1, 1), (None, None)) is None
    assert price_choice(prices(50), (None, None)) is None
    assert price_choice(Facets(), (None, None)) is None


def test_a_breadcrumb_goes_from_the_general_to_the_special() -> None:
    assert breadcrumb("Apparel/Shirts") == [("Apparel", "Apparel"), ("Shirts", "Apparel/Shirts")]
    assert breadcrumb(None) == []
