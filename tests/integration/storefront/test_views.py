"""The shop looks at all pictures of a product where a shopper wants that, and shows the one that was found."""

from collections.abc import Callable, Iterator

import pytest
from flask.testing import FlaskClient

from server.catalog.gallery import store_picture, write_gallery
from server.services import Services
from tests.factories import picture


@pytest.fixture
def bag(shop: FlaskClient, put: Callable[..., None], services: Services) -> Iterator[str]:
    """A black bag with a yellow inside; the digest of the picture that shows it."""
    put("BAG", "black", title="A bag")
    first = services.catalog.get("BAG").image_sha256
    assert first is not None
    with services.database.connection() as connection:
        inside = store_picture(connection, picture("yellow"), services.images, services.settings)
        write_gallery(connection, "BAG", [(first, ""), (inside, "the inside")])
    services.catalog.embed_pictures()
    yield inside
    with services.database.connection() as connection:
        (index,) = connection.execute(
            "SELECT indexname FROM pg_indexes WHERE indexname LIKE 'picture_embedding_hnsw%'"
        ).fetchone() or ("",)
        connection.execute(f"DROP INDEX {index}")


def test_the_switch_finds_it_and_its_card_shows_why(shop: FlaskClient, bag: str) -> None:
    usual = shop.get("/?q=yellow").text
    assert "Look at all pictures" in usual
    assert bag not in usual
    every = shop.get("/?q=yellow&views=all").text
    assert f"/media/{bag}/" in every
    assert every.index("A bag") < (every.find("A mug") if "A mug" in every else len(every))
    assert 'name="views" value="all" checked' in every
    assert "all pictures" in every


def test_the_api_tells_the_picture(shop: FlaskClient, bag: str) -> None:
    (hit, *_) = shop.get("/api/v1/search?q=yellow&views=all").json["hits"]
    assert hit["sku"] == "BAG"
    assert hit["view"]["alt"] == "the inside"
    assert bag in hit["view"]["image_url"]
    assert bag in hit["view"]["thumbnail_url"]
    assert all(hit["view"] is None for hit in shop.get("/api/v1/search?q=yellow").json["hits"])
    body = {"terms": [{"text": "yellow"}], "views": "all"}
    assert shop.post("/api/v1/search", json=body).json["hits"][0]["sku"] == "BAG"
    refused = shop.get("/api/v1/search?q=yellow&views=some")
    assert refused.status_code == 422
    assert refused.json["error"]["fields"][0]["field"] == "views"


def test_what_is_chosen_can_be_left_again_before_the_shop_knows_of_further_pictures(shop: FlaskClient) -> None:
    """Whether there are any is remembered for half a minute."""
    assert 'name="views" value="all" checked' in shop.get("/?q=yellow&views=all").text


def test_a_shop_of_single_pictures_does_not_ask(shop: FlaskClient) -> None:
    assert "Look at all pictures" not in shop.get("/?q=yellow").text
