"""The statements of this room with their shared parts put in. All is code of these files, never a value."""

from collections.abc import Mapping

from server.db.named_sql import load

_FILTER = load(__file__, "filter.sql")
_PAGE = load(__file__, "page.sql")
_ROOM = {**load(__file__, "candidates.sql"), **_PAGE, **load(__file__, "text.sql")}
# What a candidate brings along: little, to be scored, or all that a hit shows.
_SELECTS = {"core": _PAGE["core"], "columns": _PAGE["columns"]}
# Statements that rank, each in both forms.
RANKING = ("exact", "sketch", "walk", "walk_narrow")


def _put_in(text: str) -> str:
    narrow_only = _FILTER["narrow_filter"]
    narrow = _FILTER["filter"].replace("{f}", "f") + "\nAND\n" + narrow_only
    parts = {
        "{narrow}": narrow,
        "{narrow_only}": narrow_only,
        "{wide}": _FILTER["filter"].replace("{f}", "p"),
        "{core}": _PAGE["core"],
        "{columns}": _PAGE["columns"],
    }
    for mark, part in parts.items():
        text = text.replace(mark, part)
    return text


def _compose() -> Mapping[str, str]:
    found: dict[str, str] = {}
    for name, text in _ROOM.items():
        if name in (*_SELECTS, "as_hits"):
            continue
        if name == "given":
            text = text.replace("{select}", _SELECTS["core"])
        if name in RANKING:
            found[name] = _put_in(text.replace("{select}", _SELECTS["core"]))
            whole = _put_in(text.replace("{select}", _SELECTS["columns"]))
            found[f"{name}_page"] = _ROOM["as_hits"].replace("{ranked}", whole)
        else:
            found[name] = _put_in(text)
    return found


SQL = dict(_compose())
