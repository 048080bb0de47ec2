"""Catalogue files into a real database: what goes in, what is reported, and that twice is once."""

import json
import zipfile
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import pytest

from server.catalog.feeds.fetch import Fetcher
from server.catalog.image_store import ImageStore
from server.catalog.images import digest
from server.catalog.ingest import Importer
from server.catalog.product import ProductInput, ProductPatch
from server.catalog.products import Catalog
from server.catalog.report import ImportReport
from server.db.engine import Database
from server.errors import FeedError, InvalidImage
from server.settings import Settings
from tests.factories import DIMENSION, noise
from tests.fakes import FakeEncoder, fake_manifest
from tests.integration.catalog.conftest import WRITERS, Dump, Run, shop, write_csv, write_jsonl, write_parquet


@pytest.mark.parametrize("kind", WRITERS)
def test_every_format_goes_in_and_twice_is_once(tmp_path: Path, run: Run, dump: Dump, kind: str) -> None:
    path = WRITERS[kind](tmp_path / f"shop.{kind}", shop(tmp_path, 150))
    report = run(path)
    assert (report.created, report.refused, report.images, report.is_complete) == (150, 0, 150, True)
    before = dump()
    assert before["S-3"]["title"] == "Mug 3"
    assert before["S-3"]["price"] == Decimal("3.50")
    assert before["S-3"]["category"] == "Home/Mugs"
    assert before["S-3"]["attributes"] == {"colour": "red"}
    assert before["S-3"]["currency"] == "USD"
    assert before["S-3"]["image_sha256"] == digest(noise(3))
    assert before["S-3"]["embedding_source"] == "image"
    again = run(path)
    assert (again.unchanged, again.images, again.texts) == (150, 0, 0)
    assert dump() == before
    assert not list(tmp_path.glob("*.errors.*"))


def test_parquet_brings_its_own_pictures_and_types(tmp_path: Path, run: Run, dump: Dump) -> None:
    rows = [
        {"sku": 1001, "title": "A", "price": 109.99, "attributes": '{"a": 1}', "image": noise(1), "stock": 3.0},
        {"sku": 1002, "title": "B", "price": None, "attributes": None, "image": None, "stock": None},
    ]
    assert run(write_parquet(tmp_path / "a.parquet", rows)).created == 2
    products = dump()
    assert (products["1001"]["price"], products["1001"]["stock"]) == (Decimal("109.99"), 3)
    assert products["1001"]["attributes"] == {"a": 1}
    assert products["1002"]["embedding_source"] == "text"


def test_an_image_column_of_another_library_is_understood(tmp_path: Path, run: Run) -> None:
    rows = [{"id": "A", "title": "A", "image": {"bytes": noise(1), "path": None}}]
    assert run(write_parquet(tmp_path / "a.parquet", rows)).images == 1


def test_only_what_changed_is_written_and_embedded(tmp_path: Path, run: Run, dump: Dump, encoder: FakeEncoder) -> None:
    rows = shop(tmp_path)
    rows[4]["image"] = ""
    path = write_csv(tmp_path / "shop.csv", rows)
    run(path)
    before = dump()
    rows[0]["unit price"] = "99"
    (tmp_path / "pictures" / "1.png").write_bytes(noise(77))
    rows[2]["image"] = ""
    rows[4]["unit price"] = "99"
    encoder.texts_run.clear()
    report = run(write_csv(path, rows))
    after = dump()
    assert (report.updated, report.unchanged, report.images) == (3, 2, 1)
    assert encoder.texts_run == []
    assert after["S-0"]["vector"] == before["S-0"]["vector"]
    assert after["S-1"]["vector"] != before["S-1"]["vector"]
    assert after["S-2"] == before["S-2"], "a row without a picture keeps the one there is"
    assert after["S-3"] == before["S-3"]
    rows[4]["name"] = "Blue mug"
    assert run(write_csv(path, rows)).texts == 1
    assert dump()["S-4"]["embedded_text"] == "Blue mug"


def test_a_price_list_changes_prices_and_nothing_else(tmp_path: Path, run: Run, dump: Dump) -> None:
    run(write_csv(tmp_path / "shop.csv", shop(tmp_path)))
    before = dump()
    prices = [{"sku": "S-0", "price": "7"}, {"sku": "S-1", "price": ""}, {"sku": "NEW", "price": "7"}]
    report = run(write_csv(tmp_path / "prices.csv", prices))
    after = dump()
    assert (report.updated, report.refused, report.refusals[0].field) == (2, 1, "title")
    assert after["S-0"]["price"] == Decimal(7)
    assert after["S-1"]["price"] is None
    changing = ("price", "current_price", "updated_at")
    for sku, row in after.items():
        assert {k: v for k, v in row.items() if k not in changing} == {
            k: v for k, v in before[sku].items() if k not in changing
        }


