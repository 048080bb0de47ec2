"""What an import refuses: each bad row is reported, the others go in, and the error file can be imported."""

import csv
import io
import json
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pytest

from server.catalog.image_store import ImageStore
from server.catalog.images import digest
from server.catalog.ingest import Importer
from server.db.engine import Database
from server.errors import FeedError, ModelError
from server.settings import Settings
from tests.factories import DIMENSION, noise, picture
from tests.fakes import FakeEncoder, fake_manifest
from tests.integration.catalog.conftest import Dump, Run, shop, write_csv, write_jsonl, write_parquet

BAD_ROWS = {
    "no sku": ({"id": ""}, "sku", "is missing"),
    "impossible sku": ({"id": "../x"}, "sku", "is not a SKU"),
    "no title": ({"name": " "}, "title", "is missing"),
    "price abc": ({"unit price": "abc"}, "price", "'abc' is not a number"),
    "negative price": ({"unit price": "-1"}, "price", "is negative"),
    "truncated": ({"image": "truncated.jpg"}, "image", "damaged or cut short"),
    "bomb": ({"image": "bomb.png"}, "image", "pixels"),
    "text": ({"image": "text.jpg"}, "image", "This is text"),
    "empty": ({"image": "empty.jpg"}, "image", "0 bytes"),
    "missing": ({"image": "missing.jpg"}, "image", "There is no file missing.jpg"),
    "outside": ({"image": "../outside.jpg"}, "image", "leads out"),
    "url": ({"image": "https://example.com/a.jpg"}, "image", "VITRINE_FETCH_IMAGE_URLS"),
    "twice": ({"id": "S-1"}, "sku", "S-1 stands in row 3 already"),
}


def bad_shop(folder: Path) -> tuple[Path, list[dict[str, Any]]]:
    """Ten good rows, and one of each kind of bad row among them; a wrong encoding at the end."""
    (folder / "truncated.jpg").write_bytes(noise(50, (200, 200), "JPEG")[:5000])
    (folder / "bomb.png").write_bytes(bomb())
    (folder / "text.jpg").write_text("not a picture")
    (folder / "empty.jpg").write_bytes(b"")
    rows = shop(folder, 10)
    for n, (fields, _, _) in enumerate(BAD_ROWS.values()):
        rows.insert(2 + n, {**rows[0], "id": f"BAD-{n}", "image": "", **fields})
    path = write_csv(folder / "shop.csv", rows)
    with path.open("ab") as file:
        file.write("ENC,Café,5,,rouge,Home\r\n".encode("latin-1"))
    return path, rows


def bomb() -> bytes:
    buffer = bytearray(picture(size=(10, 10), image_format="PNG"))
    header = struct.pack(">II", 60_000, 60_000) + bytes(buffer[24:29])
    buffer[16:29] = header
    buffer[29:33] = struct.pack(">I", zlib.crc32(b"IHDR" + header))
    return bytes(buffer)


def test_every_bad_row_is_reported_and_the_others_go_in(tmp_path: Path, run: Run, dump: Dump) -> None:
    path, rows = bad_shop(tmp_path)
    report = run(path)
    assert report.created == 10
    assert report.refused == len(BAD_ROWS) + 1
    assert set(dump()) == {f"S-{n}" for n in range(10)}
    with (tmp_path / "shop.csv.errors.csv").open(encoding="utf-8-sig", newline="") as file:
        errors = list(csv.DictReader(file))
    for n, (error, (fields, field, reason)) in enumerate(zip(errors, BAD_ROWS.values(), strict=False)):
        assert (error["error_row"], error["error_field"]) == (str(4 + n), field)
        assert reason in error["error_reason"]
        assert {**error, **fields} == error, "the row stands there as it was"
    assert errors[-1]["error_row"] == str(len(rows) + 2)
    assert errors[-1]["name"] == "Café"
    assert "UTF-8" in errors[-1]["error_reason"]


def test_the_error_file_can_be_put_right_and_imported_as_it_is(tmp_path: Path, run: Run, dump: Dump) -> None:
    path, _ = bad_shop(tmp_path)
    errors_path = run(path).errors
    assert errors_path is not None
    with errors_path.open(encoding="utf-8-sig", newline="") as file:
        errors = list(csv.DictReader(file))
    for n, error in enumerate(errors):
        error.update({"id": f"OK-{n}", "name": error["name"].strip() or "Name", "unit price": "5", "image": ""})
    write_csv(errors_path, errors)
    report = run(errors_path)
    assert (report.created, report.refused) == (len(errors), 0)
    assert dump()["OK-0"]["attributes"] == {"colour": "red"}, "the columns about the error are no attributes"


def test_a_spreadsheet_knows_the_error_file_s_letters_and_the_importer_its_columns(
    tmp_path: Path, run: Run, dump: Dump
) -> None:
    path = write_csv(tmp_path / "a.csv", [{"naïve code": "A", "sku": "A", "title": "Café", "price": "cheap"}])
    errors = run(path).errors
    assert errors is not None
    text = errors.read_bytes()
    assert text.startswith(b"\xef\xbb\xbf" + "naïve code,".encode())
    errors.write_bytes(text.replace(b"cheap", b"5"))
    assert run(errors).created == 1
    assert dump()["A"]["attributes"] == {"naïve code": "A"}
    assert dump()["A"]["title"] == "Café"


