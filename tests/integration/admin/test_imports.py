"""Imports by the browser: a look at the file, a dry run, the run by a worker, and what was refused."""

import csv
import io
import zipfile
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from server.db.engine import Database
from server.errors import DatabaseUnavailable
from server.imports import running, runs, store
from server.imports.runs import State
from server.jobs.failures import list_jobs
from server.services import Services, open_services
from tests.factories import DIMENSION
from tests.fakes import FakeEncoder, fake_manifest
from tests.integration.admin.conftest import Person
from tests.integration.admin.import_pages import GOOD, find, picture, start, titles, upload
from tests.integration.jobs.test_worker import run_worker

MIXED = "Article,Name,Cost\nA-1,Red mug,5\nA-2,,6\nA-3,Green mug,cheap\n"


@pytest.fixture(autouse=True)
def as_nice_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.jobs.worker.os.nice", lambda by: None)
    monkeypatch.setattr("server.jobs.queue.App.periodic", lambda self, **_: lambda task: task)


def test_a_file_is_sent_looked_at_and_imported(editor: Person, services: Services) -> None:
    run = upload(editor, ("catalogue.csv", GOOD.encode()))
    seen = editor.get(f"/admin/imports/{run}").text
    assert "Red mug" in seen
    assert '<option value="price" selected>' in seen
    assert titles(services.database) == {}
    assert start(editor, run).status_code == 302
    assert find(services, run).state is State.WAITING
    run_worker(services)
    assert titles(services.database) == {"A-1": "Red mug", "A-2": "Blue mug"}
    found = find(services, run)
    assert (found.state, found.rows, found.report["created"], found.starts) == (State.DONE, 2, 2, 1)
    assert "2 new" in editor.get(f"/admin/imports/{run}").text
    assert "catalogue.csv" in editor.get("/admin/imports").text


def test_a_dry_run_writes_nothing_and_can_be_meant_later(editor: Person, services: Services) -> None:
    run = upload(editor, ("catalogue.csv", GOOD.encode()))
    start(editor, run, dry_run="yes")
    run_worker(services)
    assert find(services, run).report["created"] == 2
    assert titles(services.database) == {}
    assert "2 would be new" in editor.get(f"/admin/imports/{run}").text
    start(editor, run)
    run_worker(services)
    assert set(titles(services.database)) == {"A-1", "A-2"}


def test_columns_are_what_somebody_says(editor: Person, services: Services) -> None:
    run = upload(editor, ("odd.csv", MIXED.encode()))
    refused = start(editor, run)
    assert refused.status_code == 422
    assert "Choose the column that holds the SKU" in refused.text
    both = start(editor, run, **{"column:Article": "sku", "column:Name": "title", "column:Cost": "title"})
    assert "Name and Cost cannot both be the title" in both.text
    start(editor, run, **{"column:Article": "sku", "column:Name": "brand", "column:Cost": ""})
    run_worker(services)
    assert find(services, run).report["refused"] == 3  # a new product needs a title
    start(editor, run, **{"column:Article": "sku", "column:Name": "title", "column:Cost": ""})
    run_worker(services)
    assert titles(services.database) == {"A-1": "Red mug", "A-3": "Green mug"}
    with services.database.connection() as connection:
        assert connection.execute("SELECT DISTINCT price, attributes FROM product").fetchall() == [(None, {})]


