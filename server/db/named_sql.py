"""Queries that stand in `.sql` files beside their caller, each with a name and a line on what it is for.

    -- name: exact
    -- Ranks every row that passes the filter.
    SELECT ...

`load(__file__, "candidates.sql")["exact"]` is the text below the name, its comments kept, so that it shows in the
server's log and can be pasted behind EXPLAIN.
"""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

_HEAD = re.compile(r"^-- name: (\w+)\n(-- .+\n)+", re.MULTILINE)


@cache
def load(caller: str, file_name: str) -> Mapping[str, str]:
    """Read `file_name` from the folder of `caller` (a module's `__file__`); name -> SQL text.

    Raises ValueError where a query has no description, stands twice, or text stands before the first name.
    """
    path = Path(caller).with_name(file_name)
    text = path.read_text(encoding="utf-8")
    if len(_HEAD.findall(text)) != text.count("-- name:"):
        raise ValueError(f"{path.name}: every query needs '-- name: x' and a comment line that says what it is for")
    queries: dict[str, str] = {}
    heads = list(_HEAD.finditer(text))
    if not heads or text[: heads[0].start()].strip():
        raise ValueError(f"{path.name}: must begin with '-- name: x'")
    for head, following in zip(heads, [*heads[1:], None], strict=True):
        name = head.group(1)
        if name in queries:
            raise ValueError(f"{path.name}: the name {name} stands twice")
        queries[name] = text[head.start() : following.start() if following else len(text)].strip()
    return MappingProxyType(queries)
