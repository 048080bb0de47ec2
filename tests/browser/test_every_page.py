"""What holds on every page of the shop, whatever it shows."""

from collections.abc import Callable
from itertools import pairwise

from tests.browser.conftest import PHONE, Shop, Watched

Open = Callable[..., Watched]

EVERY_PAGE = (
    "/",
    "/?q=red+shirt&in_stock=true&price_max=500",
    "/?q=lamp&price_max=0.01&in_stock=true",
    "/?sort=price_asc",
    "/?q=bleu+shirt+under+50&attribute=colour%3Dblue",
    "/?q=shirt+brand:nike",
    "/like/{sku}?q=blue+without+stripes",
)
HEAVIEST_PAGE = 300_000  # bytes, pictures left out


def addresses(shop: Shop) -> list[str]:
    """One page of each kind."""
    sku = shop.products[0].sku
    return [*(path.format(sku=sku) for path in EVERY_PAGE), f"/p/{sku}"]


# Texts whose colour is too near to that of the ground for WCAG 2 AA: less than 4.5 to 1, after its formula.
TOO_PALE = """() => {
    const channels = colour => [...colour.match(/[\\d.]+/g).map(Number), 1].slice(0, 4);
    const linear = value => (value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
    const ground = element => {
        for (; element; element = element.parentElement) {
            const colour = channels(getComputedStyle(element).backgroundColor);
            if (colour[3] > 0.9) return colour;
        }
        return [255, 255, 255];
    };
    const found = [];
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
        const element = texts.currentNode.parentElement;
        if (!texts.currentNode.data.trim() || !element.checkVisibility({ visibilityProperty: true })) continue;
        const under = ground(element), ink = channels(getComputedStyle(element).color);
        const seen = under.slice(0, 3).map((value, i) => ink[i] * ink[3] + value * (1 - ink[3]));
        const [dark, bright] = [light(seen), light(under)].sort((one, other) => one - other);
        if ((bright + 0.05) / (dark + 0.05) < 4.5) found.push(texts.currentNode.data.trim());
    }
    return found;
}"""


def test_nothing_is_wider_than_the_screen(open_page: Open, shop: Shop) -> None:
    page = open_page("/", viewport=PHONE).page
    for path in (*addresses(shop), f"/p/{'W' * 100}", f"/like/{'W' * 100}?q={'W' * 200}", "/?q=" + "W" * 200):
        page.goto(path)
        for width in (320, 390, 768, 1280):
            page.set_viewport_size({"width": width, "height": 844})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path


def test_a_page_is_light_and_comes_from_one_host(open_page: Open, shop: Shop) -> None:
    for path in addresses(shop):
        watched = open_page("about:blank")
        sizes: dict[str, int] = {}
        watched.page.on(
            "response",
            lambda answer, sizes=sizes: sizes.update(
                {} if answer.request.resource_type == "image" else {answer.url: len(answer.body())}
            ),
        )
        watched.page.goto(path, wait_until="networkidle")
        assert 0 < sum(sizes.values()) < HEAVIEST_PAGE, sizes


def test_headings_go_down_one_step_at_a_time(open_page: Open, shop: Shop) -> None:
    page = open_page("/").page
    for path in addresses(shop):
        page.goto(path)
        levels = page.eval_on_selector_all("h1,h2,h3,h4", "all => all.map(heading => Number(heading.tagName[1]))")
        assert levels.count(1) == 1, path
        assert levels[0] == 1, path
        assert all(after <= before + 1 for before, after in pairwise(levels)), path


def test_every_field_and_picture_has_a_name(open_page: Open, shop: Shop) -> None:
    page = open_page("/").page
    for path in addresses(shop):
        page.goto(path)
        assert page.locator("html[lang=en]").count() == 1
        nameless = page.eval_on_selector_all(
            "input:not([type=hidden]), select", "all => all.filter(field => !field.labels.length).length"
        )
        assert nameless == 0, path
        assert page.locator("img:not([alt])").count() == 0, path
        assert page.locator("main").count() == 1


def test_text_stands_out_from_its_ground(open_page: Open, shop: Shop) -> None:
    page = open_page("/").page
    for path in addresses(shop):
        page.goto(path)
        assert page.evaluate(TOO_PALE) == [], path
