"""A model is activated by a job: one at a time, stopped and gone on with, and given up with its reason."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from server.activation import session
from server.activation.run import Activation
from server.activation.session import activation_session
from server.db.engine import Database
from server.embedding.manifest import Manifest, read_manifest
from server.embedding.registry import open_encoder
from server.errors import Conflict
from server.jobs import activating
from server.jobs.activating import find_job
from server.jobs.names import TAKE_UP_AGAIN
from server.jobs.queue import put_in, queue_activation
from server.search.query import Query
from server.services import Services, open_services
from server.staff import audit
from tests.integration.jobs.conftest import jobs, run_worker, wait_for
from tests.two_models import FILLED, PRODUCTS, active_model, ask, held, two_model_shop


@pytest.fixture
def services(migrated: Database, tmp_path: Path) -> Iterator[Services]:
    with two_model_shop(migrated, tmp_path) as opened:
        yield opened


@pytest.fixture
def other(services: Services) -> Manifest:
    return read_manifest(services.settings.models_dir / "other")


def queue(services: Services, manifest: Manifest, **options: bool) -> None:
    with services.database.connection() as connection:
        queue_activation(connection, manifest, manifest.name, "ann", **options)


def test_it_embeds_switches_and_is_written_down(services: Services, other: Manifest) -> None:
    # Another process of the shop, which has searched with the old model.
    elsewhere = open_services(services.settings, services.database)
    before = elsewhere.search.by_text("thing", Query(limit=5))
    assert before.model is not None
    assert before.model.name == "tiny"
    queue(services, other)
    run_worker(services)
    assert jobs(services.database) == []
    assert active_model(services) == "other"
    after = elsewhere.search.by_text("thing", Query(limit=PRODUCTS))
    assert after.model is not None
    assert (after.model.name, len(after.hits)) == ("other", PRODUCTS)
    with services.database.connection() as connection:
        (entry,) = audit.newest(connection, 10)
    assert (entry.actor, entry.action, entry.subject) == ("ann", "activate", "model/other")
    assert (entry.before or {})["model"] == "tiny"
    assert (entry.after or {})["digest"] == other.digest


def test_done_twice_is_as_good_as_once(services: Services, other: Manifest) -> None:
    for _ in range(2):
        queue(services, other)
        run_worker(services)
    assert jobs(services.database) == []
    assert active_model(services) == "other"
    with services.database.connection() as connection:
        assert len(audit.newest(connection, 10)) == 1


def test_one_that_waits_or_runs_is_enough(services: Services, other: Manifest) -> None:
    queue(services, other)
    tiny = read_manifest(services.settings.models_dir / "tiny")
    with pytest.raises(Conflict, match=r"Another activation is under way\. Wait for its end, or stop it\."):
        queue(services, tiny)
    with services.database.connection() as connection:
        connection.execute("DELETE FROM procrastinate_jobs")
    # One of a terminal counts too.
    with activation_session(services.database) as connection:
        connection.execute("INSERT INTO activation (model) SELECT id FROM embedding_model")
        with pytest.raises(Conflict, match="Another activation is under way"):
            queue(services, other)
    assert jobs(services.database) == []


def test_a_worker_that_ends_leaves_it_to_the_next(services: Services, other: Manifest) -> None:
    stopping = threading.Event()
    arguments = (services, "other", other.digest, "ann", False)
    with held(services, "K-007"), ThreadPoolExecutor(1) as pool:
        ended = pool.submit(activating.activate, *arguments, stopping.is_set)
        assert wait_for(lambda: ask(services, FILLED) == PRODUCTS - 1)
        stopping.set()
        with pytest.raises(activating.Interrupted, match="What was embedded is kept"):
            ended.result(20)
    assert activating.activate(*arguments, lambda: False) == "1 embedded"


def test_what_a_killed_worker_was_at_is_taken_up(services: Services, other: Manifest) -> None:
    queue(services, other)
    with services.database.connection() as connection:
        connection.execute(
            "WITH dead AS (INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '5 minutes') "
            "RETURNING id) UPDATE procrastinate_jobs SET status = 'doing', worker_id = dead.id FROM dead"
        )
        put_in(connection, TAKE_UP_AGAIN)
    run_worker(services)
    # A worker that ends when there is nothing to do may have ended before it was queued again.
    run_worker(services)
    assert active_model(services) == "other"
    assert jobs(services.database) == []


def test_beside_one_in_a_terminal_it_says_so_and_waits_for_another_try(
    services: Services, other: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "TAKE_OVER_SECONDS", 0.3)
    queue(services, other)
    with activation_session(services.database):
        run_worker(services)
    (job,) = jobs(services.database)
    assert (job.status, job.attempts) == ("todo", 1)
    assert job.scheduled_at is not None
    assert job.reason is not None
    assert job.reason.startswith("Another activation is under way. Watch it with")
    with services.database.connection() as connection:
        connection.execute("UPDATE procrastinate_jobs SET scheduled_at = now()")
    run_worker(services)
    assert active_model(services) == "other"


def test_a_terminal_is_refused_beside_the_job(
    services: Services, other: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "TAKE_OVER_SECONDS", 0.3)
    encoder = open_encoder(other, services.settings)
    queue(services, other)
    with ThreadPoolExecutor(1) as pool:
        with held(services, "K-007"):
            ended = pool.submit(run_worker, services)
            assert wait_for(lambda: ask(services, FILLED) == PRODUCTS - 1)
            with pytest.raises(Conflict, match="Another activation is under way"):
                Activation(services.database, encoder, services.images, services.settings).run()
        ended.result()
    assert active_model(services) == "other"


def lose_picture(services: Services) -> str:
    sku = "K-001"
    path = next(services.images.folder.glob(f"??/??/{ask(services, DIGEST.format(sku))}.*"))
    path.unlink()
    return sku


DIGEST = "SELECT image_sha256 FROM product WHERE sku = '{}'"


def test_a_lost_picture_gives_it_up_by_name_or_is_placed_by_its_title(services: Services, other: Manifest) -> None:
    sku = lose_picture(services)
    queue(services, other)
    run_worker(services)
    (job,) = jobs(services.database, "activate_model")
    assert (job.status, job.attempts) == ("failed", 1)
    assert job.reason is not None
    assert sku in job.reason
    with services.database.connection() as connection:
        found = find_job(connection)
    assert found is not None
    assert (found.name, found.by, found.is_under_way) == ("other", "ann", False)
    queue(services, other, lost_by_title=True)
    run_worker(services)
    assert active_model(services) == "other"
    assert jobs(services.database, "activate_model") == []


def test_a_model_that_is_gone_is_said_at_once(
    services: Services, other: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue(services, other)
    (services.settings.models_dir / "other").rename(services.settings.models_dir / ".elsewhere")
    run_worker(services)
    (job,) = jobs(services.database)
    assert (job.status, job.attempts) == ("failed", 1)
    assert job.reason is not None
    assert job.reason.startswith('The model "other" is not installed where the worker runs')


def test_a_database_that_is_away_is_tried_again(
    services: Services, other: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue(services, other)
    ends: list[Callable[[], object]] = []

    def end_session(self: Activation) -> None:
        ends.append(lambda: None)
        with activation_session(services.database) as connection:
            with services.database.connection() as killer:
                killer.execute("SELECT pg_terminate_backend(%s)", [connection.info.backend_pid])
            connection.execute("SELECT 1")

    with monkeypatch.context() as patch:
        patch.setattr(Activation, "run", end_session)
        run_worker(services)
    (job,) = jobs(services.database)
    assert (job.status, job.attempts, len(ends)) == ("todo", 1, 1)
    with services.database.connection() as connection:
        connection.execute("UPDATE procrastinate_jobs SET scheduled_at = now()")
    run_worker(services)
    assert active_model(services) == "other"
