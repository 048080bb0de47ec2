"""`vitrine models activate` and `rollback` as a person calls them."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from server.activation import run as activation_run
from server.cli import serve
from server.db import migrate
from server.db.engine import Database
from server.errors import VitrineError
from tests.factories import add_model, add_product
from tests.integration.cli.conftest import Run
from tests.tiny_model import DIMENSION, write_tiny_model

PRODUCTS = 70


@pytest.fixture
def stocked(run: Run, shop: Database, tiny_model: Path, tmp_path: Path) -> Database:
    """A shop of titles embedded by `tiny`; `other` is installed beside it."""
    write_tiny_model(tiny_model.with_name("other"), name="other", text={"context_length": 8})
    feed = tmp_path / "feed.csv"
    feed.write_text("sku,title,price\n" + "".join(f"A-{n:02},Thing {n},5\n" for n in range(PRODUCTS)), encoding="utf-8")
    assert run("import", str(feed)).exit_code == 0
    return shop


def test_a_model_is_activated_and_rolled_back(run: Run, stocked: Database) -> None:
    done = run("models", "activate", "other")
    assert done.exit_code == 0
    assert "other (1) is active. 70 products embedded" in done.output
    assert "The vectors of tiny are kept: `vitrine models rollback` goes back." in done.output
    assert json.loads(run("search", "thing", "--json").stdout)["plan"]["model"].startswith("other 1 (")
    back = run("models", "rollback")
    assert back.exit_code == 0
    assert "tiny (1) is active. 0 products embedded" in back.output
    assert json.loads(run("search", "thing", "--json").stdout)["plan"]["model"].startswith("tiny 1 (")


def test_the_summary_is_there_as_json(run: Run, stocked: Database) -> None:
    told = json.loads(run("models", "activate", "other", "--json").stdout)
    assert (told["name"], told["previous"], told["filled"], told["products"]) == ("other", "tiny", PRODUCTS, PRODUCTS)
    assert set(told["seconds"]) == {"fill", "index", "switch", "locked"}
    again = run("models", "activate", "other")
    assert (again.exit_code, again.stdout) == (0, "other (1) is the active model already.\n")


def test_a_model_that_bears_another_name_than_its_folder_is_called_by_its_folder(
    run: Run, stocked: Database, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tiny_model(tiny_model.with_name("folder"), name="inner", text={"context_length": 9})
    with monkeypatch.context() as patch:
        patch.setattr(activation_run, "switch", interrupted)
        assert run("models", "activate", "folder").exit_code == 130
    status = run("models", "activate", "--status").output
    assert "The activation of folder (inner 1) was interrupted" in status
    assert "`vitrine models activate folder`" in status
    assert "folder (inner 1) is active. 0 products" in run("models", "activate", "folder").output
    assert "The vectors of folder are kept: `vitrine models rollback`" in run("models", "activate", "tiny").output


def test_a_database_of_another_dimension_is_told_the_folder_to_activate(
    run: Run, empty: Database, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate.upgrade(empty, 99)
    elsewhere = write_tiny_model(tmp_path / "elsewhere", name="inner")
    feed = tmp_path / "feed.csv"
    feed.write_text("sku,title,price\nB-1,First,5\n", encoding="utf-8")
    monkeypatch.setenv("VITRINE_MODEL", str(elsewhere))
    assert "`vitrine models activate elsewhere`" in run("import", str(feed)).output
    assert run("models", "activate", "elsewhere").exit_code == 0


def test_the_settings_model_gives_way_and_serve_says_so(run: Run, stocked: Database, tmp_path: Path) -> None:
    assert run("models", "activate", "other").exit_code == 0
    feed = tmp_path / "more.csv"
    feed.write_text("sku,title,price\nB-1,Later,5\n", encoding="utf-8")
    done = run("import", str(feed))
    assert done.exit_code == 0
    assert "The products were embedded by other (1), which is used. VITRINE_MODEL names tiny" in done.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("models", "activate", "absent"), 'No model "absent" is installed. There are: default, other, tiny.'),
        (("models", "activate"), "Give the NAME of an installed model"),
        (("models", "rollback"), "There is no previous model to go back to."),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    run: Run, stocked: Database, arguments: tuple[str, ...], said: str
) -> None:
    refused = run(*arguments)
    assert refused.exit_code == 2
    assert said in refused.output


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt


def test_ctrl_c_leaves_what_can_go_on(run: Run, stocked: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(activation_run, "switch", interrupted)
    stopped = run("models", "activate", "other")
    assert stopped.exit_code == 130
    assert "run the same command again to go on" in stopped.output
    status = run("models", "activate", "--status")
    assert "The activation of other (1) was interrupted: about to switch. Run it again" in status.output
    report = json.loads(run("doctor", "--json").output)
    findings = {finding["check"]: finding for finding in report["checks"]}
    assert report["healthy"]
    assert findings["activation"]["status"] == "warning"
    left = run("models", "activate", "tiny", "--background")
    assert left.stdout == "tiny (1) is the active model already. The activation of other is given up.\n"
    assert "of other (1), was given up." in run("models", "activate", "--status").output
    monkeypatch.undo()


def test_an_active_model_that_is_gone_can_be_replaced(run: Run, shop: Database, tiny_model: Path) -> None:
    with shop.connection() as connection:
        model = add_model(connection, name="gone", digest="gone", dimension=DIMENSION)
        add_product(connection, "A-1", embedding=[1.0] + [0.0] * (DIMENSION - 1), embedding_model=model)
    assert "the model gone (1), which is not installed here" in run("search", "thing").output
    assert run("models", "activate", "tiny").exit_code == 0
    assert "A-1" in run("search", "thing").output


@pytest.fixture
def shop_of_the_first_release(empty: Database, tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> Database:
    """At the first revision, embedded by a bundled model whose digest nothing that is installed has."""
    to = migrate.command.upgrade
    with monkeypatch.context() as patch:
        patch.setattr(migrate.command, "upgrade", lambda config, revision: to(config, "0001"))
        migrate.upgrade(empty, DIMENSION)
    with empty.connection() as connection:
        model = add_model(connection, name="vitrine-small", digest="old formula", dimension=DIMENSION)
        for sku in ("A-1", "A-2"):
            embedding = [1.0] + [0.0] * (DIMENSION - 1)
            add_product(connection, sku, title=f"Thing {sku}", embedding=embedding, embedding_model=model)
    return empty


def test_a_shop_of_the_first_release_comes_over_by_one_command(
    run: Run, shop_of_the_first_release: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("db", "upgrade").exit_code == 0
    feed = tmp_path / "feed.csv"
    feed.write_text("sku,title,price\nB-1,First,5\n", encoding="utf-8")
    served: list[str] = []
    monkeypatch.setattr(serve, "run_server", lambda *given: served.append("shop"))
    sentence = "model vitrine-small (1), which is not installed here. Run `vitrine models activate tiny`"
    for command in (("search", "thing"), ("import", str(feed)), ("doctor",), ("serve",)):
        assert sentence in " ".join(run(*command).output.split())
    # The shop is open for all that needs no model.
    assert served == ["shop"]
    done = run("models", "activate", "tiny")
    assert (done.exit_code, "2 products embedded" in done.output) == (0, True)
    assert "A-1" in run("search", "thing").output
    assert run("import", str(feed)).exit_code == 0
    assert "model vitrine-small (1), which is not installed here" in run("models", "rollback").output


def test_a_model_that_is_not_there_is_no_way_on(
    run: Run, shop: Database, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with shop.connection() as connection:
        model = add_model(connection, name="gone", digest="gone", dimension=DIMENSION)
        add_product(connection, "A-1", embedding=[1.0] + [0.0] * (DIMENSION - 1), embedding_model=model)
    monkeypatch.setenv("VITRINE_MODEL", "absent")
    assert "Run `vitrine models activate default`" in " ".join(run("search", "thing").output.split())


def test_a_database_made_for_another_dimension_is_changed_while_it_is_empty(
    run: Run, empty: Database, tiny_model: Path, tmp_path: Path
) -> None:
    migrate.upgrade(empty, 99)
    feed = tmp_path / "feed.csv"
    feed.write_text("sku,title,price\nB-1,First,5\n", encoding="utf-8")
    assert "`vitrine models activate tiny`" in run("import", str(feed)).output
    assert run("models", "activate", "tiny").exit_code == 0
    assert run("import", str(feed)).exit_code == 0


def test_the_smallest_pool_is_enough(
    run: Run, empty: Database, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VITRINE_POOL_SIZE", "1")
    feed = tiny_model.with_name("feed.csv")
    feed.write_text("sku,title,price\nB-1,First,5\n", encoding="utf-8")
    assert run("db", "upgrade").exit_code == 0
    assert run("import", str(feed)).exit_code == 0
    write_tiny_model(tiny_model.with_name("other"), name="other", text={"context_length": 8})
    assert run("models", "activate", "other").exit_code == 0
    assert "B-1" in run("search", "first").output


def test_the_log_of_the_background_gets_its_folder(
    run: Run, stocked: Database, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def begin(*_: object, **__: object) -> None:
        raise VitrineError("That would be begun.")

    # The database is elsewhere and the model at a path, so that nothing has made the folder yet.
    monkeypatch.setenv("VITRINE_DATA_DIR", str(data_dir / "new"))
    monkeypatch.setenv("VITRINE_MODEL", str(data_dir / "models" / "other"))
    monkeypatch.setattr(subprocess, "Popen", begin)
    refused = run("models", "activate", str(data_dir / "models" / "other"), "--background")
    assert "That would be begun." in refused.output
    assert (data_dir / "new" / "activation.log").is_file()


@pytest.fixture
def environment(data_dir: Path, stocked: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What the process in the background inherits; it is ended with the test, should it still run."""
    monkeypatch.setenv("VITRINE_MODEL", "tiny")
    yield
    with stocked.connection() as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name LIKE 'vitrine activate%' AND datname = current_database()"
        )