def test_extra_columns_are_attributes_one_by_one(tmp_path: Path, run: Run, dump: Dump) -> None:
    run(write_csv(tmp_path / "a.csv", [{"sku": "A", "title": "T", "colour": "red", "size": "L"}]))
    run(write_csv(tmp_path / "a.csv", [{"sku": "A", "size": "", "season": "Summer"}]))
    assert dump()["A"]["attributes"] == {"colour": "red", "season": "Summer"}


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_a_folder_or_zip_with_several_feeds_is_one_import(tmp_path: Path, run: Run, dump: Dump, kind: str) -> None:
    folder = tmp_path / "in"
    rows = shop(folder, 3)
    write_csv(folder / "a.csv", rows)
    write_jsonl(
        folder / "b.jsonl", [{"sku": "S-0", "title": "again", "image": "pictures/0.png"}, {"sku": "X", "title": "X"}]
    )
    path = folder
    if kind == "zip":
        path = tmp_path / "in.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for file in sorted(folder.rglob("*")):
                archive.write(file, file.relative_to(folder))
    report = run(path)
    assert (report.created, report.images, report.refused) == (4, 3, 1)
    assert report.refusals[0].reason == "sku: S-0 stands in row 2 of a.csv already"
    assert report.errors == tmp_path / f"{path.name}.errors.jsonl"
    line = json.loads(report.errors.read_text())
    assert (line["error_file"], line["error_row"]) == ("b.jsonl", 1)
    assert (tmp_path / line["image"]).read_bytes() == noise(0)
    line["sku"] = "S-9"
    assert run(write_jsonl(report.errors, [line])).created == 1


def test_a_folder_of_pictures_makes_products_and_renews_pictures(tmp_path: Path, run: Run, dump: Dump) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "red_mug.png").write_bytes(noise(1))
    (folder / "-bad.png").write_bytes(noise(2))
    report = run(folder)
    assert (report.created, report.refused) == (1, 1)
    assert dump()["red_mug"]["title"] == "red mug"
    run(write_csv(tmp_path / "a.csv", [{"sku": "red_mug", "title": "A red mug"}]))
    (folder / "red_mug.png").write_bytes(noise(3))
    (folder / "-bad.png").unlink()
    assert run(folder).updated == 1
    assert dump()["red_mug"]["title"] == "A red mug"
    assert dump()["red_mug"]["image_sha256"] == digest(noise(3))


def test_a_whole_catalogue_hides_what_it_lacks_and_shows_it_again(
    tmp_path: Path, run: Run, dump: Dump, catalog: Catalog
) -> None:
    rows = shop(tmp_path, 5)
    run(write_csv(tmp_path / "shop.csv", rows))
    catalog.patch("S-0", ProductPatch(status="hidden"))
    catalog.put(ProductInput(sku="DRAFT", title="Not yet", status="draft"))
    report = run(write_csv(tmp_path / "shop.csv", rows[:3]), whole=True)
    assert (report.missing, report.hidden, report.is_complete) == (2, 2, True)
    status = {sku: row["status"] for sku, row in dump().items()}
    assert status == {
        "S-0": "hidden", "S-1": "live", "S-2": "live", "S-3": "hidden", "S-4": "hidden", "DRAFT": "draft",
    }  # fmt: skip
    assert run(write_csv(tmp_path / "shop.csv", rows), whole=True).hidden == 0
    status = {sku: row["status"] for sku, row in dump().items()}
    assert status["S-0"] == "hidden", "what a person has hidden stays so"
    assert status["S-3"] == status["S-4"] == "live"


def test_a_row_with_an_error_is_not_hidden_for_it(tmp_path: Path, run: Run, dump: Dump) -> None:
    rows = shop(tmp_path, 3)
    run(write_csv(tmp_path / "shop.csv", rows))
    rows[1]["unit price"] = "abc"
    report = run(write_csv(tmp_path / "shop.csv", rows[:2]), whole=True)
    assert (report.hidden, report.refused) == (1, 1)
    assert dump()["S-1"]["status"] == "live"


