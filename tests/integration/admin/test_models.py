"""The page of models: what there is, what another one would cost, its activation, and who may do that."""

import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from flask import Flask

from server.activation.run import Activation
from server.app import create_app
from server.db.engine import Database
from server.embedding.manifest import Manifest, read_manifest
from server.embedding.registry import open_encoder
from server.jobs import worker
from server.jobs.activating import find_job
from server.jobs.failures import list_jobs
from server.services import Services
from server.staff import accounts
from server.staff.accounts import Role
from tests.integration.admin.conftest import PASSWORD, Person
from tests.two_models import FILLED, PRODUCTS, active_model, ask, held, two_model_shop

Somebody = Callable[..., Person]
PAGE = "/admin/models"


@pytest.fixture
def services(migrated: Database, tmp_path: Path) -> Iterator[Services]:
    with two_model_shop(migrated, tmp_path) as opened:
        yield opened


@pytest.fixture
def app(services: Services) -> Flask:
    with services.database.connection() as connection:
        for role in Role:
            accounts.add_account(connection, role, role, PASSWORD, accounts.COMMAND_LINE)
    return create_app(services=services)


@pytest.fixture(autouse=True)
def quiet_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.jobs.worker.os.nice", lambda by: None)
    monkeypatch.setattr("server.jobs.queue.App.periodic", lambda self, **_: lambda task: task)


@pytest.fixture
def admin(somebody: Somebody) -> Person:
    return somebody("admin")


@pytest.fixture
def other(services: Services) -> Manifest:
    return read_manifest(services.settings.models_dir / "other")


def work(services: Services) -> None:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(worker.run_worker, services, wait=False).result()


