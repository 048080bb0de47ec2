"""embed_text with the bundled model: the graph's own vectors and tokens, without a server, and without writing."""

from pathlib import Path

import numpy as np
import psycopg
import pytest
from psycopg import errors as pg_errors

from server.embedding.clip import ClipEncoder
from server.sql_tower.install import LONGEST_REMEMBERED, install_tower
from tests.integration.model_store.fuzzed_texts import fuzzed_texts
from tests.integration.sql_tower.conftest import GraphInFloats, Installed, add_analyst, make_active, unit
from tests.integration.sql_tower.texts import varied_texts

LEAST, LEAST_INT8 = 0.9995, 0.995
EMBED = "SELECT vitrine_sql.embed_text(%s)"
REMEMBER = "SELECT vitrine_sql.remember_text(%s)"
IDS = "SELECT vitrine_tower.token_ids(id, %s) FROM vitrine_tower.tower WHERE digest = %s"


def test_500_varied_queries_get_the_vectors_of_the_graph(clean: Installed, tmp_path: Path) -> None:
    floats, encoder = GraphInFloats(clean.manifest, tmp_path), ClipEncoder(clean.manifest)
    exact, shipped = [], []
    for text in varied_texts(500):
        made = clean.vector(text)
        exact.append(float(made @ floats.embed(clean.tokenizer.encode(text))))
        shipped.append(float(made @ unit(encoder.embed_text(text))))
    assert min(exact) >= LEAST
    assert min(shipped) >= LEAST_INT8


def test_fuzzed_strings_get_the_tokens_of_the_library(clean: Installed) -> None:
    texts = [*varied_texts(100), *(text.replace("\0", "") for text in fuzzed_texts(600, seed=9))]
    different = [text for text in texts if clean.ask(IDS, text, clean.manifest.digest) != clean.tokenizer.encode(text)]
    assert different == []


def test_nothing_is_written_so_that_it_works_on_a_standby(clean: Installed) -> None:
    with clean.database.connection() as connection:
        connection.execute("SET TRANSACTION READ ONLY")
        row = connection.execute(EMBED, ["red dress"]).fetchone()
    assert row is not None
    assert clean.ask("SELECT count(*) FROM query_embedding") == 0


def test_a_remembered_vector_is_taken_before_anything_is_computed(clean: Installed) -> None:
    with clean.database.connection() as connection:
        connection.execute(
            "INSERT INTO query_embedding (model, text_hash, embedding) "
            "SELECT id, sha256(convert_to('red dress', 'UTF8')), array_fill(0.0625, ARRAY[256])::halfvec "
            "FROM embedding_model"
        )
    assert set(clean.ask(EMBED, "red dress").to_list()) == {0.0625}
    assert len(set(clean.ask(EMBED, "red dress ").to_list())) > 100


def test_remember_text_keeps_what_the_tower_says_even_if_the_memo_of_the_session_says_something_else(
    clean: Installed,
) -> None:
    honest = clean.ask(EMBED, "blue mug")
    with clean.database.connection() as connection:
        connection.execute(
            "SELECT set_config('vitrine_sql.memo', digest || encode(sha256('blue mug'), 'hex') || "
            "array_fill(0.0625, ARRAY[256])::halfvec::text, true) FROM embedding_model"
        )
        deceived = connection.execute(EMBED, ["blue mug"]).fetchone()
        kept = connection.execute(REMEMBER, ["blue mug"]).fetchone()
    assert deceived is not None
    assert kept is not None
    assert set(deceived[0].to_list()) == {0.0625}
    assert kept[0].to_list() == honest.to_list()
    assert clean.ask("SELECT embedding FROM query_embedding").to_list() == honest.to_list()


def test_remember_text_in_a_transaction_that_only_reads_says_what_to_use(bundled: Installed) -> None:
    with bundled.database.connection() as connection:
        connection.execute("SET TRANSACTION READ ONLY")
        with pytest.raises(psycopg.Error, match="this transaction may only read") as caught:
            connection.execute(REMEMBER, ["a text that nobody has remembered yet"])
    assert caught.value.diag.message_hint == "Use embed_text, which keeps nothing."


def test_remember_text_takes_no_long_text_and_fills_no_full_table(
    clean: Installed, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        pytest.raises(pg_errors.StringDataRightTruncation, match="at most 1000 characters; this one has 1001"),
        psycopg.connect(clean.database.url) as connection,
    ):
        connection.execute(REMEMBER, ["x" * (LONGEST_REMEMBERED + 1)])
    with clean.database.connection() as connection:
        connection.execute(
            "INSERT INTO query_embedding (model, text_hash, embedding) "
            "SELECT id, sha256(n::text::bytea), '[1]' FROM embedding_model, generate_series(1, 50000) AS n"
        )
    assert clean.ask(REMEMBER, "green chair").dimensions() == 256
    assert clean.ask("SELECT count(*) FROM query_embedding") == 50_000


def test_null_is_null(clean: Installed) -> None:
    assert clean.ask(EMBED, None) is None


