"""What hardly anybody types stays untold, however an analyst puts the question."""

import psycopg
import pytest

from tests.integration.sql_surface.conftest import Team
from tests.integration.sql_surface.test_views import searched

RARE = ("ann example, 5 high street", "1234567890123456")
VIEWS = ("queries_by_day", "queries_without_results", "clicks")


@pytest.fixture
def asked(installed: Team) -> Team:
    """Something that many search for, and what one person did each."""
    searched(installed, "unicorn", times=3, total=0, click="A-1")
    for text in RARE:
        searched(installed, text, total=0, click="A-2")
    return installed


@pytest.mark.parametrize("view", VIEWS)
def test_a_function_of_the_analysts_sees_no_rare_query(asked: Team, view: str) -> None:
    """A condition that Postgres takes for a cheap one would be put to each search, before any are counted."""
    with asked.login() as connection:
        told: list[str] = []
        connection.add_notice_handler(lambda notice: told.append(notice.message_primary or ""))
        connection.execute(
            "CREATE FUNCTION pg_temp.leak(said text) RETURNS boolean LANGUAGE plpgsql STABLE COST 0.0001 AS "
            "$$BEGIN RAISE NOTICE 'saw %', said; RETURN true; END$$"
        )
        rows = connection.execute(f"SELECT query FROM {view} WHERE pg_temp.leak(query)").fetchall()  # noqa: S608
    assert ("unicorn",) in rows
    assert "saw unicorn" in told
    assert not [line for line in told if any(text in line for text in RARE)]


@pytest.mark.parametrize("view", VIEWS)
def test_no_error_tells_a_rare_query(installed: Team, view: str) -> None:
    """What is no number would be quoted by the cast that fails."""
    for text in RARE:
        searched(installed, text, total=0, click="A-2")
    assert installed.ask(f"SELECT * FROM {view} WHERE query::integer = 1") == []  # noqa: S608


@pytest.mark.parametrize("view", VIEWS)
def test_the_plan_of_a_query_tells_no_rare_one(asked: Team, view: str) -> None:
    """Rows that were removed by a filter would tell whether somebody typed just this."""
    with asked.login() as connection:
        plans = [
            connection.execute(
                f"EXPLAIN (ANALYZE, TIMING OFF, COSTS OFF, BUFFERS OFF, SUMMARY OFF) SELECT * FROM {view} "  # noqa: S608
                f"WHERE query = '{text}'"
            ).fetchall()
            for text in (RARE[0], "never typed by anyone ever")
        ]
    steps, others = ([line.replace(RARE[0], "?") for (line,) in plan] for plan in plans)
    assert not [line for line in steps if "search_event" in line]
    assert steps == [line.replace("never typed by anyone ever", "?") for line in others]


def test_the_counting_is_called_by_its_views_alone(asked: Team) -> None:
    with asked.login() as connection:
        for view in VIEWS:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"SELECT * FROM vitrine_sql_inner.{view}()")  # noqa: S608
