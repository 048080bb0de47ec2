"""The docs keep up with the code: links lead somewhere, dependencies are justified, commands and codes are named."""

import inspect
import re
import tomllib
from pathlib import Path

import pytest

from server import errors
from server.cli import COMMANDS

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
# Told by the command line alone.
NOT_OVER_HTTP = {"feed_error", "invalid_setting", "backup_error"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_heading_has_one(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    headings = {
        re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in re.findall(r"^#+ (.*)$", text, re.M)
    }
    for anchor in re.findall(r"\]\(#([^)]+)\)", text):
        assert anchor in headings, f"{page.name} links to #{anchor}"


def test_every_dependency_is_justified() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    told = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    for requirement in project["dependencies"]:
        name = re.split(r"[<>=!~]", requirement)[0]
        assert f"| {name} |" in told, f"docs/architecture.md does not say why {name} is needed"
    for requirement in [each for extra in project["optional-dependencies"].values() for each in extra]:
        assert re.split(r"[<>=!~]", requirement)[0] in told.lower()


def test_every_command_is_named_in_the_readme() -> None:
    told = (ROOT / "README.md").read_text(encoding="utf-8") + (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    for command in COMMANDS:
        assert f"vitrine {command}" in told or f"`{command}" in told or f"make {command}" in told, command


def test_every_error_code_is_in_the_api_docs() -> None:
    told = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    for _, error in inspect.getmembers(errors, inspect.isclass):
        if issubclass(error, errors.VitrineError) and error.code not in NOT_OVER_HTTP:
            assert f"`{error.code}`" in told, error.code


def test_every_room_is_in_the_architecture() -> None:
    told = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    for room in (ROOT / "server").iterdir():
        if (room / "__init__.py").exists():
            assert f"`server/{room.name}`" in told, room.name
