"""Catalogue files of every format, whole and broken."""

import csv
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.catalog.feeds.base import RawRow
from server.catalog.feeds.columns import ColumnMatcher, parse_overrides
from server.catalog.feeds.csv_feed import CsvFeed
from server.catalog.feeds.jsonl_feed import JsonlFeed
from server.catalog.feeds.opening import open_feeds
from server.catalog.feeds.pictures import FolderPictures
from server.errors import FeedError, InvalidImage

NOWHERE = FolderPictures(Path("/nonexistent"))


def csv_rows(text: str | bytes, name: str = "a.csv") -> list[RawRow]:
    data = text if isinstance(text, bytes) else text.encode()
    return list(CsvFeed(io.BytesIO(data), name, len(data), NOWHERE).rows())


def jsonl_rows(text: str | bytes) -> list[RawRow]:
    data = text if isinstance(text, bytes) else text.encode()
    return list(JsonlFeed(io.BytesIO(data), "a.jsonl", len(data), NOWHERE).rows())


def cells(rows: list[RawRow]) -> list[dict[str, Any]]:
    return [dict(row.cells) for row in rows]


# -- CSV ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
def test_the_separator_the_line_ends_and_a_bom_are_found_out(delimiter: str, end: str, bom: str) -> None:
    text = f"{bom}sku{delimiter}title{end}1{delimiter}Mug{end}2{delimiter}Cup"
    assert cells(csv_rows(text)) == [{"sku": "1", "title": "Mug"}, {"sku": "2", "title": "Cup"}]


def test_rows_are_numbered_by_the_line_that_they_begin_in() -> None:
    rows = csv_rows('sku,text\n1,"a\nb"\n\n2,c\n,\n3,d\n')
    assert [(row.number, row.cells["sku"]) for row in rows] == [(2, "1"), (5, "2"), (7, "3")]
    assert rows[0].cells["text"] == "a\nb"


def test_a_hint_for_spreadsheets_in_the_first_line_is_understood() -> None:
    assert cells(csv_rows("sep=;\nsku;title\n1;a,b\n")) == [{"sku": "1", "title": "a,b"}]


def test_a_row_in_another_encoding_is_reported_and_the_others_are_read() -> None:
    rows = csv_rows("sku,title\n1,Café\n".encode() + "2,Café\n".encode("latin-1") + b"3,Mug\n")
    assert [row.problem is None for row in rows] == [True, False, True]
    assert rows[1].number == 3
    assert rows[1].problem is not None
    assert rows[1].problem[0] == "title"
    assert "UTF-8" in rows[1].problem[1]
    assert rows[1].cells["title"] == "Café"


def test_a_quotation_mark_that_is_never_closed_costs_its_own_row_alone() -> None:
    rows = csv_rows('sku,title,price\n1,Mug,5\n2,"Cup,6\n3,Jar,7\n4,Pot,8\n')
    assert [(row.number, row.problem is None) for row in rows] == [(2, True), (3, False), (4, True), (5, True)]
    rows = csv_rows('sku,title,price\n2,"Cup,6\n3,"Jar, red",7\n4,Pot,8\n')
    assert [(row.number, row.problem is None) for row in rows] == [(2, False), (3, True), (4, True)]


def test_a_quotation_mark_within_a_word_is_a_character() -> None:
    assert cells(csv_rows('sku,title\n1,15" laptop\n2,"15"" laptop"\n'))[0]["title"] == '15" laptop'


def test_too_many_or_too_few_values_are_reported_and_blank_ones_at_the_end_are_not() -> None:
    rows = csv_rows("sku,title\n1,a,b\n2\n3,c,,\n")
    assert [row.problem is None for row in rows] == [False, False, True]
    assert rows[0].problem == ("", "has 3 values, but the header names 2 columns")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no header"),
        (b"\n\n", "no header"),
        ("sku,title\n1,a".encode("utf-16"), "UTF-16"),
        ("sku,prix,été\n".encode("latin-1"), "not UTF-8"),
        (b"sku,sku\n1,2\n", "two columns"),
        (b'sku,"title\n1,a\n', "no header"),
    ],
)
def test_a_file_without_a_header_that_can_be_read_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(FeedError, match=reason):
        csv_rows(data)


