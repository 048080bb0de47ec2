"""Further pictures of products follow a change of the model."""

from server.catalog.gallery import store_picture, write_gallery
from server.search.query import Mode, Query, Views
from tests.factories import noise
from tests.fakes import FakeEncoder
from tests.integration.activation.conftest import Shop


def add_further_picture(shop: Shop, sku: str, seed: int) -> str:
    first = shop.catalog.get(sku).image_sha256
    assert first is not None
    with shop.database.connection() as connection:
        sha256 = store_picture(connection, noise(seed), shop.images, shop.settings)
        write_gallery(connection, sku, [(first, ""), (sha256, "")])
    return sha256


def models_of_pictures(shop: Shop) -> dict[str, int]:
    """Name of a model -> how many further pictures have its vector."""
    with shop.database.connection() as connection:
        return dict(
            connection.execute(
                "SELECT m.name, count(*) FROM picture_embedding JOIN embedding_model AS m ON m.id = model GROUP BY 1"
            ).fetchall()
        )


def finds_by_further_picture(shop: Shop, encoder: FakeEncoder, sku: str, seed: int) -> bool:
    """Whether a search for that very picture brings its product first, by it."""
    from server.catalog.picture import read_for_tower

    image = read_for_tower(noise(seed), encoder, shop.settings).image
    hit = shop.search.by_image(image, Query(views=Views.ALL, mode=Mode.VECTOR)).hits[0]
    return hit.sku == sku and hit.view is not None


def test_they_have_the_new_models_vectors_when_it_takes_over(shop: Shop) -> None:
    for number in range(3):
        add_further_picture(shop, f"P-{number:02}", 100 + number)
    shop.catalog.embed_pictures()
    assert models_of_pictures(shop) == {"old": 3}
    shop.activate(shop.wide)
    assert models_of_pictures(shop) == {"old": 3, "wide": 3}
    assert finds_by_further_picture(shop, shop.wide, "P-01", 101)


def test_they_are_there_on_the_way_back_and_gone_when_there_is_none(shop: Shop) -> None:
    add_further_picture(shop, "P-00", 100)
    shop.catalog.embed_pictures()
    shop.activate(shop.wide)
    add_further_picture(shop, "P-05", 105)
    shop.activate(shop.old)
    assert models_of_pictures(shop) == {"old": 2, "wide": 1}
    assert finds_by_further_picture(shop, shop.old, "P-05", 105)
    shop.activate(shop.slim)
    assert models_of_pictures(shop) == {"old": 2, "slim": 2}
    with shop.database.connection() as connection:
        (indexes,) = connection.execute(
            "SELECT count(*) FROM pg_indexes WHERE indexname LIKE 'picture_embedding_hnsw%'"
        ).fetchone() or (0,)
    assert indexes == 2
