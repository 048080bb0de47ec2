"""The command line as a whole."""

import subprocess
import sys
from pathlib import Path

import click
import pytest

from server.cli import COMMANDS, main
from tests.integration.cli.conftest import Run


@pytest.mark.parametrize("name", list(COMMANDS))
def test_the_help_says_what_the_command_itself_says(name: str) -> None:
    command = main.get_command(click.Context(main), name)
    assert command is not None
    assert (command.help or "").startswith(COMMANDS[name][1])


def test_the_help_loads_no_command() -> None:
    code = (
        "import sys; from server.cli import main; main(['--help'], standalone_mode=False); "
        "print(sorted({'numpy', 'psycopg', 'flask', 'onnxruntime'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_an_unknown_command_is_refused(run: Run) -> None:
    result = run("sell")
    assert result.exit_code == 2
    assert "No such command 'sell'" in result.output


@pytest.mark.parametrize("arguments", [("db", "status"), ("db", "upgrade"), ("db", "shell"), ("models", "list")])
def test_a_bad_setting_is_a_sentence(run: Run, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]) -> None:
    monkeypatch.setenv("VITRINE_PORT", "eighty")
    result = run(*arguments)
    assert result.exit_code == 2
    assert "VITRINE_PORT" in result.output


def test_a_data_directory_that_cannot_be_made_is_a_sentence(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("VITRINE_DATA_DIR", str(tmp_path / "file" / "data"))
    result = run("db", "shell")
    assert result.exit_code == 2
    assert "VITRINE_DATA_DIR" in result.output