@given(
    st.lists(
        st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\0")), min_size=3, max_size=3),
        max_size=6,
    )
)
def test_what_a_csv_writer_writes_is_read_back(rows: list[list[str]]) -> None:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, quoting=csv.QUOTE_ALL)
    writer.writerow(["sku", "title", "text"])
    writer.writerows(rows)
    expected = [row for row in rows if any(cell.strip() for cell in row)]
    assert [list(row.cells.values()) for row in csv_rows(buffer.getvalue())] == expected


@given(st.binary(max_size=300))
def test_no_bytes_stop_a_csv_but_with_a_sentence(data: bytes) -> None:
    body = b"sku,title\n" + data
    rows = csv_rows(body)
    assert all(row.problem is None or row.problem[1] for row in rows)


# -- JSON Lines --------------------------------------------------------------------------------------------------------


def test_lines_are_objects_and_others_are_reported() -> None:
    rows = jsonl_rows('\ufeff{"sku": 1}\n\n{broken\n[1]\n{"sku": 2, "price": 1.5}\n')
    assert [(row.number, row.problem is None) for row in rows] == [(1, True), (3, False), (4, False), (5, True)]
    assert rows[1].raw == "{broken"


def test_a_json_line_in_another_encoding_is_reported() -> None:
    rows = jsonl_rows('{"sku": "1", "title": "Café"}\n'.encode("latin-1") + b'{"sku": "2"}\n')
    assert rows[0].problem is not None
    assert rows[0].cells == {"sku": "1", "title": "Café"}
    assert rows[1].problem is None


def test_one_json_array_is_refused_with_the_way_out() -> None:
    with pytest.raises(FeedError, match="jq"):
        jsonl_rows('[{"sku": 1}]')


# -- Parquet -----------------------------------------------------------------------------------------------------------


def test_a_parquet_file_gives_its_rows_from_1(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"id": range(100), "image": [b"x"] * 100}), path)
    with open_feeds(path) as (feed,):
        rows = list(feed.rows())
        assert feed.share_read() == 1.0
    assert [row.number for row in rows] == list(range(1, 101))
    assert rows[5].cells == {"id": 5, "image": b"x"}


def test_a_damaged_parquet_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(b"PAR1 not really")
    with pytest.raises(FeedError, match="not a Parquet file"), open_feeds(path):
        pass


# -- Folders and zips --------------------------------------------------------------------------------------------------


