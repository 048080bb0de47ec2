"""The worker makes thumbnails ahead, notes once what cannot be made, and takes away what nobody shows."""

import itertools
import os
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from server.catalog import gallery, thumbnails
from server.catalog.image_store import THUMBNAIL_WIDTHS
from server.catalog.images import digest
from server.catalog.product import ProductInput
from server.db.engine import Database
from server.errors import NotFound, StorageUnavailable
from server.jobs.failures import retry
from server.jobs.names import MAKE_THUMBNAILS, TIDY_THUMBNAILS
from server.jobs.queue import put_in
from server.jobs.worker import GapListener
from server.services import Services
from tests.factories import add_image, noise
from tests.integration.jobs.conftest import jobs, run_worker, wait_for


def store(services: Services, *skus: str) -> list[Path]:
    """Products with a picture each, and where the pictures lie."""
    pictures = [noise(number, (900, 700)) for number in range(len(skus))]
    records = [
        (ProductInput(sku=sku, title="Mug", currency="USD"), data) for sku, data in zip(skus, pictures, strict=True)
    ]
    services.catalog.upsert_many(records)
    return [services.images.path(digest(data), "image/png") for data in pictures]


def made(services: Services, original: Path) -> set[int]:
    """Widths of the thumbnails that a picture has."""
    folder = services.images.thumbnail_folder
    return {int(path.relative_to(folder).parts[0]) for path in folder.rglob(f"{original.stem}.webp")}


def run(services: Services, task: str = MAKE_THUMBNAILS) -> None:
    with services.database.connection() as connection:
        put_in(connection, task)
    run_worker(services)


def failed(database: Database) -> list[str]:
    return [job.reason or "" for job in jobs(database, "thumbnails_of") if job.status == "failed"]


def test_pictures_of_imports_and_forms_get_all_sizes(services: Services) -> None:
    originals = store(services, "P-1", "P-2")
    with services.database.connection() as connection:
        other = gallery.store_picture(connection, noise(7), services.images, services.settings)
    originals.append(services.images.path(other, "image/png"))
    assert [made(services, one) for one in originals] == [set()] * 3
    run(services)
    assert [made(services, one) for one in originals] == [set(THUMBNAIL_WIDTHS)] * 3
    assert jobs(services.database) == []


def test_they_are_what_the_first_use_would_make(services: Services) -> None:
    (original,) = store(services, "P-1")
    run(services)
    for width in THUMBNAIL_WIDTHS:
        path = services.images.thumbnail(original.stem, "image/png", width)
        with Image.open(path) as image:
            assert (image.format, image.size) == ("WEBP", (width, round(width * 700 / 900)))


def test_what_is_there_stays_and_what_was_lost_is_made_at_its_first_use(services: Services) -> None:
    (original,) = store(services, "P-1")
    there = services.images.thumbnail(original.stem, "image/png", 96)
    before = there.stat().st_mtime_ns
    run(services)
    assert there.stat().st_mtime_ns == before
    there.unlink()
    assert services.images.thumbnail(original.stem, "image/png", 96).is_file()


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:900]), "The picture is damaged or cut short."),
        (lambda path: path.unlink(), "The picture's file is not there."),
    ],
)
def test_a_picture_that_cannot_be_read_is_noted_once(services: Services, spoil: object, reason: str) -> None:
    first, second = store(services, "P-1", "P-2")
    assert callable(spoil)
    spoil(first)
    for _ in range(3):
        run(services)
    assert [said.startswith(f"Picture of P-1: {reason} ") for said in failed(services.database)] == [True]
    assert made(services, second) == set(THUMBNAIL_WIDTHS)
    # Nothing is queued again by itself.
    assert [job.status for job in jobs(services.database)] == ["failed"]


def test_tried_again_it_fails_with_its_reason_or_is_mended(services: Services) -> None:
    (original,) = store(services, "P-1")
    data = original.read_bytes()
    original.unlink()
    run(services)

    def try_again() -> None:
        with services.database.connection() as connection:
            retry(connection, jobs(services.database, "thumbnails_of")[0].id)
        run_worker(services)

    try_again()
    (said,) = failed(services.database)
    assert said.startswith("Picture of P-1: The picture's file is not there.")
    original.write_bytes(data)
    try_again()
    assert made(services, original) == set(THUMBNAIL_WIDTHS)
    assert jobs(services.database) == []


def test_an_import_that_brings_a_lost_picture_back_settles_it(services: Services) -> None:
    (original,) = store(services, "P-1")
    original.unlink()
    run(services)
    assert len(failed(services.database)) == 1
    store(services, "P-1")
    run(services)
    assert made(services, original) == set(THUMBNAIL_WIDTHS)
    assert jobs(services.database) == []


def test_a_picture_that_an_import_brings_back_while_it_is_looked_for_has_no_problem(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    (original,) = store(services, "P-1")
    original.unlink()
    look, looks = thumbnails._make, itertools.count()

    def looked_too_early(*of: Any) -> Any:
        problem = look(*of)
        if next(looks) == 0:
            assert isinstance(problem, NotFound)
            store(services, "P-1")
        return problem

    monkeypatch.setattr(thumbnails, "_make", looked_too_early)
    run(services)
    assert made(services, original) == set(THUMBNAIL_WIDTHS)
    assert jobs(services.database) == []


def test_an_import_that_brings_a_picture_back_while_its_loss_is_noted_has_it_made(services: Services) -> None:
    database = services.database
    (original,) = store(services, "P-1")
    original.unlink()
    with ThreadPoolExecutor(1) as pool:
        imports: list[Future[list[Path]]] = []

        def is_waiting() -> bool:
            with database.connection() as connection:
                row = connection.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)").fetchone()
            return row == (True,)

        def noted(*_: object) -> None:
            imports.append(pool.submit(store, services, "P-1"))
            assert wait_for(lambda: is_waiting() or imports[0].done())

        turns = iter([True, False])
        told = thumbnails.Told(noted, lambda *_: None)
        assert thumbnails.make_missing(database, services.images, told, lambda: next(turns)).unreadable == 1
        assert imports[0].result(20) == [original]
    told = thumbnails.Told(lambda *_: None, lambda *_: None)
    assert thumbnails.make_missing(database, services.images, told).pictures == 1
    assert made(services, original) == set(THUMBNAIL_WIDTHS)


