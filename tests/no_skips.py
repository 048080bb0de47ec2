"""A plugin for continuous integration: a test that skips there has failed.

A skip says that something is missing on this machine. In continuous integration everything is installed, so a skip
would be a test that nobody runs. `.ci/run` loads it by `-p tests.no_skips`; without the variable CI it does nothing.
An expected failure (`xfail`) is not a skip.
"""

import os
from collections.abc import Generator

import pytest


def refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turn a skip's report into a failure's that keeps the reason."""
    if not os.environ.get("CI") or not report.skipped or hasattr(report, "wasxfail"):
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
    report.outcome = "failed"
    report.longrepr = f"A skip is a failure in continuous integration. {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    refuse_skip(report)
    return report