# The process is meant to outlive the command that started it.
@pytest.mark.filterwarnings("ignore:subprocess [0-9]+ is still running:ResourceWarning")
@pytest.mark.usefixtures("environment")
def test_in_the_background_it_can_be_watched(run: Run, data_dir: Path) -> None:
    begun = run("models", "activate", "other", "--background")
    assert begun.exit_code == 0, begun.output
    assert "Activating other in the background" in begun.output
    process = int(begun.output.split("(process ")[1].split(")")[0])
    try:
        assert run("models", "activate", "--status", "--watch").exit_code == 0
        deadline = time.monotonic() + 60
        while "is done" not in run("models", "activate", "--status").output and time.monotonic() < deadline:
            time.sleep(0.1)
        told = json.loads(run("models", "activate", "--status", "--json").stdout)
        assert (told["activation"]["phase"], told["activation"]["filled"]) == ("done", PRODUCTS)
        # One that was quicker than the command that started it was waited for there.
        with suppress(ChildProcessError):
            os.waitpid(process, 0)
        assert "other (1) is active." in (data_dir / "activation.log").read_text(encoding="utf-8")
    except BaseException:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
        raise


@pytest.mark.filterwarnings("ignore:subprocess [0-9]+ is still running:ResourceWarning")
@pytest.mark.usefixtures("environment")
def test_a_rollback_goes_into_the_background_too_and_both_say_so_as_json(run: Run, data_dir: Path) -> None:
    for arguments, name in ((("activate", "other"), "other"), (("rollback",), "tiny")):
        begun = run("models", *arguments, "--background", "--json")
        assert begun.exit_code == 0, begun.output
        told = json.loads(begun.stdout)
        assert (told["name"], told["log"]) == (name, str(data_dir / "activation.log"))
        with suppress(ChildProcessError):
            os.waitpid(told["process"], 0)
        assert f"{name} (1) is active." in (data_dir / "activation.log").read_text(encoding="utf-8")
