"""Files that come in parts: they go on after a broken connection, stay in their folder, are no more than announced."""

from pathlib import Path

import pytest

from server.catalog.product import ProductInput
from server.errors import VitrineError
from server.imports import store
from server.services import Services
from tests.integration.admin.conftest import Person
from tests.integration.admin.import_pages import GOOD, begin, find, picture, put, start, titles, upload
from tests.integration.jobs.test_worker import run_worker

PATHS = [
    "../evil.csv",
    "/etc/passwd",
    "a/../../b.csv",
    "..\\evil.csv",
    "C:\\evil.csv",
    "a\0b.csv",
    "",
    "a\nb.csv",
    "x" * 300,
]


@pytest.fixture(autouse=True)
def as_nice_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.jobs.worker.os.nice", lambda by: None)
    monkeypatch.setattr("server.jobs.queue.App.periodic", lambda self, **_: lambda task: task)


def test_a_file_comes_in_parts_and_goes_on_after_a_broken_connection(editor: Person, services: Services) -> None:
    data = GOOD.encode()
    run = begin(editor, ["catalogue.csv"], len(data)).get_json()["run"]
    assert put(editor, run, "catalogue.csv", 0, data[:10]).get_json() == {"received": 10}
    early = editor.send_json(f"/admin/imports/{run}/uploaded", "/admin/imports", {})
    assert early.status_code == 409
    assert "10 of 45 bytes are here" in early.get_json()["error"]["message"]
    assert "choose the same files again" in editor.get(f"/admin/imports/{run}").text
    # The answer to the first part was lost, so it is sent again.
    twice = put(editor, run, "catalogue.csv", 0, data[:10])
    assert (twice.status_code, twice.headers["X-Received"]) == (409, "10")
    assert editor.get(f"/admin/imports/{run}/received").get_json()["files"] == {"catalogue.csv": 10}
    put(editor, run, "catalogue.csv", 10, data[10:])
    assert editor.send_json(f"/admin/imports/{run}/uploaded", "/admin/imports", {}).status_code == 200
    assert put(editor, run, "catalogue.csv", len(data), b"more").status_code == 409
    start(editor, run)
    run_worker(services)
    assert set(titles(services.database)) == {"A-1", "A-2"}


def test_no_more_comes_than_was_announced(editor: Person) -> None:
    run = begin(editor, ["a.csv"], 10).get_json()["run"]
    answer = put(editor, run, "a.csv", 0, b"x" * 11)
    assert answer.status_code == 422
    assert "more of the file than was announced" in answer.get_json()["error"]["message"]


@pytest.mark.parametrize("path", PATHS)
def test_a_file_stays_in_its_folder(editor: Person, services: Services, path: str) -> None:
    assert begin(editor, [path], 1).status_code == 422
    run = begin(editor, ["fine.csv"], 1).get_json()["run"]
    assert put(editor, run, path, 0, b"x").status_code == 422
    root = services.settings.data_dir / "uploads"
    assert list(services.settings.data_dir.rglob("*evil*")) == []
    assert not any(root.glob("*/source/*"))


def test_a_picture_path_in_a_feed_stays_in_the_folder_too(editor: Person, services: Services) -> None:
    (services.settings.data_dir / "uploads").mkdir(parents=True)
    (services.settings.data_dir / "uploads" / "secret.png").write_bytes(picture())
    run = upload(editor, ("f.csv", b"sku,title,image\nA-1,Mug,../../secret.png\n"))
    start(editor, run)
    run_worker(services)
    assert find(services, run).report["refused"] == 1
    assert titles(services.database) == {}


def test_an_import_is_deleted_with_its_file_and_its_products_stay(editor: Person, services: Services) -> None:
    run = upload(editor, ("catalogue.csv", GOOD.encode()))
    start(editor, run)
    assert editor.send(f"/admin/imports/{run}/delete").status_code == 409
    run_worker(services)
    assert editor.send(f"/admin/imports/{run}/delete").status_code == 302
    assert editor.get(f"/admin/imports/{run}").status_code == 404
    assert not (services.settings.data_dir / "uploads" / str(run)).exists()
    assert len(titles(services.database)) == 2


def test_a_full_disk_is_said(editor: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "RESERVE_BYTES", 1 << 60)
    run = begin(editor, ["a.csv"], 10).get_json()["run"]
    answer = put(editor, run, "a.csv", 0, b"0123456789")
    assert answer.status_code >= 500
    assert "nearly full" in answer.get_json()["error"]["message"]


def test_two_tabs_do_not_mix_their_parts(tmp_path: Path) -> None:
    here = store.UploadStore(tmp_path)
    tmp_path.mkdir(exist_ok=True)
    here.receive(1, "a.csv", 0, [b"abc"], 10)
    with pytest.raises(store.WrongOffset) as caught:
        here.receive(1, "a.csv", 0, [b"abc"], 10)
    assert caught.value.received == 3
    assert isinstance(caught.value, VitrineError)


def test_what_an_earlier_import_of_this_number_left_is_not_gone_on_with(editor: Person, services: Services) -> None:
    left = services.settings.data_dir / "uploads" / "1" / "source" / "catalogue.csv"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"sku,title\nOLD,Old\n" * 10)
    data = GOOD.encode()
    run = begin(editor, ["catalogue.csv"], len(data)).get_json()["run"]
    assert run == 1
    assert put(editor, run, "catalogue.csv", 0, data).get_json() == {"received": len(data)}


def test_all_files_together_are_limited(editor: Person) -> None:
    run = begin(editor, ["a.csv", "b.csv"], 10).get_json()["run"]
    assert put(editor, run, "a.csv", 0, b"x" * 8).status_code == 200
    assert put(editor, run, "b.csv", 0, b"x" * 8).status_code == 422


def test_what_a_whole_catalogue_hides_is_shown_before_it_is_hidden(editor: Person, services: Services) -> None:
    services.catalog.put(ProductInput(sku="OLD", title="Old mug"))
    run = upload(editor, ("catalogue.csv", GOOD.encode()))
    start(editor, run, whole="yes")
    run_worker(services)
    assert find(services, run).dry_run
    assert set(titles(services.database)) == {"OLD"}
    page = editor.get(f"/admin/imports/{run}").text
    assert "1 products that are not in the file would be hidden" in page
    start(editor, run, whole="yes")
    run_worker(services)
    assert set(titles(services.database)) == {"A-1", "A-2"}
