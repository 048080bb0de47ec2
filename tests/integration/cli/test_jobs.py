"""`vitrine jobs`: what waits, what was given up and why, tried again or cancelled."""

import json

from server.catalog.thumbnails import Unreadable
from server.db.engine import Database
from server.jobs.names import MAKE_THUMBNAILS
from server.jobs.picturing import give_up
from server.jobs.queue import put_in
from tests.integration.cli.conftest import Run


def test_jobs_are_listed_tried_again_and_cancelled(run: Run, shop: Database) -> None:
    assert run("jobs", "list").output == "Nothing waits, runs or was given up.\n"
    with shop.connection() as connection:
        put_in(connection, MAKE_THUMBNAILS)
        give_up(connection, Unreadable("0" * 64, "Picture of P-1: The picture is damaged or cut short."))
    told = json.loads(run("jobs", "list", "--json").output)
    assert [(job["task"], job["status"]) for job in told] == [("thumbnails_of", "failed"), ("make_thumbnails", "todo")]
    picture, waiting = (str(job["id"]) for job in told)
    printed = run("jobs", "list").output
    assert f"{picture}: thumbnails_of (given up, 1 tries) Picture of P-1: The picture is damaged" in printed
    assert f"{waiting}: make_thumbnails (waiting)" in printed
    assert run("jobs", "retry", picture).output == f"Job {picture} waits again.\n"
    assert run("jobs", "cancel", waiting).output == f"Job {waiting} is cancelled.\n"
    refused = run("jobs", "retry", waiting)
    assert refused.exit_code == 2
    assert f"Job {waiting} is cancelled." in refused.output
