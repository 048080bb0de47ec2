"""What people search for, as staff see it, and the synonyms that they make of it."""

import datetime
import html
import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from server.db.engine import Database
from server.events.reports import read_report
from server.staff import audit
from tests.factories import add_product
from tests.integration.admin.conftest import Person

Somebody = Callable[..., Person]
NASTY = "<script>alert(1)</script> \"'>"


def add_search(database: Database, query: str, clicked: dict[str, int] | None = None, **changes: Any) -> None:
    """A search with clicks (SKU -> position), an hour ago unless said otherwise."""
    fields = {
        "id": uuid.uuid4(), "at": datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=1), "origin": "shop",
        "kind": "words", "query": query, "normalised": query.lower(), "mode": "hybrid", "narrowed": False, "total": 9,
        "total_is_exact": True, "milliseconds": 5.0, "path": "exact", "complete": True, **changes,
    }  # fmt: skip
    names = ", ".join(fields)
    with database.connection() as connection:
        values = ", ".join(["%s"] * len(fields))
        connection.execute(f"INSERT INTO search_event ({names}) VALUES ({values})", list(fields.values()))  # noqa: S608
        for sku, position in (clicked or {}).items():
            connection.execute(
                "INSERT INTO search_click VALUES (%s, %s, %s, %s)", [fields["id"], sku, position, fields["at"]]
            )


def days_ago(days: float) -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=days)


@pytest.fixture
def searched(database: Database) -> None:
    """A week at a shop."""
    with database.connection() as connection:
        add_product(connection, "MUG", title="A <b>mug</b>")
        add_product(connection, "HIDDEN", title="Hidden thing", status="hidden")
    add_search(database, "Mug", {"MUG": 1, "HIDDEN": 4})
    add_search(database, "mug", {"MUG": 2})
    add_search(database, "mug", origin="api", milliseconds=250.0, path="sketch")
    for narrowed in (True, False, False):
        add_search(database, "divan", total=0, narrowed=narrowed)
    add_search(database, "shirt", {"GONE": 9})
    add_search(database, "dull", total=1000, total_is_exact=False)
    add_search(database, "dull")
    add_search(database, "", kind="browse")
    add_search(database, "last week", at=days_ago(6))
    add_search(database, "last month", at=days_ago(29))
    add_search(database, "long ago", at=days_ago(31))


def test_the_report_counts_what_there_is(database: Database, searched: None) -> None:
    with database.connection() as connection:
        report = read_report(connection, 1)
    assert (report.searches, report.clicked, report.without_results) == (10, 3, 3)
    assert (report.from_origin("shop"), report.from_origin("api")) == (9, 1)
    top = [(line.query, line.searches, line.clicked, line.mean_position) for line in report.top]
    assert top == [
        ("divan", 3, 0, None),
        ("mug", 3, 2, pytest.approx(7 / 3)),
        ("dull", 2, 0, None),
        ("shirt", 1, 1, 9.0),
    ]
    assert [(line.query, line.found, line.is_exact) for line in report.unclicked] == [("dull", 1000, False)]
    assert [(line.query, line.searches, line.narrowed) for line in report.fruitless] == [("divan", 3, 1)]
    assert [(line.query, line.path) for line in report.slow] == [("mug", "exact")]
    products = [(line.sku, line.is_live, line.clicks, line.mean_position, line.query) for line in report.products]
    assert products[0] == ("MUG", True, 2, 1.5, "Mug")
    assert products[1:] == [("GONE", False, 1, 9.0, "shirt"), ("HIDDEN", False, 1, 4.0, "Mug")]


@pytest.mark.parametrize(
    ("span", "seen"),
    [("day", []), ("week", ["last week"]), ("month", ["last week", "last month"]), ("x", ["last week"])],
)
def test_a_span_is_chosen(somebody: Somebody, searched: None, span: str, seen: list[str]) -> None:
    page = somebody("viewer").get(f"/admin/searches?span={span}").text
    for query in ("last week", "last month", "long ago"):
        assert (f">{query}</a>" in page) is (query in seen)


def test_each_line_leads_on(somebody: Somebody, searched: None) -> None:
    page = somebody("editor").get("/admin/searches").text
    assert '<a href="/?q=divan">divan</a>' in page
    assert '<a href="/p/MUG">A &lt;b&gt;mug&lt;/b&gt;</a>' in page
    assert "/p/HIDDEN" not in page
    assert "GONE <small>(not in the shop)</small>" in page
    assert "1,000+" in page
    assert page.count('action="/admin/synonyms"') == len(re.findall("<details", page)) > 4


def test_a_query_leads_to_a_rule_and_a_product_to_the_catalogue(somebody: Somebody, searched: None) -> None:
    editor = somebody("editor")
    page = editor.get("/admin/searches").text
    assert '<a href="/admin/rules?query=divan">' in page
    assert 'value="divan"' in editor.get("/admin/rules?query=divan").text
    for sku, is_there in (("MUG", True), ("HIDDEN", True), ("GONE", False)):
        assert (f'<a href="/admin/product?sku={sku}">' in page) is is_there


def test_what_was_typed_is_erased(somebody: Somebody, searched: None, database: Database) -> None:
    editor = somebody("editor")
    answer = editor.send("/admin/searches/forget", "/admin/searches", query="MUG", span="day")
    assert answer.location == "/admin/searches?span=day"
    page = editor.get("/admin/searches?span=day").text
    assert "3 searches are erased." in page
    assert ">mug</a>" not in page
    with database.connection() as connection:
        assert connection.execute("SELECT count(*) FROM search_event WHERE normalised = 'mug'").fetchone() == (0,)
        (told,) = (entry for entry in audit.newest(connection, 10) if entry.action == "erase")
    assert (told.actor, told.after) == ("editor", {"searches": 3})
    assert "mug" not in str(told).lower()
    # Searches without words are none for an empty text.
    nothing = editor.send("/admin/searches/forget", "/admin/searches", query=" ")
    assert "0 searches are erased." in editor.get(nothing.location).text


