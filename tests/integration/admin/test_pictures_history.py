"""What was done to a product's pictures is written down, whatever it was, and put back whole."""

import pytest

from server.catalog import history
from server.catalog.history import Entry
from server.errors import NotFound
from server.services import Services
from tests.integration.admin.conftest import Person
from tests.integration.admin.product_pages import add, picture, save, shown

COLOURS = ("red", "blue", "green")


@pytest.fixture
def pictures(editor: Person, services: Services) -> list[str]:
    """Digests of the pictures of M-1, as a form made them."""
    more = {f"alt:new:{number}": colour for number, colour in enumerate(COLOURS)}
    save(editor, None, [picture(colour) for colour in COLOURS], sku="M-1", title="Mug", **more)
    assert services.catalog.embed_pictures().pictures == 2
    return [sha256 for sha256, _ in shown(services, "M-1")]


def entries(services: Services) -> list[Entry]:
    with services.database.connection() as connection:
        return history.of_product(connection, "M-1")


def undo_last(editor: Person, services: Services) -> str:
    """What the page says."""
    address = f"/admin/changes/{entries(services)[0].change}/undo"
    answer = editor.send(address, "/admin/changes")
    assert answer.status_code == 302, answer.text
    return editor.get("/admin/changes").text


def test_another_first_picture_is_undone_without_losing_one(
    editor: Person, services: Services, pictures: list[str]
) -> None:
    before = shown(services, "M-1")
    red, blue, green = pictures
    save(editor, "M-1", None, **{f"place:{green}": "1", f"place:{red}": "2", f"place:{blue}": "3"})
    assert [sha256 for sha256, _ in shown(services, "M-1")] == [green, red, blue]
    assert "It is as it was before." in undo_last(editor, services)
    assert shown(services, "M-1") == before
    assert services.catalog.get("M-1").image_sha256 == red
    # The one that is a further one again gets its vector from the worker.
    services.catalog.embed_pictures()
    with services.database.connection() as connection:
        assert connection.execute("SELECT count(*) FROM picture_gaps()").fetchone() == (0,)
        found = connection.execute("SELECT sha256 FROM picture_embedding WHERE sku = 'M-1'").fetchall()
    assert {blue, green} <= {sha256 for (sha256,) in found}


@pytest.mark.parametrize("what", ["order", "text", "taken away", "added", "all"])
def test_every_change_of_pictures_is_in_the_history_and_undone(
    editor: Person, services: Services, pictures: list[str], what: str
) -> None:
    before, known = shown(services, "M-1"), len(entries(services))
    red, blue, green = pictures
    changes: dict[str, dict[str, str]] = {
        "order": {f"place:{blue}": "3", f"place:{green}": "2"},
        "text": {f"alt:{blue}": "a blue mug"},
        "taken away": {f"remove:{green}": "yes"},
        "added": {},
        "all": {f"remove:{sha256}": "yes" for sha256 in (red, blue, green)},
    }
    save(editor, "M-1", [picture("black")] if what == "added" else None, **changes[what])
    assert shown(services, "M-1") != before
    newest = entries(services)[0]
    assert len(entries(services)) == known + 1
    assert newest.before is not None
    assert [(one["sha256"], one["alt"]) for one in newest.before["pictures"]] == before
    assert "It is as it was before." in undo_last(editor, services)
    assert shown(services, "M-1") == before


def test_fields_and_pictures_are_one_change_and_undone_as_one(
    editor: Person, services: Services, pictures: list[str]
) -> None:
    before = shown(services, "M-1")
    save(editor, "M-1", [picture("black")], title="Other", **{f"remove:{pictures[1]}": "yes"})
    assert {"title", "pictures"} == (entries(services)[0].before or {}).keys()
    assert "It is as it was before." in undo_last(editor, services)
    assert (services.catalog.get("M-1").title, shown(services, "M-1")) == ("Mug", before)


def test_pictures_that_were_changed_again_since_stay(editor: Person, services: Services, pictures: list[str]) -> None:
    save(editor, "M-1", None, title="Other", **{f"alt:{pictures[1]}": "a blue mug"})
    first = entries(services)[0].change
    save(editor, "M-1", None, **{f"alt:{pictures[2]}": "a green mug"})
    now = shown(services, "M-1")
    editor.send(f"/admin/changes/{first}/undo", "/admin/changes")
    page = editor.get("/admin/changes").text
    assert "Of M-1 something was changed again since, which stays" in page
    assert "It is as it was before" not in page
    assert (services.catalog.get("M-1").title, shown(services, "M-1")) == ("Mug", now)


def test_a_form_that_leaves_the_pictures_writes_nothing_of_them(
    editor: Person, services: Services, pictures: list[str]
) -> None:
    known = len(entries(services))
    save(editor, "M-1")
    assert len(entries(services)) == known
    save(editor, "M-1", None, title="Other")
    assert entries(services)[0].before == {"title": "Mug"}


def test_a_product_without_a_first_picture_keeps_its_others(
    editor: Person, services: Services, pictures: list[str]
) -> None:
    services.catalog.acting("erp", "picture away").without_picture("M-1")
    before = shown(services, "M-1")
    assert [sha256 for sha256, _ in before] == pictures[1:]
    services.catalog.acting("erp", "picture").with_picture("M-1", picture("black"))
    assert "It is as it was before." in undo_last(editor, services)
    assert (services.catalog.get("M-1").image_sha256, shown(services, "M-1")) == (None, before)


def test_what_was_written_down_before_lists_were_loses_no_picture(
    editor: Person, services: Services, pictures: list[str]
) -> None:
    red, blue, green = pictures
    save(editor, "M-1", None, **{f"place:{green}": "1", f"place:{red}": "2", f"place:{blue}": "3"})
    with services.database.connection() as connection:
        connection.execute("UPDATE product_history SET before = before - 'pictures', after = after - 'pictures'")
    undo_last(editor, services)
    assert services.catalog.get("M-1").image_sha256 == red
    assert {sha256 for sha256, _ in shown(services, "M-1")} == set(pictures)


def test_renaming_and_deleting_write_nothing_of_pictures(
    editor: Person, services: Services, pictures: list[str]
) -> None:
    services.catalog.acting("erp", "rename").rename("M-1", "N-1")
    services.catalog.acting("erp", "delete").delete("N-1")
    with services.database.connection() as connection:
        newest, renamed, _ = history.of_product(connection, "N-1")
    assert (renamed.before, newest.after) == ({"sku": "M-1"}, None)
    assert len(pictures) == 3


def test_one_of_its_own_further_pictures_that_an_import_brings_changes_places(
    services: Services, pictures: list[str]
) -> None:
    red, blue, green = pictures
    services.catalog.with_picture("M-1", picture("green"))
    assert shown(services, "M-1") == [(green, "green"), (blue, "blue"), (red, "red")]
    # One that it did not have takes the first one's place, as it always did.
    services.catalog.with_picture("M-1", picture("black"))
    assert [sha256 for sha256, _ in shown(services, "M-1")][1:] == [blue, red]


def test_a_picture_that_cannot_be_put_back_is_named(
    editor: Person, services: Services, pictures: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    add(services, "M-2")
    save(editor, "M-1", None, **{f"remove:{pictures[0]}": "yes"})
    monkeypatch.setattr(type(services.images), "read", _lost)
    page = undo_last(editor, services)
    assert "The pictures of M-1 could not be put back." in page
    assert "It is as it was before" not in page


def _lost(*_: object) -> bytes:
    raise NotFound("This picture's file is lost.")