def calls(connection: psycopg.Connection, statement: str) -> tuple[int, int]:
    """How often a statement calls embed_text, and how often the tower is run."""
    connection.execute("SELECT pg_stat_force_next_flush()")
    connection.commit()

    def counted() -> dict[str, int]:
        connection.execute("SELECT pg_stat_clear_snapshot()")
        return dict(connection.execute("SELECT funcname, calls FROM pg_stat_user_functions").fetchall())

    before = counted()
    connection.execute(statement)
    connection.execute("SELECT pg_stat_force_next_flush()")
    connection.commit()
    after = counted()
    embedded, computed = (after.get(name, 0) - before.get(name, 0) for name in ("embed_text", "compute"))
    return embedded, computed


def test_a_scalar_subquery_calls_it_once_and_the_bare_form_computes_it_once(clean: Installed) -> None:
    with psycopg.connect(clean.database.url) as connection:
        connection.execute("SET track_functions = 'all'")
        connection.execute("CREATE TEMP TABLE thing AS SELECT n, array_fill(n, ARRAY[256])::halfvec AS v "
                           "FROM generate_series(1, 200) AS n")  # fmt: skip
        once = "SELECT n FROM thing ORDER BY v <=> (SELECT vitrine_sql.embed_text('red shoes')) LIMIT 3"
        bare = "SELECT n FROM thing ORDER BY v <=> vitrine_sql.embed_text('blue shoes') LIMIT 3"
        assert calls(connection, once) == (1, 1)
        assert calls(connection, bare) == (200, 1)


def test_settings_of_the_caller_are_his_again_afterwards(clean: Installed) -> None:
    with clean.database.connection() as connection:
        connection.execute("SET LOCAL plan_cache_mode = 'force_custom_plan'")
        connection.execute("SET LOCAL enable_seqscan = 'on'")
        connection.execute(EMBED, ["a pink bag"])
        row = connection.execute(
            "SELECT current_setting('plan_cache_mode'), current_setting('enable_seqscan'), current_setting('jit')"
        ).fetchone()
    assert row is not None
    assert row[:2] == ("force_custom_plan", "on")


def test_weights_are_read_by_their_index_in_order_and_never_sorted(clean: Installed) -> None:
    with clean.database.connection() as connection:
        for setting in ("seqscan", "bitmapscan"):
            connection.execute(f"SET LOCAL enable_{setting} = off")
        lines = connection.execute(
            "EXPLAIN SELECT w FROM vitrine_tower.weight WHERE tower = 1 AND n >= 0 AND n < 384 ORDER BY n"
        ).fetchall()
    plan = "\n".join(line for (line,) in lines)
    assert "Index Scan using weight_pkey" in plan
    assert "Sort" not in plan


def test_a_role_with_execute_alone_embeds_and_sees_nothing_of_the_tower(clean: Installed) -> None:
    with clean.database.connection() as connection:
        add_analyst(connection, "tower_analyst")
        connection.execute("SET LOCAL ROLE tower_analyst")
        row = connection.execute(EMBED, ["a green scarf"]).fetchone()
        assert row is not None
        for statement in (
            "SELECT * FROM vitrine_tower.weight", "SELECT vitrine_sql.remember_text('x')",
            "SELECT * FROM query_embedding", "SELECT vitrine_tower.token_ids(1, 'x')",
        ):  # fmt: skip
            with pytest.raises(pg_errors.InsufficientPrivilege), connection.transaction():
                connection.execute(statement)
        connection.execute("RESET ROLE")
        connection.rollback()


def test_a_database_whose_model_has_no_tower_says_what_to_run(clean: Installed) -> None:
    with clean.database.connection() as connection:
        connection.execute("UPDATE embedding_model SET digest = 'another', name = 'other'")
        with (
            pytest.raises(pg_errors.ObjectNotInPrerequisiteState, match="tower of the model other is not loaded"),
            connection.transaction(),
        ):
            connection.execute(EMBED, ["red"])
        connection.execute("DELETE FROM embedding_model")
        with (
            pytest.raises(pg_errors.ObjectNotInPrerequisiteState, match="No product of this shop has a vector"),
            connection.transaction(),
        ):
            connection.execute(EMBED, ["red"])
    make_active(clean.database, clean.manifest)


def test_it_can_be_installed_again_and_its_report_names_sizes(clean: Installed) -> None:
    before = clean.vector("yellow raincoat")
    with clean.database.connection() as connection:
        report = install_tower(connection, clean.manifest)
    assert clean.ask("SELECT count(*) FROM vitrine_tower.tower") == 1
    assert np.array_equal(clean.vector("yellow raincoat"), before)
    assert report.cosine > LEAST
    assert report.bytes["weight"] > 10_000_000
    stored = (
        "SELECT attstorage::text FROM pg_attribute WHERE attrelid = 'vitrine_tower.weight'::regclass AND attname = 'w'"
    )
    assert clean.ask(stored) == "p"


def test_the_error_function_for_postgres_15_is_near_the_newer_ones(clean: Installed) -> None:
    far = clean.ask("SELECT max(abs(vitrine_tower.erf(x) - erf(x))) FROM generate_series(-9, 9, 0.01) AS g (n), "
                    "LATERAL (SELECT n::float8 AS x) AS p")  # fmt: skip
    assert 0 < far < 2e-7