def test_an_error_file_is_never_written_over(tmp_path: Path, run: Run) -> None:
    path = write_csv(tmp_path / "a.csv", [{"sku": "A", "title": ""}])
    names = [run(path).errors, run(path).errors, run(tmp_path / "a.csv.errors.csv").errors]
    assert [name.name for name in names if name] == [
        "a.csv.errors.csv",
        "a.csv.errors.2.csv",
        "a.csv.errors.csv.errors.csv",
    ]


def test_refused_pictures_of_a_parquet_file_lie_beside_the_error_file(tmp_path: Path, run: Run) -> None:
    rows = [
        {"sku": "A", "title": "", "image": noise(1)},
        {"sku": "B", "title": "B", "image": noise(2, (90, 90), "JPEG")[:900]},
        {"sku": "C", "title": "C", "image": noise(3)},
    ]
    report = run(write_parquet(tmp_path / "a.parquet", rows))
    assert (report.created, report.refused) == (1, 2)
    assert report.errors is not None
    errors = list(csv.DictReader(io.StringIO(report.errors.read_text(encoding="utf-8-sig"))))
    assert [error["image"] for error in errors] == [
        "a.parquet.errors.pictures/1.png",
        "a.parquet.errors.pictures/2.jpg",
    ]
    errors[0]["title"] = "A"
    (tmp_path / errors[1]["image"]).write_bytes(noise(4, image_format="JPEG"))
    assert run(write_csv(report.errors, errors)).created == 2


def test_json_lines_errors_are_json_lines(tmp_path: Path, run: Run, dump: Dump) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"sku": "A", "title": "A", "price": "abc", "x": [1]}\n{"sku": "B", "title": \n')
    report = run(path)
    assert report.errors == tmp_path / "a.jsonl.errors.jsonl"
    first, second = (json.loads(line) for line in report.errors.read_text().splitlines())
    assert (first["x"], first["error_row"], first["error_field"]) == ([1], 1, "price")
    assert second == {
        "error_row": 2,
        "error_field": "",
        "error_reason": "is not a JSON object",
        "error_raw": '{"sku": "B", "title":',
    }
    first["price"], second["error_raw"] = 5, '{"sku": "B", "title": "B"}'
    assert run(write_jsonl(report.errors, [first, second])).created == 2
    assert dump()["B"]["attributes"] == {}


def test_a_file_that_is_damaged_farther_down_goes_in_as_far_as_it_is_whole(
    tmp_path: Path, run: Run, dump: Dump
) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", "sku,title\n" + "".join(f"S-{n},{digest(b'%d' % n)}\n" for n in range(8_000)))
    data = bytearray((tmp_path / "a.zip").read_bytes())
    data[len(data) // 4 : len(data) // 4 + 50] = b"\xff" * 50
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(FeedError, match=r"damaged after row \d+\. What stood before went in"):
        run(tmp_path / "a.zip")
    assert len(dump()) > 64


def test_a_database_whose_model_is_not_installed_takes_no_import(
    tmp_path: Path, run: Run, database: Database, image_store: ImageStore, settings: Settings
) -> None:
    path = write_csv(tmp_path / "a.csv", [{"sku": "A", "title": "A"}])
    run(path)
    other = Importer(database, FakeEncoder(fake_manifest(DIMENSION, "other")), image_store, settings)
    with pytest.raises(ModelError, match=r"embedded by the model fake \(1\), which is not installed here"):
        other.run(path)


def test_a_picture_that_the_model_cannot_take_is_refused_alone(
    tmp_path: Path, database: Database, image_store: ImageStore, settings: Settings
) -> None:
    class Picky(FakeEncoder):
        def embed_pixels(self, pixels: Any) -> Any:
            if any(float(one.max()) == 0.0 for one in pixels):
                raise ModelError("not finite")
            return super().embed_pixels(pixels)

    rows = shop(tmp_path, 4)
    (tmp_path / "pictures" / "2.png").write_bytes(picture("black", image_format="PNG"))
    picky = Picky(fake_manifest(DIMENSION))
    report = Importer(database, picky, image_store, settings).run(write_csv(tmp_path / "a.csv", rows))
    assert (report.created, report.refused) == (3, 1)


def test_a_dry_run_checks_everything_and_writes_nothing(
    tmp_path: Path, run: Run, dump: Dump, settings: Settings, database: Database
) -> None:
    path, _ = bad_shop(tmp_path)
    report = run(path, dry_run=True)
    assert (report.created, report.refused, report.images) == (10, len(BAD_ROWS) + 1, 0)
    assert dump() == {}
    assert not settings.image_dir.exists()
    assert not list(tmp_path.glob("*.errors.*"))
    with database.connection() as connection:
        assert connection.execute("SELECT count(*) FROM embedding_model").fetchone() == (0,)
    run(path)
    before = dump()
    rows = shop(tmp_path, 10)
    rows[0]["name"] = "Other"
    (tmp_path / "pictures" / "1.png").write_bytes(noise(99))
    report = run(write_csv(tmp_path / "next.csv", rows[:9]), dry_run=True, whole=True)
    assert (report.updated, report.unchanged, report.missing, report.hidden) == (2, 7, 1, 0)
    assert dump() == before
