"""The pages as a browser without scripts gets them."""

import re
from collections.abc import Callable
from html import unescape
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient

from server.errors import DatabaseUnavailable
from server.services import Services
from server.storefront import pages
from tests.factories import picture
from tests.integration.storefront.reading import HTML, carried_picture, text_of, titles, upload


def test_the_home_page_shows_the_newest_products(shop: FlaskClient) -> None:
    page = shop.get("/")
    assert page.status_code == 200
    assert titles(page) == ["Last shirt", "A shirt", "A mug"]
    assert "1–3 of 3 products" in text_of(page)


def test_words_put_the_nearest_first(shop: FlaskClient) -> None:
    assert titles(shop.get("/?q=blue"))[0] == "A shirt"
    assert "<title>blue · Vitrine</title>" in shop.get("/?q=blue").text


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ("price_max=20", ["A shirt", "A mug"]),
        ("price_min=&price_max=&brand=&in_stock=", ["Last shirt", "A shirt", "A mug"]),
        ("category=Apparel", ["Last shirt", "A shirt"]),
        ("brand=Bo+%26+Co&brand=Acme", ["A shirt", "A mug"]),
        ("in_stock=true", ["Last shirt", "A mug"]),
        ("sort=price_asc", ["A mug", "A shirt", "Last shirt"]),
    ],
)
def test_the_address_filters_and_sorts(shop: FlaskClient, filters: str, found: list[str]) -> None:
    assert titles(shop.get(f"/?{filters}")) == found


def test_prices_and_stock_are_told_to_eyes_and_ears(shop: FlaskClient) -> None:
    words = text_of(shop.get("/"))
    assert "Last shirt Sale price $25.00 Regular price $30.00" in words
    assert "Sold out" in words


def test_a_mistake_is_a_page_with_the_sentence_at_its_field(shop: FlaskClient) -> None:
    page = shop.get("/?q=mug&price_min=abc")
    assert page.status_code == 422
    assert 'value="abc" aria-invalid="true" aria-describedby="price_min-error"' in page.text
    assert "Write a number, such as 25 or 19.99." in text_of(page)
    assert titles(page) == []


def test_pages_follow_each_other_and_count_on(client: FlaskClient, put: Callable[..., None]) -> None:
    for number in range(30):
        put(f"T-{number:02}", None)
    first = client.get("/?sort=newest&brand=")
    link = re.search(r'<a href="([^"]+)" class="btn btn-primary">Next page', first.text)
    assert link is not None
    second = client.get(unescape(link.group(1)))
    assert "25–30 of 30 products" in text_of(second)
    assert sorted(titles(first) + titles(second)) == [f"Thing T-{number:02}" for number in range(30)]
    assert "Back to the first page" in second.text


def test_a_cursor_of_another_search_leads_to_the_first_page(shop: FlaskClient) -> None:
    page = shop.get("/?q=blue&cursor=nonsense&seen=48")
    assert page.status_code == 200
    assert "That page is no longer there" in text_of(page)
    assert "1–1 of 1 product" in text_of(page)


def test_an_empty_result_says_which_filter_to_give_up(shop: FlaskClient) -> None:
    page = shop.get("/?q=blue&category=Kitchen&brand=Bo+%26+Co&price_max=20")
    words = text_of(page)
    assert "Nothing passes these filters" in words
    assert "Without Kitchen 1 product" in words
    assert "Without Bo & Co" not in words
    assert "Without up to $20.00" not in words


def test_an_empty_shop_says_how_to_fill_it(client: FlaskClient) -> None:
    for address in ("/", "/?q=mug"):
        words = text_of(client.get(address))
        assert "The shop is empty so far" in words
        assert "vitrine import" in words


def test_a_product_has_a_page(shop: FlaskClient, put: Callable[..., None]) -> None:
    put(
        "A/B #1",
        "blue",
        title="Blue & new",
        description="One.\n\nTwo.",
        attributes={"fits_well": True, "for": ["a", 1]},
    )
    page = shop.get("/p/A/B%20%231")
    assert page.status_code == 200
    words = text_of(page)
    assert "<h1>Blue &amp; new</h1>" in page.text
    assert "One. Two." in words
    assert "Fits well yes" in words
    assert "For a, 1" in words
    assert titles(page)[0] == "A shirt"
    assert "Blue & new" not in titles(page)
    crumb = re.search(r'<a href="([^"]+)">Mugs</a>', shop.get("/p/MUG").text)
    assert crumb is not None
    assert titles(shop.get(unescape(crumb.group(1)))) == ["A mug"]


@pytest.mark.parametrize("status", ["draft", "hidden"])
def test_what_is_not_live_is_not_shown(client: FlaskClient, put: Callable[..., None], status: str) -> None:
    put("X", status=status)
    answer = client.get("/p/X", headers=HTML)
    assert answer.status_code == 404
    assert "There is no product X in the shop." in text_of(answer)


