"""Rows of a catalogue file: which are measured with, and what is made of them."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from benchmarks import relevance
from benchmarks.corpus import UnusableFile, build_corpus, choose_rows, describe, read_rows
from server.demo.catalogue import draw_catalogue
from server.settings import Settings
from tests.factories import noise
from tests.fakes import FakeEncoder


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def as_jpeg(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def rows_of(count: int, **more: Any) -> list[dict[str, Any]]:
    return [{"id": f"P{n}", "title": f"Product {n}", "image": noise(n), **more} for n in range(count)]


def test_a_row_is_described_in_lower_case_and_only_by_what_it_says() -> None:
    product = describe({"title": " Red Mug ", "category": "Home/Kitchen/Mugs", "colour": "Red"})
    assert (product.title, product.kind, product.colour) == ("Red Mug", "mugs", "red")
    for nothing in (None, "", "NA"):
        bare = describe({"title": None, "category": None, "colour": nothing})
        assert (bare.title, bare.kind, bare.colour) == (None, None, None)
    assert describe({"title": "Mug"}).colour is None


def test_pictures_are_embedded_as_an_import_embeds_them(
    tmp_path: Path, encoder: FakeEncoder, settings: Settings
) -> None:
    rows = rows_of(70)
    rows[3]["image"] = b"not a picture"
    rows[66]["image"] = None
    corpus = build_corpus(read_rows([write(tmp_path / "some.parquet", rows)]), encoder, settings)
    assert corpus.skipped == 2
    assert [product.title for product in corpus.products] == [f"Product {n}" for n in range(70) if n not in (3, 66)]
    expected = encoder.embed_image(Image.open(io.BytesIO(rows[69]["image"])))
    np.testing.assert_array_equal(corpus.pictures[-1], expected)


def test_held_out_is_what_training_leaves_out(tmp_path: Path) -> None:
    from models.config import load_config
    from models.data import split_real

    fashion = [row | {"category": "Apparel/Shirts", "gender": "Women"} for row in rows_of(60)]
    other = [
        row | {"id": f"A{n}", "category": "Fruit/Apple", "title": f"Apple {n}"} for n, row in enumerate(rows_of(60))
    ]
    files = [write(tmp_path / "fashion.parquet", fashion), write(tmp_path / "grocery.parquet", other)]
    _, held_out = split_real(files, load_config(Path("models/configs/default.toml")))
    expected = {item.labels.values["title"] for item in held_out}
    chosen = [row["title"].lower() for row in choose_rows(files, held_out=True, limit=None)]
    assert set(chosen) == expected
    assert len([title for title in chosen if title.startswith("apple")]) > 0
    assert len([title for title in chosen if title.startswith("product")]) > 0
    assert len(chosen) < 60
    assert len(list(choose_rows(files, held_out=True, limit=3))) == 3
    assert len(list(choose_rows(files, held_out=False, limit=None))) == 120


def test_a_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    other = write(tmp_path / "prices.parquet", [{"id": "1", "title": "Mug"}])
    with pytest.raises(UnusableFile, match=r"prices\.parquet has no column image"):
        list(read_rows([other]))
    (tmp_path / "text.parquet").write_text("no")
    with pytest.raises(UnusableFile, match=r"text\.parquet is not a Parquet file"):
        list(read_rows([tmp_path / "text.parquet"]))


def test_the_command_measures_the_bundled_model_on_drawn_pictures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drawn = list(draw_catalogue(60, seed=91))
    rows = [
        {
            "title": f"{product.truth.colour} {product.truth.kind}",
            "category": f"Shop/{product.truth.kind}",
            "colour": product.truth.colour,
            "image": as_jpeg(product.draw(120)),
        }
        for product in drawn
    ]
    path = write(tmp_path / "drawn.parquet", rows)
    relevance.main([str(path), "--json"])
    told = json.loads(capsys.readouterr().out)
    figures = {figure["measure"]: figure for figure in told["figures"]}
    assert told["products"] == 60
    assert figures["type"]["candidates"] == len({product.truth.kind for product in drawn})
    assert figures["type"]["value"] > 0.7
    assert figures["colour, type given"]["value"] > 5 * figures["colour, type given"]["chance"]
    assert figures["title, R@10"]["value"] > 0.8
    relevance.main([str(path), "--limit", "5", "--baseline"])
    table = capsys.readouterr().out
    assert "5 products" in table
    assert "most frequent" in table
    with pytest.raises(SystemExit) as ended:
        relevance.main([str(path), "--model", "nowhere"])
    assert ended.value.code == 2
    assert 'There is no model "nowhere"' in capsys.readouterr().err
