"""`vitrine import` as a person meets it: what it says and with which exit status it ends."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from server.cli import import_, main
from server.db.engine import Database
from server.embedding.current import CurrentEncoder
from tests.factories import DIMENSION
from tests.fakes import FakeEncoder, fake_manifest


@pytest.fixture
def vitrine(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run `vitrine import` on the test database with a fake model."""
    only = CurrentEncoder.of(FakeEncoder(fake_manifest(DIMENSION)))
    monkeypatch.setattr(import_, "open_current", lambda settings, database: only)
    monkeypatch.setattr(import_, "prepare_database", lambda database, settings: None)
    monkeypatch.chdir(tmp_path)
    environment = {"DATABASE_URL": database.url, "VITRINE_DATA_DIR": str(tmp_path / "data")}

    def run(*arguments: str | Path) -> Result:
        return CliRunner().invoke(main, ["import", *map(str, arguments)], env=environment)

    return run


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    path = tmp_path / "shop.csv"
    path.write_text("sku,title,price\nA,Mug,5\nB,Cup,6\n")
    return path


def test_all_in_is_exit_status_0(vitrine: Callable[..., Result], shop: Path) -> None:
    result = vitrine(shop)
    assert result.exit_code == 0
    assert "2 rows: 2 new, 0 updated, 0 unchanged, 0 refused." in result.output
    assert "2 titles embedded" in result.output
    assert "2 unchanged" in vitrine(shop).output


def test_some_refused_is_exit_status_1_and_names_row_field_and_file(vitrine: Callable[..., Result], shop: Path) -> None:
    shop.write_text("sku,title,price\nA,Mug,abc\nB,[red]Cup[/],6\n")
    result = vitrine(shop)
    assert result.exit_code == 1
    assert "row 2: price: 'abc' is not a number" in result.output
    assert "1 refused" in result.output
    assert "shop.csv.errors.csv" in result.output


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--map", "title=Name"], "no column 'Name'. There are: sku, title, price."),
        (["--map", "name=title"], "there is no field 'name'"),
        (["--errors", "shop.csv"], "would be written over"),
        (["--errors", "errors.txt"], "ends in .csv or .jsonl"),
    ],
)
def test_what_cannot_be_used_is_exit_status_2_with_a_sentence(
    vitrine: Callable[..., Result], shop: Path, arguments: list[str], sentence: str
) -> None:
    result = vitrine(shop, *arguments)
    assert result.exit_code == 2
    assert sentence in result.output
    assert "Traceback" not in result.output


def test_a_missing_file_is_exit_status_2(vitrine: Callable[..., Result], tmp_path: Path) -> None:
    assert vitrine(tmp_path / "missing.csv").exit_code == 2
    (tmp_path / "notes.docx").write_bytes(b"x")
    assert "in no format that Vitrine reads" in vitrine(tmp_path / "notes.docx").output


def test_without_a_terminal_nothing_is_hidden_unless_yes_is_given(vitrine: Callable[..., Result], shop: Path) -> None:
    vitrine(shop)
    shop.write_text("sku,title,price\nA,Mug,5\n")
    result = vitrine(shop, "--full", "--dry-run")
    assert "1 products that are not in the file would be hidden." in result.output
    result = vitrine(shop, "--full")
    assert result.exit_code == 1
    assert "1 of 2 live products are not in the file and will be hidden. Add --yes" in result.output
    assert "No product was hidden: it was not confirmed." in result.output
    result = vitrine(shop, "--full", "--yes")
    assert result.exit_code == 0
    assert "1 products that are not in the file were hidden." in result.output


def test_errors_of_json_lines_do_not_fit_a_csv(vitrine: Callable[..., Result], tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"sku": "A", "title": ""}')
    assert "ends in .jsonl" in vitrine(tmp_path / "a.jsonl", "--errors", "errors.csv").output


def test_a_dry_run_says_would(vitrine: Callable[..., Result], shop: Path) -> None:
    result = vitrine(shop, "--dry-run")
    assert "2 rows: 2 would be new, 0 would be updated, 0 unchanged, 0 would be refused." in result.output
    assert "2 would be new" in vitrine(shop, "--dry-run").output