def make_tree(folder: Path) -> None:
    for name, data in {
        "b/products.csv": b"sku,image\n1,p.jpg\n2,../top.jpg\n",
        "a.jsonl": b'{"sku": "3", "image": "b/p.jpg"}\n',
        "b/p.jpg": b"picture",
        "top.jpg": b"top",
        "b/products.csv.errors.csv": b"sku\n",
        "__MACOSX/x.csv": b"sku\n",
        ".hidden.csv": b"sku\n",
        "notes.docx": b"",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


def zipped(folder: Path, path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, file.relative_to(folder))
    return path


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_a_folder_or_zip_holds_feeds_and_their_pictures(tmp_path: Path, kind: str) -> None:
    make_tree(tmp_path / "in")
    path = tmp_path / "in" if kind == "folder" else zipped(tmp_path / "in", tmp_path / "in.zip")
    with open_feeds(path) as feeds:
        assert [feed.name for feed in feeds] == ["a.jsonl", "b/products.csv"]
        assert [len(list(feed.rows())) for feed in feeds] == [1, 2]
        assert feeds[0].pictures.read("b/p.jpg", 100) == b"picture"
        assert feeds[1].pictures.read("p.jpg", 100) == b"picture"
        assert feeds[1].pictures.read("top.jpg", 100) == b"top"
        with pytest.raises(InvalidImage, match="no file"):
            feeds[1].pictures.read("missing.jpg", 100)


@pytest.mark.parametrize("kind", ["folder", "zip"])
@pytest.mark.parametrize("path", ["../secret.jpg", "/etc/passwd", "b/../../secret.jpg", "..\\secret.jpg", "link.jpg"])
def test_no_picture_path_leads_out(tmp_path: Path, kind: str, path: str) -> None:
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.csv").write_bytes(b"sku\n")
    if kind == "folder":
        (folder / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    source = folder if kind == "folder" else zipped(folder, tmp_path / "in.zip")
    with open_feeds(source) as (feed,), pytest.raises(InvalidImage):
        feed.pictures.read(path, 100)


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_pictures_alone_are_products_named_by_their_files(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "in"
    (folder / "sub").mkdir(parents=True)
    (folder / "red_mug-01.png").write_bytes(b"1")
    (folder / "sub" / "X.JPG").write_bytes(b"2")
    with open_feeds(folder if kind == "folder" else zipped(folder, tmp_path / "in.zip")) as (feed,):
        rows = list(feed.rows())
        assert [dict(row.cells) for row in rows] == [
            {"sku": "red_mug-01", "image": "red_mug-01.png"},
            {"sku": "X", "image": "sub/X.JPG"},
        ]
        assert rows[0].defaults == {"title": "red mug 01"}
        assert feed.pictures.read("sub/X.JPG", 100) == b"2"


def test_what_cannot_be_imported_is_refused_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "a.xlsx").write_bytes(b"x")
    (tmp_path / "a.zip").write_bytes(b"x")
    (tmp_path / "a.csv").write_bytes(b"")
    for name, reason in (("empty", "nothing to import"), ("a.xlsx", "CSV"), ("a.zip", "not a zip"), ("a.csv", "empty")):
        with pytest.raises(FeedError, match=reason), open_feeds(tmp_path / name):
            pass
    with pytest.raises(FeedError, match="no file"), open_feeds(tmp_path / "missing"):
        pass


def test_a_member_that_is_larger_than_it_says_is_cut_at_the_limit(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", "sku\n")
        archive.writestr("big.jpg", b"\0" * 10_000_000)
    with open_feeds(tmp_path / "a.zip") as (feed,):
        assert len(feed.pictures.read("big.jpg", 1000)) == 1001


# -- Columns -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "field"),
    [
        ("Product Name", "title"),
        ("product_title", "title"),
        ("Unit-Price", "price"),
        ("regular price", "price"),
        ("Sale Price", "sale_price"),
        ("Variant SKU", "sku"),
        ("handle", "sku"),
        ("Image Link", "image"),
        ("image_url", "image"),
        ("Photo", "image"),
        ("filename", "image"),
        ("Vendor", "brand"),
        ("MANUFACTURER", "brand"),
        ("google_product_category", "category"),
        ("Body (HTML)", "description"),
        ("Variant Inventory Qty", "stock"),
        ("item_group_id", "item_group"),
        ("Parent SKU", "item_group"),
        ("colour", None),
    ],
)
def test_common_names_of_columns_are_known(column: str, field: str | None) -> None:
    assert ColumnMatcher().match((column,)) == {column: field}


def test_of_two_columns_for_one_field_the_likelier_wins() -> None:
    match = ColumnMatcher().match(("Handle", "Variant SKU", "Title", "name", "error_reason", " "))
    assert match == {"Handle": None, "Variant SKU": "sku", "Title": "title", "name": None}
    with pytest.raises(FeedError, match="both mean title"):
        ColumnMatcher().match(("Title", "title"))


def test_map_overrides_the_names() -> None:
    matcher = ColumnMatcher(parse_overrides(["title=name", "price = Net price"]))
    assert matcher.match(("title", "Name", "net_price", "price")) == {
        "title": None,
        "Name": "title",
        "net_price": "price",
        "price": None,
    }
    with pytest.raises(FeedError, match=r"no column 'name'. There are: sku, title"):
        matcher.check(("sku", "title"))


@pytest.mark.parametrize("given_map", ["title", "title=", "colour=x", "=x"])
def test_a_map_that_says_nothing_is_refused_with_the_choices(given_map: str) -> None:
    with pytest.raises(FeedError, match="--map"):
        parse_overrides([given_map])
    with pytest.raises(FeedError, match="sku, title, description"):
        parse_overrides(["colour=x"])


def test_json_lines_survive_a_round_trip_of_any_text() -> None:
    texts = ["a", "\u2028", '"', "\\", "\u0085x"]
    lines = "".join(json.dumps({"sku": text}) + "\n" for text in texts)
    assert [row.cells["sku"] for row in jsonl_rows(lines)] == texts