def test_nothing_is_hidden_when_it_is_not_known_what(tmp_path: Path, run: Run, dump: Dump) -> None:
    rows = shop(tmp_path, 3)
    run(write_csv(tmp_path / "shop.csv", rows))
    rows[1]["id"] = ""
    path = write_csv(tmp_path / "shop.csv", rows[:2])
    report = run(path, whole=True)
    assert (report.hidden, report.is_complete) == (0, False)
    assert "1 rows have no SKU" in report.not_hidden
    assert run(path, whole=True, may_hide=False, hide_despite_errors=True).not_hidden == "it was not confirmed"
    assert run(path, whole=True, hide_despite_errors=True).hidden == 2
    (tmp_path / "none.csv").write_text("sku,title\n")
    assert run(tmp_path / "none.csv", whole=True).not_hidden == "the file has no rows"


def test_two_imports_at_once_end_as_one(
    tmp_path: Path, database: Database, image_store: ImageStore, settings: Settings, dump: Dump
) -> None:
    rows = shop(tmp_path, 300)
    paths = [write_csv(tmp_path / "a.csv", rows), write_csv(tmp_path / "b.csv", rows[::-1])]

    def import_path(path: Path) -> ImportReport:
        encoder = FakeEncoder(fake_manifest(DIMENSION))
        return Importer(database, encoder, image_store, settings).run(path)

    with ThreadPoolExecutor(2) as pool:
        reports = list(pool.map(import_path, paths))
    assert sum(report.created for report in reports) == 300
    assert sum(report.refused for report in reports) == 0
    products = dump()
    assert len(products) == 300
    assert all(row["vector"] for row in products.values())


def test_a_map_finds_the_columns(tmp_path: Path, run: Run, dump: Dump) -> None:
    path = write_csv(tmp_path / "a.csv", [{"Artikel": "A", "Bezeichnung": "Tasse", "price": "1", "Preis": "2"}])
    with pytest.raises(FeedError, match="no column for the SKU"):
        run(path)
    run(path, columns={"sku": "Artikel", "title": "Bezeichnung", "price": "preis"})
    assert dump()["A"]["price"] == Decimal(2)
    with pytest.raises(FeedError, match="no column 'Name'"):
        run(path, columns={"sku": "Artikel", "title": "Name"})


def test_urls_are_downloaded_where_the_setting_allows_it(
    tmp_path: Path, database: Database, encoder: FakeEncoder, image_store: ImageStore, settings: Settings, dump: Dump
) -> None:
    class Site(Fetcher):
        def read(self, url: str, limit: int) -> bytes:
            if "missing" in url:
                raise InvalidImage("The server of the picture answers 404.")
            return noise(1)

    allowed = settings.model_copy(update={"fetch_image_urls": True})
    rows = [
        {"sku": "A", "title": "A", "image": "https://example.com/a.png, https://example.com/b.png"},
        {"sku": "B", "title": "B", "image": "https://example.com/missing.png"},
        {"sku": "C", "title": "C", "image": "ftp://example.com/c.png"},
    ]
    importer = Importer(database, encoder, image_store, allowed, fetcher=Site())
    report = importer.run(write_csv(tmp_path / "a.csv", rows))
    assert [refusal.reason for refusal in report.refusals] == [
        "image: The server of the picture answers 404.",
        "image: 'ftp://example.com/c.png' is a URL of a kind that is not read",
    ]
    assert dump()["A"]["image_sha256"] == digest(noise(1))


def test_progress_is_told_after_each_batch(
    tmp_path: Path, database: Database, encoder: FakeEncoder, image_store: ImageStore, settings: Settings
) -> None:
    shares: list[float] = []
    importer = Importer(
        database, encoder, image_store, settings, on_progress=lambda report: shares.append(report.share)
    )
    importer.run(write_csv(tmp_path / "a.csv", [{"sku": f"A-{n}", "title": "T"} for n in range(200)]))
    assert len(shares) == 4
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_nothing_stays_behind_on_the_connection(tmp_path: Path, run: Run, database: Database) -> None:
    (tmp_path / "a.csv").write_text("sku,title\n1,a\n")
    for _ in range(3):
        run(tmp_path / "a.csv")
    with database.connection() as connection:
        left = connection.execute("SELECT count(*) FROM pg_class WHERE relname = 'seen_sku'").fetchone()
    assert left == (0,)