def test_refused_rows_come_back_and_go_in_once_mended(editor: Person, services: Services) -> None:
    run = upload(editor, ("odd.csv", MIXED.encode()))
    start(editor, run, **{"column:Article": "sku", "column:Name": "title", "column:Cost": "price"})
    run_worker(services)
    page = editor.get(f"/admin/imports/{run}").text
    assert "line 3" in page or "row 3" in page
    assert "Download the refused rows" in page
    answer = editor.get(f"/admin/imports/{run}/errors")
    assert "attachment" in answer.headers["Content-Disposition"]
    assert "odd.refused.csv" in answer.headers["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))
    answer.close()
    assert [row["error_field"] for row in rows] == ["title", "price"]
    rows[0]["Name"], rows[1]["Cost"] = "Blue mug", "7"
    mended = io.StringIO()
    writer = csv.DictWriter(mended, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    again = upload(editor, ("odd.refused.csv", mended.getvalue().encode()))
    start(editor, again, **{"column:Article": "sku", "column:Name": "title", "column:Cost": "price"})
    run_worker(services)
    assert set(titles(services.database)) == {"A-1", "A-2", "A-3"}


def test_refused_pictures_are_named_by_their_files(editor: Person, services: Services) -> None:
    svg, good = b"<svg></svg>", picture()
    run = upload(editor, ("A-1.png", good), ("B-2.png", svg), ("bad;name.png", picture()), ("A-1.jpg", good))
    start(editor, run)
    run_worker(services)
    page = editor.get(f"/admin/imports/{run}").text
    assert "<td>B-2.png</td><td>image: This is an SVG drawing." in page
    assert "<td>bad;name.png</td><td>sku: " in page
    assert "A-1 stands in A-1.jpg already" in page
    assert list(titles(services.database)) == ["A-1"]


def test_refused_rows_with_pictures_come_back_as_a_zip(editor: Person, services: Services) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("feed.csv", "sku,title,image,price\nA-1,Mug,a.png,cheap\n")
        archive.writestr("a.png", picture())
    run = upload(editor, ("all.zip", file.getvalue()))
    start(editor, run)
    run_worker(services)
    answer = editor.get(f"/admin/imports/{run}/errors")
    sent = answer.data
    answer.close()
    with zipfile.ZipFile(io.BytesIO(sent)) as archive:
        names = archive.namelist()
        told = archive.read("refused.csv").decode("utf-8-sig")
    assert "errors.pictures/2.png" in names
    mended = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(sent)) as archive, zipfile.ZipFile(mended, "w") as better:
        better.writestr("refused.csv", told.replace("cheap", "5"))
        better.writestr("errors.pictures/2.png", archive.read("errors.pictures/2.png"))
    again = upload(editor, ("all.refused.zip", mended.getvalue()))
    start(editor, again)
    run_worker(services)
    with services.database.connection() as connection:
        row = connection.execute("SELECT price, embedding_source FROM product").fetchone()
    assert row == (5, "image")


def test_a_folder_of_pictures_becomes_products(editor: Person, services: Services) -> None:
    run = upload(editor, ("mugs/RED-1.png", picture()), ("mugs/BLUE-2.png", picture()))
    page = editor.get(f"/admin/imports/{run}").text
    assert "Pictures alone" in page
    assert "mugs (2 files)" in page
    start(editor, run)
    run_worker(services)
    assert titles(services.database) == {"BLUE-2": "BLUE 2", "RED-1": "RED 1"}


@pytest.mark.parametrize(
    "told",
    [
        {},
        [],
        {"paths": [], "bytes": 1},
        {"paths": "a.csv", "bytes": 1},
        {"paths": ["a.csv"], "bytes": -1},
        {"paths": ["a.csv"], "bytes": True},
        {"paths": ["a.csv"], "bytes": 10**12},
        {"paths": [1], "bytes": 1},
    ],
)
def test_what_is_announced_is_looked_at(editor: Person, told: Any) -> None:
    answer = editor.send_json("/admin/imports/begin", "/admin/imports", told)
    assert answer.status_code == 422
    assert answer.get_json()["error"]["message"]


def test_an_import_that_waits_is_cancelled_at_once(editor: Person, services: Services) -> None:
    run = upload(editor, ("catalogue.csv", GOOD.encode()))
    start(editor, run)
    assert start(editor, run).status_code == 409  # one of them is enough
    editor.send(f"/admin/imports/{run}/cancel")
    assert find(services, run).state is State.CANCELLED
    run_worker(services)
    assert titles(services.database) == {}
    assert editor.send(f"/admin/imports/{run}/cancel").status_code == 409


def test_an_import_that_runs_stops_and_goes_on_where_it_was(
    editor: Person, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "TELL_SECONDS", 0.0)
    rows = "".join(f"A-{number:04},Mug {number},{number}\n" for number in range(300))
    run = upload(editor, ("catalogue.csv", ("sku,title,price\n" + rows).encode()))
    start(editor, run)
    hear = running._Teller.hear

    def stop_early(teller: Any, report: Any) -> None:
        if report.rows >= 128:
            with services.database.connection() as connection:
                runs.cancel(connection, run)
        hear(teller, report)

    with monkeypatch.context() as patch:
        patch.setattr(running._Teller, "hear", stop_early)
        run_worker(services)
    found = find(services, run)
    assert (found.state, found.rows) == (State.CANCELLED, 128)
    assert len(titles(services.database)) == 128
    start(editor, run)
    run_worker(services)
    found = find(services, run)
    assert (found.state, found.report["created"], found.report["unchanged"]) == (State.DONE, 172, 128)


def test_a_worker_that_stops_leaves_it_to_the_next_one(services: Services, editor: Person) -> None:
    run = upload(editor, ("catalogue.csv", GOOD.encode()))
    start(editor, run)
    with pytest.raises(running.Interrupted):
        running.run_import(services, run, is_stopping=lambda: True)
    assert find(services, run).state is State.WAITING
    running.run_import(services, run)
    found = find(services, run)
    assert (found.state, found.starts, found.problem) == (State.DONE, 2, None)
    assert "begun again after an interruption" in editor.get(f"/admin/imports/{run}").text


def test_a_failure_that_may_pass_is_tried_again_and_said(
    services: Services, editor: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = upload(editor, ("catalogue.csv", GOOD.encode()))
    start(editor, run)

    def fail(*_: Any) -> None:
        raise DatabaseUnavailable

    with monkeypatch.context() as patch:
        patch.setattr(running, "_import", fail)
        run_worker(services)
    assert find(services, run).state is State.WAITING
    page = editor.get(f"/admin/imports/{run}").text
    assert "The database does not answer" in page
    assert "tried again by itself" in page
    with services.database.connection() as connection:
        (job,) = list_jobs(connection)
    assert (job.status, job.attempts) == ("todo", 1)


def test_a_file_that_cannot_be_used_says_why(editor: Person, services: Services) -> None:
    for name, data in (("empty.csv", b""), ("noise.parquet", b"abc"), ("letter.docx", b"abc"), ("bad.zip", b"PK")):
        run = upload(editor, (name, data))
        page = editor.get(f"/admin/imports/{run}").text
        assert 'role="alert"' in page, name
        assert "Traceback" not in page


def test_a_file_that_is_damaged_further_down_keeps_what_stood_before(editor: Person, services: Services) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("feed.csv", GOOD)
        archive.writestr("two.csv", "title,price\nNo SKU,5\n")
    run = upload(editor, ("two.zip", file.getvalue()))
    start(editor, run)
    run_worker(services)
    found = find(services, run)
    assert found.state is State.FAILED
    assert found.problem is not None
    assert "no column for the SKU" in found.problem


def test_what_nobody_touched_for_long_is_forgotten(editor: Person, services: Services) -> None:
    old, new = (upload(editor, ("catalogue.csv", GOOD.encode())) for _ in range(2))
    with services.database.connection() as connection:
        connection.execute("UPDATE import_run SET changed_at = now() - interval '15 days' WHERE id = %s", [old])
    assert running.forget_old(services, 14) == 1
    assert not (services.settings.data_dir / "uploads" / str(old)).exists()
    assert find(services, new).state is State.READY


def test_a_page_that_asks_again_hears_of_changes_alone(editor: Person, services: Services) -> None:
    run = upload(editor, ("catalogue.csv", GOOD.encode()))
    start(editor, run)
    first = editor.get(f"/admin/imports/{run}/live")
    assert first.status_code == 200
    tag = {"If-None-Match": first.headers["ETag"]}
    again = editor.client.get(f"/admin/imports/{run}/live", headers=tag)
    assert (again.status_code, again.data) == (304, b"")
    assert "X-Vitrine-Over" not in again.headers
    run_worker(services)
    last = editor.client.get(f"/admin/imports/{run}/live", headers=tag)
    assert (last.status_code, last.headers["X-Vitrine-Over"]) == (200, "yes")


def test_names_are_shown_as_text(editor: Person) -> None:
    run = upload(editor, ('<img src=x onerror="alert(1)">.csv', b"sku,<script>alert(1)</script>\nA-1,<b>bold</b>\n"))
    page = editor.get(f"/admin/imports/{run}").text
    for evil in ("<img src=x", "<script>alert", "<b>bold"):
        assert evil not in page


def test_one_that_is_cancelled_while_its_worker_is_dead_ends(editor: Person, services: Services) -> None:
    run = upload(editor, ("catalogue.csv", GOOD.encode()))
    start(editor, run)
    with services.database.connection() as connection:
        connection.execute("UPDATE import_run SET state = 'running', starts = 1")
    editor.send(f"/admin/imports/{run}/cancel")
    run_worker(services)
    assert find(services, run).state is State.CANCELLED
    assert start(editor, run).status_code == 302


def test_a_worker_that_was_taken_for_dead_says_no_more(
    editor: Person, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "TELL_SECONDS", 0.0)
    run = upload(editor, ("catalogue.csv", GOOD.encode()))
    start(editor, run)
    hear = running._Teller.hear

    def another_begins(teller: Any, report: Any) -> None:
        with services.database.connection() as connection:
            connection.execute("UPDATE import_run SET starts = starts + 1")
        hear(teller, report)

    monkeypatch.setattr(running._Teller, "hear", another_begins)
    assert running.run_import(services, run) == "another worker has begun with it"
    assert find(services, run).state is State.RUNNING


def test_the_smallest_pool_is_enough(editor: Person, services: Services, database: Database) -> None:
    run = upload(editor, ("catalogue.csv", GOOD.encode()))
    start(editor, run)
    small = Database(database.url, pool_size=1)
    try:
        few = open_services(services.settings, database=small, encoder=FakeEncoder(fake_manifest(DIMENSION)))
        assert running.run_import(few, run) == "2 rows"
    finally:
        small.close()


def test_a_double_click_fetches_the_refused_rows_twice(editor: Person, services: Services) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("feed.csv", "sku,title,image,price\nA-1,Mug,a.png,cheap\n")
        archive.writestr("a.png", picture())
    run = upload(editor, ("all.zip", file.getvalue()))
    start(editor, run)
    run_worker(services)
    here = store.UploadStore.of(services.settings)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: here.error_archive(run), range(20)))
    assert zipfile.ZipFile(found[-1]).testzip() is None
    assert {path.name for path in here.folder(run).iterdir() if path.is_file()} == {"errors.csv", "errors.zip"}


def test_one_picture_is_imported_too(editor: Person, services: Services) -> None:
    run = upload(editor, ("RED-1.png", picture()))
    start(editor, run)
    run_worker(services)
    assert titles(services.database) == {"RED-1": "RED 1"}
