"""The statements that make the surface, with the numbers of plan.py and the conditions of filter.sql put in.

What a filter means stands in one place, whoever asks; only its parameters have other names in PL/pgSQL.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict

from psycopg import sql

from server.db.named_sql import load
from server.search import plan as planning
from server.search import statements as searching
from server.search.plan import Costs
from server.search.scoring import DEFAULT_SPREAD

# Raised with every change that a user of the surface sees; CHANGELOG.md says which.
VERSION = 1
# What is typed is shown once so many searches were made for it.
LEAST_SEARCHES = 3

_FILTER = load(searching.__file__, "filter.sql")["filter"]
_PARAMETER = re.compile(r"%\((\w+)\)s")
_VIEWS = load(__file__, "views.sql")
_COMMENTS = load(__file__, "comments.sql")
_INNER = load(__file__, "inner.sql")
_WAYS = load(__file__, "ways.sql")
_SEARCH = load(__file__, "search.sql")
_JUDGE = load(__file__, "judge.sql")

TABLES = _INNER["tables"]
VIEWS = tuple(_VIEWS)


def numbers() -> Mapping[str, str]:
    """Marks in the files -> what stands there."""
    mean, deviation = DEFAULT_SPREAD
    return {
        "{least_searches}": str(LEAST_SEARCHES),
        "{most}": str(planning.MOST),
        "{exact_rows}": str(planning.EXACT_ROWS),
        "{exact_rows_without_sketches}": str(planning.EXACT_ROWS_WITHOUT_SKETCHES),
        "{least_pool}": str(planning.LEAST_POOL),
        "{page_pool}": str(planning.PAGE_POOL),
        "{pool_share}": str(planning.POOL_SHARE),
        "{ef_search}": str(planning.EF_SEARCH),
        "{most_ef_search}": str(planning.MOST_EF_SEARCH),
        "{margin}": str(planning.MARGIN),
        "{safe}": str(planning.SAFE),
        "{tie_margin}": str(planning.TIE_MARGIN),
        "{costs}": json.dumps(asdict(Costs())),
        "{default_mean}": str(mean),
        "{default_deviation}": str(deviation),
    }


def _filters() -> Mapping[str, str]:
    """The conditions on the narrow table and on the wide one; and for a statement that is a text, with its values."""
    condition = "\n".join(line for line in _FILTER.splitlines() if not line.startswith("--"))
    in_variables = _PARAMETER.sub(r"w.\1", condition)
    names = list(dict.fromkeys(_PARAMETER.findall(condition)))
    numbered = _PARAMETER.sub(lambda found: f"${names.index(found[1]) + 1}", condition)
    return {
        "{narrow}": in_variables.replace("{f}", "f"),
        "{wide}": in_variables.replace("{f}", "p"),
        "{numbered}": numbered.replace("{f}", "f"),
        "{numbers}": ", ".join(f"w.{name}" for name in names),
    }


def search_path(tables: str, vectors: str) -> str:
    """What functions find their names by, whoever calls them: schemas of the tables and of pgvector, temporary ones
    last, so that nobody puts a table of his own before ours."""
    schemas = dict.fromkeys(("pg_catalog", tables, vectors, "pg_temp"))
    return ", ".join(sql.Identifier(name).as_string(None) for name in schemas)


def parts(path: str) -> list[str]:
    """Statements that make types, views and functions, in order. path: of `search_path`."""
    marks = {**numbers(), **_filters(), "{search_path}": path}
    ordered = [_INNER["types"], *_VIEWS.values(), *_COMMENTS.values()]
    ordered += [text for name, text in _INNER.items() if name not in ("tables", "types")]
    ordered += [*_WAYS.values(), *_SEARCH.values(), *_JUDGE.values()]
    return [_put_in(text, marks) for text in ordered]


def fingerprint(path: str) -> str:
    """Tells one state of all statements from another."""
    return hashlib.sha256("\0".join(parts(path)).encode()).hexdigest()


def _put_in(text: str, marks: Mapping[str, str]) -> str:
    for mark, value in marks.items():
        text = text.replace(mark, value)
    return text
