"""The choices of the filter column."""

from server.storefront.facets import BRANDS_SHOWN, brand_boxes, breadcrumb, category_menu

CATEGORIES = [
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


def test_a_category_that_the_shop_does_not_have_shows_the_top() -> None:
    assert names("Garden/Gnomes") == names(None)


def test_chosen_brands_stand_first_even_where_the_shop_has_none_of_them() -> None:
    boxes = brand_boxes([("Acme", 9), ("Bo", 3)], ("Bo", "Gone"))
    assert [(box.name, box.count, box.is_chosen) for box in boxes] == [
        ("Bo", 3, True),
        ("Gone", None, True),
        ("Acme", 9, False),
    ]


def test_a_long_list_of_brands_ends_somewhere() -> None:
    brands = [(f"Brand {number}", 1) for number in range(200)]
    assert len(brand_boxes(brands, ())) == BRANDS_SHOWN
    assert brand_boxes(brands, ("Brand 199",))[0].is_chosen


def test_a_breadcrumb_goes_from_the_general_to_the_special() -> None:
    assert breadcrumb("Apparel/Shirts") == [("Apparel", "Apparel"), ("Shirts", "Apparel/Shirts")]
    assert breadcrumb(None) == []