def words(html: str) -> str:
    """What a page says, without its tags."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html))


def row_of(page: str, name: str) -> str:
    return next(row for row in page.split("<tr>") if row.startswith(f"\n<td>{name}"))


def test_it_lists_what_is_installed_and_what_each_would_cost(
    admin: Person, services: Services, other: Manifest
) -> None:
    (services.settings.models_dir / "broken").mkdir()
    page = admin.get(PAGE).text
    assert "active" in words(row_of(page, "tiny"))
    assert "Activate" not in words(row_of(page, "tiny"))
    offered = words(row_of(page, "other"))
    assert f"{PRODUCTS} products will be embedded anew." in offered
    assert "How long one takes was not measured here yet" in offered
    assert "It cannot be used." in words(row_of(page, "broken"))
    # The real one of a terminal measures; going back costs nothing but what came since.
    Activation(services.database, open_encoder(other, services.settings), services.images, services.settings).run()
    page = words(row_of(admin.get(PAGE).text, "tiny"))
    assert "previous" in page
    assert "All products have their vector of it already." in page
    with services.database.connection() as connection:
        # One that came since.
        connection.execute("UPDATE product SET title = 'Another one' WHERE sku = 'K-000'")
        connection.execute("UPDATE activation SET per_second = 250")
    page = words(row_of(admin.get(PAGE).text, "tiny"))
    assert "1 product will be embedded anew. One took 4.0 ms with other, the last model" in page


def test_a_model_is_activated_and_all_that_it_says_comes_true(
    admin: Person, services: Services, other: Manifest
) -> None:
    answer = admin.send(f"{PAGE}/activate", PAGE, digest=other.digest)
    assert answer.location == PAGE
    page = admin.get(PAGE).text
    assert "The worker is told to activate other. Shoppers search with the model in use until it is done." in page
    assert "waiting for a worker" in page
    assert "No worker was heard of" in page
    assert "Activate other" not in page
    operations = words(admin.get("/admin/").text)
    assert "activate_model waiting" in operations
    assert active_model(services) == "tiny"
    work(services)
    page = admin.get(PAGE).text
    assert "active" in words(row_of(page, "other"))
    assert "data-live" not in page
    assert admin.client.get("/api/v1/search?q=thing").get_json()["plan"]["model"].startswith("other 1 ")
    log = words(admin.get("/admin/audit").text)
    assert "admin activate model/other" in log
    assert "admin ask to activate model/other" in log
    assert "model tiny" in log


def test_progress_is_told_while_it_runs_and_stopped_it_is_kept(
    admin: Person, services: Services, other: Manifest
) -> None:
    encoder = open_encoder(other, services.settings)
    stopping = threading.Event()
    activation = Activation(services.database, encoder, services.images, services.settings, is_stopping=stopping.is_set)
    with held(services, "K-007"), ThreadPoolExecutor(1) as pool:
        ended = pool.submit(activation.run)
        while ask(services, FILLED) != PRODUCTS - 1:
            assert not ended.done()
        answer = admin.get(f"{PAGE}/live")
        told = words(answer.text)
        assert f"{PRODUCTS - 1} of {PRODUCTS}" in told
        assert "95%" in told
        assert "It was begun in a terminal." in told
        assert "X-Vitrine-Over" not in answer.headers
        # Nothing is queued beside it, and what was begun in a terminal is not ended here.
        admin.send(f"{PAGE}/activate", PAGE, digest=other.digest)
        assert "Another activation is under way." in admin.get(PAGE).text
        assert admin.send(f"{PAGE}/stop", PAGE).status_code == 409
        stopping.set()
        assert ended.exception(20) is not None
    answer = admin.get(f"{PAGE}/live")
    assert "X-Vitrine-Over" in answer.headers
    assert f"The activation of other was stopped: {PRODUCTS - 1} of {PRODUCTS} vectors made." in answer.text
    tiny = read_manifest(services.settings.models_dir / "tiny")
    assert "Give up other" in admin.get(PAGE).text
    admin.send(f"{PAGE}/activate", PAGE, digest=tiny.digest)
    work(services)
    assert ask(services, "SELECT phase FROM activation") == "left"
    assert "was stopped" not in admin.get(PAGE).text
    assert "give up" in admin.get("/admin/audit").text


def test_one_that_waits_is_stopped(admin: Person, services: Services, other: Manifest) -> None:
    admin.send(f"{PAGE}/activate", PAGE, digest=other.digest)
    assert "Stop it" in admin.get(PAGE).text
    admin.send(f"{PAGE}/stop", PAGE)
    assert "What was embedded is kept" in admin.get(PAGE).text
    work(services)
    assert active_model(services) == "tiny"
    assert "stop activating" in admin.get("/admin/audit").text


def test_a_failure_is_told_with_its_reason_and_tried_again(admin: Person, services: Services, other: Manifest) -> None:
    lost = next(services.images.folder.glob(f"??/??/{ask(services, DIGEST)}.*"))
    data = lost.read_bytes()
    lost.unlink()
    admin.send(f"{PAGE}/activate", PAGE, digest=other.digest)
    work(services)
    page = admin.get(PAGE).text
    assert "The activation of other was given up. The pictures of 1 products cannot be read (K-001)" in page
    assert "is the box at each model below" in page
    assert "given up" in admin.get("/admin/").text
    lost.write_bytes(data)
    admin.send(f"{PAGE}/activate", PAGE, digest=other.digest)
    work(services)
    assert active_model(services) == "other"
    assert "given up" not in words(admin.get(PAGE).text)


DIGEST = "SELECT image_sha256 FROM product WHERE sku = 'K-001'"


def test_what_keeps_a_model_from_being_activated_is_said_at_once(
    admin: Person, services: Services, other: Manifest
) -> None:
    with services.database.connection() as connection:
        connection.execute("CREATE MATERIALIZED VIEW mine AS SELECT embedding FROM product")
    admin.send(f"{PAGE}/activate", PAGE, digest=other.digest)
    assert "The materialized view public.mine holds vectors of the active model." in admin.get(PAGE).text
    tiny = read_manifest(services.settings.models_dir / "tiny")
    admin.send(f"{PAGE}/activate", PAGE, digest=tiny.digest)
    assert "tiny is the active model already." in admin.get(PAGE).text
    assert admin.send(f"{PAGE}/activate", PAGE, digest="0" * 64).status_code == 404
    with services.database.connection() as connection:
        assert find_job(connection) is None


def test_an_editor_sees_its_job_and_leaves_it_alone(
    somebody: Somebody, admin: Person, services: Services, other: Manifest
) -> None:
    admin.send(f"{PAGE}/activate", PAGE, digest=other.digest)
    editor = somebody("editor")
    with services.database.connection() as connection:
        (job,) = list_jobs(connection)
    page = editor.get("/admin/").text
    assert "activate_model" in page
    assert f"/admin/jobs/{job.id}/cancel" not in page
    answer = editor.send(f"/admin/jobs/{job.id}/cancel")
    assert (answer.status_code, "This takes the role admin" in answer.text) == (403, True)
    assert f"/admin/jobs/{job.id}/cancel" in admin.get("/admin/").text
    admin.send(f"/admin/jobs/{job.id}/cancel")
    assert f"Job {job.id} is cancelled." in admin.get("/admin/").text