def test_a_viewer_looks_and_changes_nothing(somebody: Somebody, searched: None) -> None:
    viewer = somebody("viewer")
    page = viewer.get("/admin/searches").text
    assert "divan" in page
    assert "<details" not in page
    assert 'name="words"' not in viewer.get("/admin/synonyms").text
    assert viewer.send("/admin/synonyms", words="divan", replacements="sofa").status_code == 403
    assert viewer.send("/admin/synonyms/1/delete").status_code == 403
    assert viewer.send("/admin/searches/forget", query="divan").status_code == 403
    assert "/admin/searches/forget" not in page


def test_what_somebody_typed_is_text_and_nothing_else(database: Database, somebody: Somebody) -> None:
    add_search(database, NASTY)
    add_search(database, NASTY, total=0)
    add_search(database, "x" * 1000, total=0)
    with database.connection() as connection:
        add_product(connection, "MUG")
    add_search(database, NASTY, {"MUG": 1}, milliseconds=900.0)
    page = somebody("editor").get("/admin/searches").text
    assert "<script>alert" not in page
    assert html.escape(NASTY, quote=True).replace("&#x27;", "&#39;").replace("&quot;", "&#34;") in page
    assert "\"'>" not in page
    assert "default-src 'self'" in somebody("editor").get("/admin/searches").headers["Content-Security-Policy"]
    form = somebody("editor").get("/admin/synonyms", query_string={"words": NASTY}).text
    assert "<script>alert" not in form


def test_an_empty_report_says_so(somebody: Somebody) -> None:
    page = somebody("viewer").get("/admin/searches").text
    for sentence in ("Nobody searched by words.", "Nothing was clicked.", "None: every query found something."):
        assert sentence in page


def lines(database: Database) -> list[Any]:
    with database.connection() as connection:
        return connection.execute("SELECT id, words, replacements, two_way FROM synonym ORDER BY id").fetchall()


def audited(database: Database) -> list[Any]:
    with database.connection() as connection:
        return connection.execute(
            "SELECT actor, action, subject, before, after FROM audit_entry WHERE subject LIKE 'synonym/%' ORDER BY id"
        ).fetchall()


def test_a_synonym_is_added_from_the_report_and_taken_away_on_its_page(
    database: Database, somebody: Somebody, searched: None
) -> None:
    editor = somebody("editor")
    fields = {"words": "Divan", "replacements": " Sofa, love  seat,", "direction": "one", "span": "month"}
    answer = editor.send("/admin/synonyms", "/admin/searches", **fields)
    assert (answer.status_code, answer.location) == (302, "/admin/searches?span=month")
    assert "“divan” has synonyms." in editor.get(answer.location).text
    assert lines(database) == [(1, "divan", ["sofa", "love seat"], False)]
    page = editor.get("/admin/synonyms").text
    assert "sofa, love seat" in page
    assert "one way" in page
    assert editor.send("/admin/synonyms/1/delete", "/admin/synonyms").status_code == 302
    assert lines(database) == []
    told = {"words": "divan", "replacements": ["sofa", "love seat"], "two_way": False}
    assert audited(database) == [
        ("editor", "add", "synonym/divan", None, told),
        ("editor", "delete", "synonym/divan", told, None),
    ]


def test_a_synonym_goes_both_ways_unless_said_otherwise_and_counts_at_once(
    database: Database, somebody: Somebody
) -> None:
    editor = somebody("editor")
    services = editor.client.application.extensions["vitrine"]
    assert not services.search.words.synonyms().expand(["sofa"])
    answer = editor.send("/admin/synonyms", words="divan", replacements="sofa\nsettee", span="https://elsewhere")
    assert answer.location == "/admin/synonyms"
    assert lines(database) == [(1, "divan", ["sofa", "settee"], True)]
    (found,) = services.search.words.synonyms().expand(["sofa"])
    assert set(found.replacements) == {"divan", "settee"}


@pytest.mark.parametrize(
    ("words", "replacements", "status", "sentence"),
    [
        ("divan", "divan", 422, "needs other words"),
        ("", "sofa", 422, "one of these has none"),
        ("divan", " , ", 422, "needs other words"),
        ("divan", "x" * 101, 422, "at most 100"),
        ("taken", "sofa", 409, "has synonyms already"),
        (NASTY, "taken\0", 422, "one of these has none"),
    ],
)
def test_a_mistake_keeps_what_was_typed(
    database: Database, somebody: Somebody, words: str, replacements: str, status: int, sentence: str
) -> None:
    editor = somebody("editor")
    editor.send("/admin/synonyms", words="taken", replacements="engaged")
    answer = editor.send("/admin/synonyms", words=words, replacements=replacements)
    assert answer.status_code == status
    assert sentence in answer.text
    assert "<script>alert" not in answer.text
    if words == "divan":
        assert 'value="divan"' in answer.text
    assert len(lines(database)) == len(audited(database)) == 1


def test_a_synonym_that_is_gone_is_not_deleted_twice(somebody: Somebody) -> None:
    assert somebody("editor").send("/admin/synonyms/7/delete").status_code == 404
