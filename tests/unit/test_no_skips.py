"""The plugin that turns skips into failures, tried on a small test suite of its own."""

import os
import subprocess
import sys
from pathlib import Path

SUITE = """
import pytest

def test_passes(): pass

@pytest.mark.skip(reason="no browser here")
def test_skips_by_mark(): pass

def test_skips_in_the_body(): pytest.skip("no model here")

@pytest.mark.xfail(reason="known", strict=True)
def test_is_expected_to_fail(): assert False
"""


def run_suite(folder: Path, ci: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_suite.py").write_text(SUITE)
    (folder / "test_whole_module.py").write_text("import pytest\npytest.importorskip('no_such_module_here')\n")
    root = Path(__file__).parents[2]
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.no_skips", "-p", "no:cacheprovider", "-rs", str(folder)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(root), "CI": ci},
        capture_output=True,
        text=True,
        check=False,
    )


def test_skips_fail_in_continuous_integration_and_say_why(tmp_path: Path) -> None:
    done = run_suite(tmp_path, ci="true")
    assert done.returncode != 0
    assert "no_such_module_here" in done.stdout
    assert "1 error" in done.stdout


def test_skips_of_single_tests_fail_and_an_expected_failure_does_not(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text("collect_ignore = ['test_whole_module.py']\n")
    done = run_suite(tmp_path, ci="true")
    # A skip by a mark happens before the test runs, which pytest counts as an error.
    assert "1 failed, 1 passed, 1 xfailed, 1 error" in done.stdout
    assert "no browser here" in done.stdout
    assert "no model here" in done.stdout


def test_skips_stay_skips_elsewhere(tmp_path: Path) -> None:
    done = run_suite(tmp_path, ci="")
    assert done.returncode == 0, done.stdout
    assert "1 passed, 3 skipped, 1 xfailed" in done.stdout
