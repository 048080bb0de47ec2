"""The loader of `.sql` files, and that every file of the server keeps its rules."""

from pathlib import Path

import pytest

import server
from server.db.named_sql import load

SERVER = Path(server.__file__).parent


def write(folder: Path, text: str) -> str:
    """Write queries.sql beside a caller; returns the caller's file name."""
    (folder / "queries.sql").write_text(text)
    return str(folder / "caller.py")


def test_a_query_is_found_by_its_name_with_its_comments(tmp_path: Path) -> None:
    caller = write(tmp_path, "-- name: one\n-- The number one.\nSELECT 1\n\n-- name: two\n-- Two.\nSELECT 2\n")
    queries = load(caller, "queries.sql")
    assert list(queries) == ["one", "two"]
    assert queries["one"] == "-- name: one\n-- The number one.\nSELECT 1"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("-- name: one\nSELECT 1\n", "needs"),
        ("-- name: one\n-- First.\nSELECT 1\n-- name: one\n-- Again.\nSELECT 2\n", "twice"),
        ("SELECT 0;\n-- name: one\n-- First.\nSELECT 1\n", "must begin"),
        ("", "must begin"),
    ],
    ids=["no description", "a name twice", "text before the first name", "empty"],
)
def test_a_careless_file_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        load(write(tmp_path, text), "queries.sql")


@pytest.mark.parametrize("file", sorted(SERVER.rglob("*.sql")), ids=lambda file: file.name)
def test_every_file_of_the_server_can_be_loaded(file: Path) -> None:
    assert load(str(file.with_suffix(".py")), file.name)
