"""The page that says how the shop is, and what can be put right there."""

from collections.abc import Callable

import pytest

from server.catalog.thumbnails import Unreadable
from server.db.engine import Database
from server.db.work_done import Work, note_work
from server.jobs.failures import list_jobs
from server.jobs.names import EMBED_GAPS
from server.jobs.picturing import give_up
from server.jobs.queue import put_in
from tests.integration.admin.conftest import Person

Somebody = Callable[..., Person]


@pytest.fixture
def gap(database: Database) -> str:
    with database.connection() as connection:
        connection.execute("INSERT INTO product (sku, title, currency) VALUES ('A&1', 'Mug', 'USD')")
    return "A&amp;1"


def test_it_says_what_is_missing_and_has_it_done(somebody: Somebody, database: Database, gap: str) -> None:
    person = somebody("editor")
    page = person.get("/admin/").text
    assert "0 of 1" in page
    assert gap in page
    assert "No worker was heard of" in page
    assert person.send("/admin/coverage/repair").location == "/admin/"
    assert "The worker is told." in person.get("/admin/").text
    with database.connection() as connection:
        assert [job.task for job in list_jobs(connection)] == ["embed_gaps", "embed_pictures"]
    person.send("/admin/coverage/repair")
    assert "The worker was told already." in person.get("/admin/").text


def test_it_says_how_much_is_done_and_follows_it(somebody: Somebody, database: Database) -> None:
    person = somebody("viewer")
    first = person.get("/admin/live")
    assert "none running" in first.text
    tag = {"If-None-Match": first.headers["ETag"]}
    assert person.client.get("/admin/live", headers=tag).status_code == 304
    with database.connection() as connection:
        note_work(connection, Work.JOB, 3)
        note_work(connection, Work.EMBEDDING, 1200)
        connection.execute(
            "INSERT INTO import_run (name, bytes, made_by, state, report) "
            """VALUES ('a.csv', 1, 'ann', 'running', '{"created": 3000, "seconds": 2}')"""
        )
    second = person.client.get("/admin/live", headers=tag)
    assert second.status_code == 200
    for said in ("3 / 3", "1,200 / 1,200", "20.0 a minute over the hour", "1 running, 1,500 rows a second"):
        assert said in second.text


def test_a_viewer_sees_it_without_buttons(somebody: Somebody, gap: str) -> None:
    page = somebody("viewer").get("/admin/").text
    assert gap in page
    assert "Embed them now" not in page
    assert "Log out viewer" in page


def test_a_job_that_was_given_up_is_tried_again_or_cancelled(somebody: Somebody, database: Database) -> None:
    with database.connection() as connection:
        put_in(connection, EMBED_GAPS)
        (job,) = list_jobs(connection)
        connection.execute("UPDATE procrastinate_jobs SET status = 'failed', attempts = 3")
        connection.execute("INSERT INTO job_failure VALUES (%s, 3, 'The <model> is broken.')", [job.id])
    person = somebody("editor")
    page = person.get("/admin/").text
    assert "given up" in page
    assert "The &lt;model&gt; is broken." in page
    person.send(f"/admin/jobs/{job.id}/retry")
    assert f"Job {job.id} waits again." in person.get("/admin/").text
    person.send(f"/admin/jobs/{job.id}/cancel")
    assert f"Job {job.id} is cancelled." in person.get("/admin/").text
    again = person.send(f"/admin/jobs/{job.id}/cancel")
    assert again.status_code == 409
    assert f"Job {job.id} is cancelled." in again.text
    assert person.send("/admin/jobs/77/retry").status_code == 404


def test_what_was_given_up_hides_nothing_that_waits(somebody: Somebody, database: Database) -> None:
    with database.connection() as connection:
        for number in range(25):
            give_up(connection, Unreadable(f"{number:064}", f"Picture of P-{number:02}: it is damaged."))
        put_in(connection, EMBED_GAPS)
    page = somebody("editor").get("/admin/").text
    assert "embed_gaps" in page
    assert page.count("it is damaged.") == 20
    assert "And 5 more" in page
