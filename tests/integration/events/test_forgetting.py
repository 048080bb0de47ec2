"""What was searched for is erased when its time is over, and when somebody asks."""

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient

from server.cli import main
from server.jobs import tasks
from server.jobs.names import FORGET_OLD
from server.jobs.queue import put_in
from server.jobs.worker import run_worker
from server.services import Services
from tests.integration.events.conftest import Rows


@pytest.fixture
def recorded(client: FlaskClient, services: Services, searches: Rows) -> Services:
    """Searches of 0, 10 and 100 days ago, each with a click."""
    for days, text in ((0, "My Name is  Ann"), (10, "mug"), (100, "old mug")):
        answer = client.get("/api/v1/search", query_string={"q": text}).json
        click = {"search_id": answer["search_id"], "sku": "MUG", "position": 1}
        client.post("/api/v1/events/click", json=click)
        searches()
        with services.database.connection() as connection:
            asked = {"days": days, "id": answer["search_id"]}
            connection.execute(
                "UPDATE search_event SET at = now() - make_interval(days => %(days)s) WHERE id = %(id)s", asked
            )
    return services


def left(searches: Rows) -> list[str]:
    return [row["query"] for row in searches()]


@pytest.mark.parametrize(
    ("arguments", "said", "kept"),
    [
        (("--query", " my name IS ann"), "1 searches erased", ["old mug", "mug"]),
        (("--query", "name"), "0 searches erased", ["old mug", "mug", "My Name is Ann"]),
        (("--older-than", "90"), "1 searches erased", ["mug", "My Name is Ann"]),
        (("--older-than", "0"), "3 searches erased", []),
        (("--all",), "3 searches erased", []),
    ],
)
def test_the_command_erases_what_was_asked_for(
    recorded: Services,
    monkeypatch: pytest.MonkeyPatch,
    searches: Rows,
    clicks: Rows,
    arguments: tuple[str, ...],
    said: str,
    kept: list[str],
) -> None:
    monkeypatch.setenv("DATABASE_URL", recorded.database.url)
    assert said in CliRunner().invoke(main, ["search", "forget", *arguments]).output
    assert left(searches) == kept
    assert len(clicks()) == len(kept)


@pytest.mark.parametrize("arguments", [(), ("--all", "--older-than", "3"), ("--older-than", "-1")])
def test_the_command_erases_nothing_where_it_is_not_clear_what(
    recorded: Services,
    monkeypatch: pytest.MonkeyPatch,
    searches: Rows,
    arguments: tuple[str, ...],
) -> None:
    monkeypatch.setenv("DATABASE_URL", recorded.database.url)
    assert CliRunner().invoke(main, ["search", "forget", *arguments]).exit_code == 2
    assert len(searches()) == 3


@pytest.mark.parametrize(
    ("services", "kept"),
    [
        ({}, ["mug", "My Name is Ann"]),
        ({"VITRINE_SEARCH_EVENTS_DAYS": 5}, ["My Name is Ann"]),
    ],
    indirect=["services"],
)
def test_the_worker_erases_what_is_too_old(recorded: Services, searches: Rows, kept: list[str]) -> None:
    told = tasks.forget_old(SimpleNamespace(additional_context={"services": recorded}))  # type: ignore[arg-type]
    assert told.endswith(f" and {3 - len(kept)} searches forgotten")
    assert left(searches) == kept


def test_the_worker_does_it_when_the_queue_says_so(
    recorded: Services, searches: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.jobs.worker.os.nice", lambda by: None)
    monkeypatch.setattr("server.jobs.queue.App.periodic", lambda self, **_: lambda task: task)
    with recorded.database.connection() as connection:
        assert put_in(connection, FORGET_OLD)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(run_worker, recorded, wait=False).result()
    assert left(searches) == ["mug", "My Name is Ann"]
