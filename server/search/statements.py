"""The statements of this room with their shared parts put in. All is code of these files, never a value.

A statement that filters is there twice: as SQL[name], and as SQL[with_words(name)] for filters that ask for words.
"""

from server.db.named_sql import load

_FILTER = load(__file__, "filter.sql")
_PAGE = load(__file__, "page.sql")
_ROOM = {**load(__file__, "candidates.sql"), **_PAGE, **load(__file__, "text.sql"), **load(__file__, "views.sql")}
# What a candidate brings along: little, to be scored, or all that a hit shows.
_SELECTS = {"core": _PAGE["core"], "columns": _PAGE["columns"]}
# Statements that rank, each in both forms.
RANKING = ("exact", "sketch", "walk", "walk_narrow")


def with_words(name: str, asks_words: bool = True) -> str:
    """The name of a statement for a filter that asks for words."""
    return f"{name}_with_words" if asks_words else name


def _put_in(text: str, asks_words: bool) -> str:
    wide, narrow_only, words = _FILTER["filter"], _FILTER["narrow_filter"], _FILTER["words_filter"]
    narrow = wide.replace("{f}", "f") + "\nAND\n" + narrow_only
    parts = {
        "{narrow_with_words}": f"{narrow}\nAND\n{words}",
        "{rows_with_words}": _FILTER["rows_with_words"],
        "{narrow}": f"{narrow}\nAND\n{words}" if asks_words else narrow,
        "{narrow_only}": f"{narrow_only}\nAND\n{words}" if asks_words else narrow_only,
        "{rows}": _FILTER["rows_with_words" if asks_words else "rows"],
        "{wide}": wide.replace("{f}", "p"),
        "{core}": _PAGE["core"],
        "{columns}": _PAGE["columns"],
    }
    for mark, part in parts.items():
        text = text.replace(mark, part)
    return text


def _compose() -> dict[str, str]:
    found: dict[str, str] = {}
    for name, text in _ROOM.items():
        if name in _SELECTS:
            continue
        forms = {name: text.replace("{select}", _SELECTS["core"])}
        if name in RANKING:
            forms[f"{name}_page"] = text.replace("{select}", _SELECTS["columns"])
        for form, statement in forms.items():
            found[form] = _put_in(statement, asks_words=False)
            if "{rows}" in statement:
                found[with_words(form)] = _put_in(statement, asks_words=True)
    return found


SQL = _compose()
