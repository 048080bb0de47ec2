"""Pictures that are lost or cannot be read: when an activation stops, what it says, and what a product keeps."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from server.activation.progress import count_without_vector
from server.catalog.product import ProductPatch
from server.embedding.encoder import Pixels, Vectors
from server.errors import ModelError, StorageUnavailable
from server.search.query import Query
from tests.integration.activation.conftest import ALL, Shop, at


def picture_file(shop: Shop, sku: str) -> Path:
    with shop.database.connection() as connection:
        row = connection.execute(
            "SELECT sha256, media_type FROM product JOIN image ON sha256 = image_sha256 WHERE sku = %s", [sku]
        ).fetchone()
    assert row is not None
    return shop.images.path(*row)


def lose_picture(shop: Shop, sku: str) -> None:
    picture_file(shop, sku).unlink()


def test_a_lost_picture_stops_before_the_switch_and_names_the_product(shop: Shop) -> None:
    lose_picture(shop, "P-07")
    with pytest.raises(ModelError, match=r"pictures of 1 products cannot be read \(P-07\)"):
        shop.activate(shop.wide)
    with pytest.raises(ModelError, match=r"What is wrong with the first: The picture's file is not there\. Restore"):
        shop.activate(shop.wide)
    assert shop.states() == {"old": "active", "wide": "candidate"}
    assert "P-07" in [hit.sku for hit in shop.search.by_text("anything", Query(limit=100)).hits]


def test_a_lost_picture_leaves_its_product_at_its_title_where_asked(shop: Shop) -> None:
    lose_picture(shop, "P-07")
    summary = shop.activate(shop.wide, lost_by_title=True)
    assert summary.by_title == ["P-07"]
    assert shop.search.by_text("Thing P-07", Query()).hits[0].sku == "P-07"
    np.testing.assert_allclose(shop.vectors()["P-07"][1], shop.wide.place_text("Thing P-07"), atol=2e-3)


def test_a_lost_picture_of_a_product_that_no_words_find_stops_nothing(shop: Shop) -> None:
    lose_picture(shop, "P-07")
    with shop.database.connection() as connection:
        connection.execute(
            "UPDATE product SET embedding = NULL, embedding_model = NULL, embedding_source = NULL WHERE sku = 'P-07'"
        )
        assert count_without_vector(connection) == 1
    summary = shop.activate(shop.wide)
    assert summary.without_vector == ["P-07"]
    assert len(shop.vectors()) == ALL - 1


@pytest.mark.parametrize("status", ["hidden", "draft"])
def test_a_lost_picture_of_a_product_that_is_not_in_the_shop_stops_nothing(shop: Shop, status: str) -> None:
    lose_picture(shop, "P-07")
    with shop.database.connection() as connection:
        connection.execute("UPDATE product SET status = %s WHERE sku IN ('P-07', 'P-08')", [status])
    summary = shop.activate(shop.wide)
    assert (summary.without_vector, summary.not_live) == ([], ["P-07"])
    # The others that are not in the shop have theirs.
    assert len(shop.vectors()) == ALL - 1


def test_a_lost_picture_of_a_product_that_comes_into_the_shop_meanwhile_stops_the_switch(shop: Shop) -> None:
    lose_picture(shop, "P-07")
    with shop.database.connection() as connection:
        connection.execute("UPDATE product SET status = 'hidden' WHERE sku = 'P-07'")

    def show() -> None:
        with shop.database.connection() as connection:
            connection.execute("UPDATE product SET status = 'live' WHERE sku = 'P-07'")

    with pytest.raises(ModelError, match=r"pictures of 1 products cannot be read \(P-07\)"):
        shop.activate(shop.wide, on_progress=at("switch", show))
    assert shop.states() == {"old": "active", "wide": "candidate"}


def test_a_damaged_file_is_a_lost_picture(shop: Shop) -> None:
    file = picture_file(shop, "P-07")
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(ModelError, match=r"\(P-07\).*The picture's file is damaged"):
        shop.activate(shop.wide)


@pytest.mark.parametrize("lost_by_title", [False, True])
def test_a_model_that_does_not_run_loses_no_picture(
    shop: Shop, lost_by_title: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(pixels: object) -> Vectors:
        raise ModelError("The model failed to run image.onnx.")

    monkeypatch.setattr(shop.wide, "embed_pixels", fail)
    with pytest.raises(ModelError, match=r"^The model failed to run image\.onnx\.$"):
        shop.activate(shop.wide, lost_by_title=lost_by_title)
    assert shop.states() == {"old": "active", "wide": "candidate"}


def test_a_picture_that_the_model_makes_no_vector_of_is_named_with_the_models_reason(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded = shop.wide.prepare(Image.open(picture_file(shop, "P-07")).convert("RGB"))
    embed = shop.wide.embed_pixels

    def refuse_one(pixels: Sequence[Pixels]) -> Vectors:
        if any(np.array_equal(one, decoded) for one in pixels):
            raise ModelError("The vector is not finite.")
        return embed(pixels)

    monkeypatch.setattr(shop.wide, "embed_pixels", refuse_one)
    with pytest.raises(ModelError, match=r"1 products cannot be read \(P-07\).*The vector is not finite\."):
        shop.activate(shop.wide)
    assert shop.activate(shop.wide, lost_by_title=True).by_title == ["P-07"]


def test_a_disk_that_cannot_be_read_loses_no_picture(shop: Shop) -> None:
    # A folder in the file's place is the failure that is the same for every user, root included.
    file = picture_file(shop, "P-07")
    file.unlink()
    file.mkdir()
    with pytest.raises(StorageUnavailable, match="cannot be read from"):
        shop.activate(shop.wide, lost_by_title=True)
    assert shop.states() == {"old": "active", "wide": "candidate"}


def test_limits_that_were_lowered_refuse_no_stored_picture(shop: Shop) -> None:
    shop.settings = shop.settings.model_copy(update={"max_upload_mb": 0, "max_image_pixels": 1})
    summary = shop.activate(shop.wide)
    assert (summary.filled, summary.by_title, summary.without_vector) == (ALL, [], [])


# -- what is written of such a product afterwards --------------------------------------------------------------


def stored(shop: Shop, sku: str) -> tuple[object, ...]:
    with shop.database.connection() as connection:
        row = connection.execute(
            "SELECT price, title, embedding_source, embedded_text, image_sha256 IS NOT NULL FROM product "
            "WHERE sku = %s",
            [sku],
        ).fetchone()
    assert row is not None
    return tuple(row)


def test_a_product_at_its_title_takes_every_change_that_brings_no_picture(shop: Shop) -> None:
    lose_picture(shop, "P-07")
    shop.activate(shop.wide, lost_by_title=True)
    shop.catalog.patch("P-07", ProductPatch(price=Decimal(12)))
    assert stored(shop, "P-07") == (Decimal(12), "Thing P-07", "text", "Thing P-07", True)
    shop.catalog.patch("P-07", ProductPatch(title="Renamed"))
    assert stored(shop, "P-07") == (Decimal(12), "Renamed", "text", "Renamed", True)
    np.testing.assert_allclose(shop.vectors()["P-07"][1], shop.wide.place_text("Renamed"), atol=2e-3)


def test_a_product_at_its_title_gets_its_pictures_vector_when_the_file_is_back(shop: Shop) -> None:
    file = picture_file(shop, "P-07")
    data = file.read_bytes()
    file.unlink()
    shop.activate(shop.wide, lost_by_title=True)
    file.write_bytes(data)
    shop.catalog.patch("P-07", ProductPatch(price=Decimal(12)))
    assert stored(shop, "P-07") == (Decimal(12), "Thing P-07", "image", None, True)


def test_a_product_without_a_vector_takes_changes_and_stays_without(shop: Shop) -> None:
    lose_picture(shop, "P-07")
    with shop.database.connection() as connection:
        connection.execute(
            "UPDATE product SET embedding = NULL, embedding_model = NULL, embedding_source = NULL WHERE sku = 'P-07'"
        )
    shop.catalog.patch("P-07", ProductPatch(price=Decimal(12), title="Renamed"))
    assert stored(shop, "P-07") == (Decimal(12), "Renamed", None, None, True)


def test_a_model_that_does_not_run_holds_up_no_price_of_such_a_product(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = picture_file(shop, "P-07")
    data = file.read_bytes()
    file.unlink()
    shop.activate(shop.wide, lost_by_title=True)
    file.write_bytes(data)

    def fail(pixels: object) -> Vectors:
        raise ModelError("The model failed to run image.onnx.")

    monkeypatch.setattr(shop.wide, "embed_pixels", fail)
    shop.catalog.patch("P-07", ProductPatch(price=Decimal(12)))
    assert stored(shop, "P-07") == (Decimal(12), "Thing P-07", "text", "Thing P-07", True)