def test_titles_cannot_bring_markup(client: FlaskClient, put: Callable[..., None]) -> None:
    put("X", title="<script>alert(1)</script>", brand='"><b>', description="a <i>b</i>", attributes={"<u>": "<s>x"})
    for address in ("/", "/p/X", "/?q=%3Cscript%3E&brand=%22%3E%3Cb%3E&category=%3Cu%3E&price_min=%22%3E%3Cu%3E"):
        text = client.get(address).text
        assert not re.search(r"<script>|><b><|<i>|<u>|<s>x", text)


def test_a_picture_finds_its_like_and_is_shown(shop: FlaskClient) -> None:
    page = upload(shop, picture("blue", (900, 700)))
    assert page.status_code == 200
    assert titles(page)[0] == "A shirt"
    assert f'src="data:image/jpeg;base64,{carried_picture(page)}"' in page.text


def test_a_picture_search_goes_on_with_filters_and_pages(client: FlaskClient, put: Callable[..., None]) -> None:
    for number in range(27):
        put(f"R-{number:02}", "red", price=number + 1)
    put("B", "blue")
    first = upload(client, picture("red", (40, 30)))
    assert 'formaction="/search/image?cursor=' in first.text
    address = re.search(r'formaction="([^"]+cursor[^"]+)"', first.text)
    assert address is not None
    again = {"picture": carried_picture(first)}
    second = client.post(unescape(address.group(1)), data=again)
    assert "25–27 of 27 products" in text_of(second)
    assert len(set(titles(first) + titles(second))) == 27
    part = client.post(unescape(address.group(1)) + "&part=1", data=again)
    assert titles(part) == titles(second)
    filtered = client.post("/search/image", data={**again, "price_max": "3", "price_min": "", "sort": "price_desc"})
    assert titles(filtered) == ["Thing R-02", "Thing R-01", "Thing R-00"]
    assert 'formaction="/search/image?sort=price_desc"' in filtered.text


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "Choose a picture first."),
        (b"not a picture", "not a picture"),
        (picture("red")[:200], "picture"),
    ],
)
def test_what_is_no_picture_is_refused_on_the_page_itself(shop: FlaskClient, data: bytes, sentence: str) -> None:
    page = upload(shop, data)
    assert page.status_code == 422
    assert sentence in text_of(page)
    assert 'aria-describedby="image-error"' in page.text
    assert len(titles(page)) == 3


def test_a_picture_that_is_too_large_is_refused_on_the_page_itself(shop: FlaskClient) -> None:
    page = shop.post("/search/image", data=b"x" * 1_200_000, content_type="multipart/form-data; boundary=x")
    assert page.status_code == 422
    assert "more than 1 MB" in text_of(page)


@pytest.mark.parametrize("carried", ["not base64!", "bm90IGEgcGljdHVyZQ=="])
def test_a_carried_picture_is_not_trusted(shop: FlaskClient, carried: str) -> None:
    assert shop.post("/search/image", data={"picture": carried}).status_code == 422


def test_a_mistake_beside_a_picture_keeps_the_picture(shop: FlaskClient) -> None:
    page = upload(shop, picture("blue"), price_max="abc")
    assert page.status_code == 422
    assert carried_picture(page)
    assert 'id="price_max-error"' in page.text


def test_a_picture_search_that_is_opened_again_starts_afresh(shop: FlaskClient) -> None:
    answer = shop.get("/search/image?brand=Acme")
    assert (answer.status_code, answer.location) == (302, "/?brand=Acme")


def test_pages_bring_nothing_inline_and_nothing_from_elsewhere(shop: FlaskClient) -> None:
    for page in (shop.get("/"), shop.get("/?q=a"), shop.get("/p/MUG"), shop.get("/nowhere", headers=HTML)):
        assert page.headers["Content-Security-Policy"] == pages.CONTENT_SECURITY_POLICY
        assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", page.text)
        for address in re.findall(r'(?:src|href|action)="([^"]+)"', page.text):
            assert not urlsplit(unescape(address)).netloc


def test_errors_are_pages_for_people_and_json_for_programs(client: FlaskClient) -> None:
    page = client.get("/nowhere", headers=HTML)
    assert page.status_code == 404
    assert "Page not found" in text_of(page)
    assert client.get("/nowhere", headers={"Accept": "application/json"}).json["error"]["code"] == "not_found"


def test_an_error_page_does_not_need_the_database(
    client: FlaskClient, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise DatabaseUnavailable

    monkeypatch.setattr(services.database, "connection", fail)
    page = client.get("/", headers=HTML)
    assert page.status_code == 503
    assert "Go to the shop" in text_of(page)