def test_a_folder_that_is_gone_is_one_failure_and_not_one_of_each_picture(services: Services, tmp_path: Path) -> None:
    store(services, *(f"P-{number:02}" for number in range(thumbnails.BATCH + 4)))
    services.images.folder.rename(tmp_path / "elsewhere")
    run(services)
    (job,) = jobs(services.database)
    assert (job.task, job.status, job.attempts) == ("make_thumbnails", "todo", 1)
    assert job.reason is not None
    assert job.reason.startswith(f"None of {thumbnails.BATCH} pictures has its file in ")
    (tmp_path / "elsewhere").rename(services.images.folder)
    with services.database.connection() as connection:
        connection.execute("UPDATE procrastinate_jobs SET scheduled_at = now()")
    run_worker(services)
    assert jobs(services.database) == []


def test_a_disk_that_takes_nothing_is_told_and_tried_again(services: Services) -> None:
    (original,) = store(services, "P-1")
    in_the_way = services.images.thumbnail_folder
    in_the_way.write_bytes(b"")
    run(services)
    (job,) = jobs(services.database)
    assert (job.task, job.status) == ("make_thumbnails", "todo")
    assert job.reason == f"A thumbnail cannot be stored in {services.images.folder}: Not a directory."
    with pytest.raises(StorageUnavailable):
        services.images.thumbnail(original.stem, "image/png", 96)
    in_the_way.unlink()
    assert services.images.thumbnail(original.stem, "image/png", 96).is_file()


def test_it_steps_aside_while_an_import_runs(services: Services) -> None:
    store(services, "P-1")
    told = thumbnails.Told(lambda *_: None, lambda *_: None)
    rests: list[float] = []
    with services.database.connection() as connection:
        connection.execute("INSERT INTO import_run (name, bytes, made_by, state) VALUES ('x', 1, 'ann', 'running')")
    assert thumbnails.make_missing(services.database, services.images, told, rest=rests.append).pictures == 1
    with services.database.connection() as connection:
        connection.execute("UPDATE import_run SET state = 'done'")
        connection.execute("UPDATE image SET thumbnails_at = NULL")
    assert thumbnails.make_missing(services.database, services.images, told, rest=rests.append).pictures == 1
    assert len(rests) == 1


def test_the_database_tells_of_a_picture_whoever_stores_it(database: Database) -> None:
    listener = GapListener(database)
    listener.start()
    try:
        assert wait_for(lambda: len(jobs(database, "make_thumbnails")) == 1)
        with database.connection() as connection:
            connection.execute("DELETE FROM procrastinate_jobs")
            add_image(connection, "a" * 64)
        assert wait_for(lambda: len(jobs(database, "make_thumbnails")) == 1)
        with database.connection() as connection:
            connection.execute("DELETE FROM procrastinate_jobs")
            # What a worker notes is no news.
            connection.execute("UPDATE image SET thumbnails_at = now()")
            add_image(connection, "a" * 64)
        time.sleep(0.3)
        assert jobs(database, "make_thumbnails") == []
    finally:
        listener.stop()


def test_two_of_these_jobs_do_not_run_beside_each_other(services: Services) -> None:
    store(services, "P-1")
    with services.database.connection() as connection:
        put_in(connection, MAKE_THUMBNAILS)
        # A worker is at it, and was heard of just now.
        connection.execute(
            "WITH busy AS (INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now()) RETURNING id) "
            "UPDATE procrastinate_jobs SET status = 'doing', worker_id = busy.id FROM busy"
        )
        assert put_in(connection, MAKE_THUMBNAILS)
    run_worker(services)
    assert sorted(job.status for job in jobs(services.database, "make_thumbnails")) == ["doing", "todo"]


def test_thumbnails_whose_picture_is_gone_are_taken_away(services: Services) -> None:
    gone, kept, lost = store(services, "P-1", "P-2", "P-3")
    run(services)
    young, old = (services.images.thumbnail_folder / "96" / gone.stem[:2] / name for name in (".young", ".old"))
    for draft in (young, old):
        draft.touch()
    os.utime(old, (0, 0))
    with services.database.connection() as connection:
        connection.execute("DELETE FROM product WHERE sku = 'P-1'")
        connection.execute("DELETE FROM image WHERE sha256 = %s", [gone.stem])
    # What is left of a picture whose file is lost is all that shoppers see.
    lost.unlink()
    run(services, TIDY_THUMBNAILS)
    assert [made(services, one) for one in (gone, kept, lost)] == [set(), set(THUMBNAIL_WIDTHS), set(THUMBNAIL_WIDTHS)]
    assert (young.exists(), old.exists()) == (True, False)
    with pytest.raises(NotFound):
        services.images.make_thumbnails("0" * 64, "image/png")


def test_a_failure_is_forgotten_with_the_last_product_that_shows_the_picture(services: Services) -> None:
    (original,) = store(services, "P-1")
    original.unlink()
    run(services)
    run(services, TIDY_THUMBNAILS)
    assert len(failed(services.database)) == 1
    with services.database.connection() as connection:
        connection.execute("DELETE FROM product")
    run(services, TIDY_THUMBNAILS)
    assert jobs(services.database) == []
