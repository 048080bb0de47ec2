"""docs/importing.md keeps up with the code."""

import re
from pathlib import Path

import pytest

from server.catalog.feeds.base import ERROR_COLUMNS
from server.catalog.feeds.columns import SYNONYMS
from server.catalog.feeds.opening import FEED_SUFFIXES
from server.catalog.values import STATUSES
from server.cli.import_ import import_command

PAGE = (Path(__file__).parents[3] / "docs" / "importing.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("field", SYNONYMS)
def test_every_known_name_of_a_column_is_documented_in_its_order(field: str) -> None:
    row = re.search(rf"^\| `{field}` \| (.+) \|$", PAGE.split("## Columns")[1], re.MULTILINE)
    assert row is not None
    assert row.group(1) == ", ".join(SYNONYMS[field])


def test_every_option_suffix_status_and_error_column_is_documented() -> None:
    options = [option for parameter in import_command.params for option in parameter.opts if option.startswith("--")]
    words = [*options, *FEED_SUFFIXES, *STATUSES, *(set(ERROR_COLUMNS) - {"error_file"})]
    assert [word for word in words if word not in PAGE] == []
