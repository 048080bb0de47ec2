"""The folder in which the processes of a server keep their counters."""

import os
from pathlib import Path

import pytest

from server.cli.counters import FOLDER, VARIABLE, shared_counters
from server.errors import SettingError


def test_a_server_has_its_own_and_takes_it_along(tmp_path: Path) -> None:
    with shared_counters(tmp_path):
        first = Path(os.environ[VARIABLE])
        (first / "counter_1.db").write_bytes(b"x")
        with shared_counters(tmp_path):
            assert Path(os.environ[VARIABLE]) != first
            assert first.is_dir()
    assert VARIABLE not in os.environ
    assert [path for path in (tmp_path / FOLDER).iterdir() if path.is_dir()] == []


def test_what_a_killed_server_left_is_removed(tmp_path: Path) -> None:
    left = tmp_path / FOLDER / "left"
    left.mkdir(parents=True)
    (left / "counter_1.db").write_bytes(b"x")
    with shared_counters(tmp_path):
        assert not left.exists()


def test_a_folder_that_cannot_be_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / FOLDER).write_text("in the way")
    with pytest.raises(SettingError, match="cannot be written"), shared_counters(tmp_path):
        pass
