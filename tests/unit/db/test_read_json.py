"""What comes out of a jsonb column can be written down again."""

from typing import Any

import orjson
import pytest

from server.db.engine import read_json


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1" + 30 * "0", 1e30),
        ("-25" + 24 * "0", -2.5e25),
        ("18446744073709551615", 2**64 - 1),
        ("-9223372036854775808", -(2**63)),
        ('{"a": [1, 2.5, true, null, "x"]}', {"a": [1, 2.5, True, None, "x"]}),
        ("[7, 1" + 400 * "0" + "]", [7, "1" + 400 * "0"]),
        ("[0.5, 1" + 5000 * "0" + ".5]", [0.5, "1" + 5000 * "0" + ".5"]),
    ],
)
def test_numbers_of_any_length_are_read(text: str, value: Any) -> None:
    assert read_json(text) == read_json(text.encode()) == value
    assert orjson.loads(orjson.dumps(read_json(text))) == value
