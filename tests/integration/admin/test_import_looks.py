"""What the pages of imports say before a start: of choices that cannot be, and of files that cannot be read."""

import html
import re

import pytest

from server.imports import runs
from server.imports.runs import State
from server.services import Services
from tests.integration.admin.conftest import Person
from tests.integration.admin.import_pages import GOOD, begin, find, put, start, titles, upload
from tests.integration.jobs.test_worker import run_worker

GERMAN = "Artikelnummer;Bezeichnung;Preis\nA-1;Rote Tasse;5\n\nA-2;Blaue Tasse;billig\n"


@pytest.fixture(autouse=True)
def as_nice_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.jobs.worker.os.nice", lambda by: None)
    monkeypatch.setattr("server.jobs.queue.App.periodic", lambda self, **_: lambda task: task)


def chosen(page: str) -> dict[str, str]:
    """What each column of the page is taken for."""
    selects = re.findall(r'name="column:([^"]+)">(.*?)</select>', page, re.DOTALL)
    return {name: next(iter(re.findall(r'value="([^"]*)" selected', options)), "") for name, options in selects}


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        (
            {"Artikelnummer": "attribute", "Bezeichnung": "title", "Preis": "price"},
            "Choose the column that holds the SKU",
        ),
        (
            {"Artikelnummer": "sku", "Bezeichnung": "title", "Preis": "title"},
            "Bezeichnung and Preis cannot both be the title",
        ),
        ({"Artikelnummer": "sku", "Bezeichnung": "", "Preis": "colour"}, "There is no field 'colour'"),
    ],
)
def test_a_refused_start_keeps_every_choice(
    editor: Person, services: Services, choice: dict[str, str], said: str
) -> None:
    run = upload(editor, ("german.csv", GERMAN.encode()))
    told = {f"column:{column}": field for column, field in choice.items()}
    answer = start(editor, run, **told, whole="yes", dry_run="yes")
    assert answer.status_code == 422
    refusal = re.search(r'role="alert">(.*?)</p>', answer.text)
    assert refusal is not None
    assert said in html.unescape(refusal[1])
    assert "<h1>german.csv</h1>" in answer.text
    # A field that there is not is nothing that a list could show.
    known = {column: field for column, field in choice.items() if field != "colour"}
    assert known.items() <= chosen(answer.text).items()
    assert re.search(r'name="whole" value="yes" checked', answer.text)
    assert find(services, run).state is State.READY


def test_a_second_start_is_refused_on_the_page_of_the_import(editor: Person) -> None:
    run = upload(editor, ("catalogue.csv", GOOD.encode()))
    start(editor, run)
    answer = start(editor, run)
    assert answer.status_code == 409
    assert "This import is under way already." in answer.text
    assert "<h1>catalogue.csv</h1>" in answer.text


def test_rows_have_one_number_before_and_behind(editor: Person, services: Services) -> None:
    run = upload(editor, ("german.csv", GERMAN.encode()))
    page = editor.get(f"/admin/imports/{run}").text
    assert re.findall(r"<th scope=\"col\">(Row \d+)</th>", page) == ["Row 2", "Row 4"]
    assert "The number of a row is the line of the file." in page
    start(editor, run, **{"column:Artikelnummer": "sku", "column:Bezeichnung": "title", "column:Preis": "price"})
    run_worker(services)
    assert [one["place"] for one in find(services, run).report["refusals"]] == ["row 4"]


UNREADABLE = [
    ("utf16.csv", "sku,title\nA-1,Mug\n".encode("utf-16"), "is UTF-16. Save it as UTF-8"),
    ("empty.csv", b"", "empty.csv is empty."),
    ("mugs.xlsx", b"PK\x03\x04", "Save it in the spreadsheet as CSV UTF-8"),
    ("mugs.json", b'[{"sku": "A-1", "title": "Mug"}]', "holds all products as one JSON list"),
]


@pytest.mark.parametrize(("name", "data", "said"), UNREADABLE)
def test_what_cannot_be_read_is_not_to_be_started(editor: Person, name: str, data: bytes, said: str) -> None:
    run = upload(editor, (name, data))
    for page in (editor.get("/admin/imports").text, editor.get("/admin/imports/live").text):
        assert "cannot be read" in page
        assert "to be started" not in page
        assert said in html.unescape(page)
    assert said in html.unescape(editor.get(f"/admin/imports/{run}").text)


def test_the_same_holds_for_a_file_that_came_in_parts(editor: Person, services: Services) -> None:
    told = begin(editor, ["mugs.xlsx"], 4).get_json()
    put(editor, told["run"], "mugs.xlsx", 0, b"PK\x03\x04")
    editor.send_json(f"/admin/imports/{told['run']}/uploaded", "/admin/imports", {})
    assert find(services, told["run"]).problem is not None
    assert "cannot be read" in editor.get("/admin/imports").text


def test_what_can_be_read_is_to_be_started(editor: Person) -> None:
    upload(editor, ("catalogue.csv", GOOD.encode()))
    page = editor.get("/admin/imports").text
    assert "to be started" in page
    assert "cannot be read" not in page


def test_rows_that_are_not_utf_8_are_named_before_the_import_refuses_them(editor: Person, services: Services) -> None:
    rows = ["sku;title;size", *(f"A-{number};Mug;5" for number in range(20)), "B-1;Tasse;Größe 3"]
    run = upload(editor, ("latin.csv", "\n".join(rows).encode("latin-1")))
    page = html.unescape(editor.get(f"/admin/imports/{run}").text)
    assert "Of the first 21 rows, 1 cannot be read and will be refused" in page
    assert "row 22: size: is not UTF-8 text." in page
    start(editor, run)
    run_worker(services)
    assert [one["place"] for one in find(services, run).report["refusals"]] == ["row 22"]
    assert len(titles(services.database)) == 20


def test_one_that_was_stopped_says_that_it_goes_on_from_there(editor: Person, services: Services) -> None:
    run = upload(editor, ("catalogue.csv", GOOD.encode()))
    start(editor, run)
    with services.database.connection() as connection:
        runs.cancel(connection, run)
    page = editor.get(f"/admin/imports/{run}").text
    assert "What was in by then stays in, and <em>Import</em> goes on from there." in page
    assert "goes on from there" in editor.get("/admin/imports").text
    start(editor, run, dry_run="yes")
    with services.database.connection() as connection:
        runs.cancel(connection, run)
    assert "goes on from there" not in editor.get(f"/admin/imports/{run}").text
