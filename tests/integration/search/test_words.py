"""Words of the products in the database: computed, read, and kept true while others work."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.db.engine import Database
from server.demo import DEMO_SEED, draw_catalogue
from server.errors import DatabaseNotReady
from server.search.words import splitting
from server.search.words.cache import CHECK_SECONDS, VocabularyCache
from server.search.words.refresh import SQL, Refreshed, refresh_words
from server.search.words.suggestions import Kind, Suggestion
from server.search.words.synonym_table import add_synonym
from server.search.words.vocabulary import Vocabulary, read_vocabulary
from tests.databases import fresh_database
from tests.factories import add_product

Add = Callable[..., None]


@pytest.fixture
def add(database: Database) -> Add:
    """Put products with these titles into the database."""

    def make(*titles: str, **columns: Any) -> None:
        with database.connection() as connection:
            row = connection.execute("SELECT count(*) FROM product").fetchone()
            assert row is not None
            for number, title in enumerate(titles, start=row[0]):
                add_product(connection, f"A-{number}", title=title, **columns)

    return make


def refreshed(database: Database) -> Refreshed:
    with database.connection() as connection:
        done = refresh_words(connection)
    assert done is not None
    return done


def read(database: Database) -> Vocabulary:
    with database.connection() as connection:
        return read_vocabulary(connection)


def learned(database: Database) -> Vocabulary:
    refreshed(database)
    return read(database)


def rows(database: Database, query: str) -> list[tuple[Any, ...]]:
    with database.connection() as connection:
        return connection.execute(query).fetchall()


# -- what is computed --------------------------------------------------------------------------------------------


def test_words_are_counted_by_the_products_that_hold_them(database: Database, add: Add) -> None:
    add("Blue Shirt", "Blue blue Mug", brand="Harbour", category="Things/Of the house")
    add("Red Mug", description="A mug that is not blue.", attributes={"material": "Stoneware", "sizes": ["Large", 5]})
    vocabulary = learned(database)
    assert vocabulary.products("blue") == 3
    assert vocabulary.products("mug") == 2
    assert vocabulary.products("harbour") == vocabulary.products("house") == 2
    assert vocabulary.products("stoneware") == vocabulary.products("large") == 1
    assert rows(database, "SELECT products, titles FROM search_word WHERE word = 'blue'") == [(3, 2)]
    assert rows(database, "SELECT products, titles FROM search_word WHERE word = 'stoneware'") == [(1, 0)]


def test_only_live_products_count(database: Database, add: Add) -> None:
    add("Blue Shirt")
    add("Green Shirt", status="draft")
    add("Red Shirt", status="hidden")
    vocabulary = learned(database)
    assert vocabulary.products("shirt") == 1
    assert "green" not in vocabulary
    assert "red" not in vocabulary


def test_a_word_with_a_dash_or_an_apostrophe_is_a_word_and_so_are_its_parts(database: Database, add: Add) -> None:
    add("Men’s T-Shirt", "Women's Tops – x-large")
    vocabulary = learned(database)
    assert [vocabulary.products(word) for word in ("men's", "men", "t-shirt", "shirt", "x-large", "large")] == [1] * 6
    assert "-" not in vocabulary
    assert "–" not in vocabulary


# Latin letters, whose lower case is the same everywhere, except one that becomes two; and what stands between words.
LETTERS = st.characters(min_codepoint=1, max_codepoint=0x17F, exclude_characters="İ")
SIGNS = st.sampled_from(" -'’‐‑–—•…“”™€×、。　🎁\N{ZERO WIDTH SPACE}\N{THIN SPACE}")


@given(st.lists(st.text(LETTERS | SIGNS, max_size=30), max_size=5))
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_database_splits_a_text_as_a_query_is_split(database: Database, texts: list[str]) -> None:
    statement = SQL["refresh_words"]
    start = statement.index("string_to_array(")
    expression = statement[start : statement.index(") AS token", start)]
    expression = expression.replace("concat_ws(' ', p.title, p.brand, p.category)", "%(text)s::text")
    parameters = {"fancy": splitting.FANCY, "plain": splitting.PLAIN, "separators": splitting.SEPARATORS}
    with database.connection() as connection:
        for text in texts:
            row = connection.execute(f"SELECT {expression}", {**parameters, "text": text}).fetchone()
            assert row is not None
            words = [word for token in row[0] if (word := token.strip("'-"))]
            assert words == splitting.words_of(text)


def test_words_are_lower_case_in_any_alphabet(database: Database, add: Add) -> None:
    add("ÉCHARPE Bleue", brand="ÄRMEL", category="ΡΟΎΧΑ/ОДЕЖДА")
    vocabulary = learned(database)
    assert [vocabulary.products(word) for word in ("écharpe", "ärmel", "ρούχα", "одежда")] == [1] * 4
    assert rows(database, "SELECT count(*) FROM search_word WHERE titles = 0") == [(0,)]
    assert [each.text for each in vocabulary.suggest("bleue ar")] == ["bleue ärmel"]


def test_phrases_are_those_that_titles_end_with(database: Database, add: Add) -> None:
    add(*["Harbour Men Black Casual Shoes"] * 3, "Fernhill Red Casual Shoes, with laces", "Casual Shoes - Large")
    refreshed(database)
    found = dict(rows(database, "SELECT phrase, products FROM search_phrase WHERE kind = 'phrase'"))
    assert found["casual shoes"] == 5
    assert found["black casual shoes"] == 3
    assert "men black" not in found
    assert "shoes with" not in found
    assert "shoes large" not in found


def test_phrases_of_one_product_are_left_out_of_a_large_catalogue(
    database: Database, add: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    add("Red Mug", "Red Mug", "Blue Bowl")
    monkeypatch.setattr("server.search.words.refresh.LARGE", 3)
    refreshed(database)
    assert rows(database, "SELECT phrase FROM search_phrase") == [("red mug",)]
    assert rows(database, "SELECT word, other FROM search_pair") == [("mug", "red")]


def test_brands_categories_and_shared_titles_are_kept_as_they_are_written(database: Database, add: Add) -> None:
    add(*["Linden & Loom Garden Toy Boat"] * 2, "Rubber Duck", brand="Linden & Loom", category="Toys/Boats")
    refreshed(database)
    assert rows(database, "SELECT kind, phrase, products FROM search_phrase WHERE kind <> 'phrase' ORDER BY 1, 2") == [
        ("brand", "Linden & Loom", 3),
        ("category", "Toys", 3),
        ("category", "Toys/Boats", 3),
        ("title", "Linden & Loom Garden Toy Boat", 2),
    ]


def test_pairs_are_words_that_a_product_is_called_by(database: Database, add: Add) -> None:
    add("Air 90 with Laces", brand="Nike", category="Shoes/Running Shoes")
    refreshed(database)
    words = ["air", "laces", "nike", "running", "shoes"]
    expected = [(one, two) for place, one in enumerate(words) for two in words[place + 1 :]]
    assert rows(database, "SELECT word, other FROM search_pair ORDER BY 1, 2") == expected


def test_an_endless_title_is_paired_by_its_beginning(database: Database, add: Add) -> None:
    add(" ".join(f"w{number}x" for number in range(100)))
    refreshed(database)
    assert rows(database, "SELECT count(*) FROM search_pair") == [(24 * 23 // 2,)]


@pytest.mark.parametrize("title", ["?", "- ' -", "a" * 500, "🎁🎁 🎁", "\\ [x] {y} %s $1", "ſ ß ẞ İ"])
def test_strange_titles_are_taken(database: Database, add: Add, title: str) -> None:
    add(title, title, brand=title[:200])
    assert learned(database).suggest("a") is not None


# -- when it is computed -----------------------------------------------------------------------------------------


def test_a_refresh_without_changes_writes_nothing_and_keeps_the_version(database: Database, add: Add) -> None:
    add("Blue Shirt", "Red Mug", brand="Harbour")
    first = refreshed(database)
    assert (first.version, first.products) == (1, 2)
    assert first.changed == first.words + first.phrases + first.pairs > 0
    written = rows(database, "SELECT xmin FROM search_word UNION ALL SELECT xmin FROM search_phrase")
    again = refreshed(database)
    assert (again.version, again.changed) == (1, 0)
    assert rows(database, "SELECT xmin FROM search_word UNION ALL SELECT xmin FROM search_phrase") == written


def test_a_refresh_follows_the_products(database: Database, add: Add) -> None:
    add("Blue Shirt", "Blue Mug")
    refreshed(database)
    with database.connection() as connection:
        connection.execute("DELETE FROM product WHERE title = 'Blue Mug'")
    add("Blue Bowl", "Blue Vase")
    assert refreshed(database).version == 2
    vocabulary = read(database)
    assert "mug" not in vocabulary
    assert vocabulary.products("blue") == 3
    assert [each.text for each in vocabulary.suggest("blue ")] == ["blue bowl", "blue shirt", "blue vase"]


def test_an_empty_shop_is_fine(database: Database, add: Add) -> None:
    assert read(database).version == 0
    done = refreshed(database)
    assert (done.words, done.phrases, done.pairs, done.changed) == (0, 0, 0, 0)
    vocabulary = read(database)
    assert vocabulary.correct("shirt") is None
    assert vocabulary.suggest("sh") == []
    add("Blue Shirt")
    refreshed(database)
    with database.connection() as connection:
        connection.execute("DELETE FROM product")
    assert len(learned(database)) == 0


def test_a_second_refresh_at_once_is_skipped_and_readers_wait_for_nothing(database: Database, add: Add) -> None:
    add("Blue Shirt")
    refreshed(database)
    add("Red Mug")
    with database.connection() as first:
        done = refresh_words(first)
        assert done is not None
        with database.connection() as second:
            assert refresh_words(second) is None
        assert "mug" not in read(database)
    assert "mug" in read(database)
    assert refreshed(database).changed == 0


def test_what_a_refresh_sets_it_sets_for_itself(database: Database) -> None:
    with database.connection() as connection:
        before = connection.execute("SHOW work_mem").fetchone()
        connection.commit()
        refresh_words(connection)
        connection.commit()
        assert connection.execute("SHOW work_mem").fetchone() == before


# -- the demo shop -----------------------------------------------------------------------------------------------


def test_the_demo_shop_completes_and_corrects(database: Database) -> None:
    with database.connection() as connection:
        for product in draw_catalogue(2_000, DEMO_SEED):
            add_product(
                connection, product.sku, title=product.title, brand=product.brand, category=product.category,
                description=product.description, attributes=dict(product.attributes),
            )  # fmt: skip
    vocabulary = learned(database)
    assert vocabulary.correct("strpied") == "striped"
    assert vocabulary.correct("bakpack") == "backpack"
    assert vocabulary.correct("breakfats") == "breakfast"  # told in attributes alone
    assert [each.text for each in vocabulary.suggest("strpied shi")] == ["striped shirt"]
    assert Suggestion("Linden & Loom", Kind.BRAND, 122, "Linden & Loom") in vocabulary.suggest("loom")
    assert ("Mugs", Kind.CATEGORY) in {(each.text, each.kind) for each in vocabulary.suggest("mug")}
    assert {each.text for each in vocabulary.suggest("toy ")} >= {"toy car", "toy guitar", "toy boat"}
    assert not [each for each in vocabulary.suggest("metro ") if each.text.endswith(" no")]


# -- the copy in memory ------------------------------------------------------------------------------------------


class Clock:
    """Moves when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cache(database: Database, clock: Clock) -> VocabularyCache:
    return VocabularyCache(database, clock=clock)


def wait_for(condition: Callable[[], bool]) -> None:
    """Until a thread of the cache has done its work."""
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_the_copy_is_read_once_and_then_served(cache: VocabularyCache, database: Database, add: Add) -> None:
    add("Blue Shirt")
    refreshed(database)
    vocabulary, synonyms = cache.vocabulary(), cache.synonyms()
    assert "shirt" in vocabulary
    assert cache.vocabulary() is vocabulary
    assert cache.synonyms() is synonyms


def test_newer_words_are_taken_over_after_a_while(
    cache: VocabularyCache, clock: Clock, database: Database, add: Add
) -> None:
    old = cache.vocabulary()
    add("Blue Shirt")
    refreshed(database)
    clock.now += CHECK_SECONDS - 1
    assert cache.vocabulary() is old
    clock.now += 1
    assert cache.vocabulary() is old  # served while a thread reads the new ones
    wait_for(lambda: "shirt" in cache.vocabulary())
    assert cache.vocabulary().version == 1


def test_what_has_not_changed_is_not_read_again(
    cache: VocabularyCache, clock: Clock, database: Database, add: Add
) -> None:
    add("Blue Shirt")
    refreshed(database)
    vocabulary = cache.vocabulary()
    refreshed(database)
    with database.connection() as connection:
        add_synonym(connection, "tee", ["t-shirt"], two_way=True)
    cache.update()
    assert cache.vocabulary() is vocabulary
    assert len(cache.synonyms()) == 2


def test_many_that_ask_at_once_get_one_copy(cache: VocabularyCache, database: Database, add: Add) -> None:
    add("Blue Shirt")
    refreshed(database)
    found: list[Vocabulary] = []
    threads = [threading.Thread(target=lambda: found.append(cache.vocabulary())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len({id(vocabulary) for vocabulary in found}) == 1


def test_while_the_database_is_away_the_old_words_are_served(
    cache: VocabularyCache, clock: Clock, database: Database, add: Add, caplog: pytest.LogCaptureFixture
) -> None:
    add("Blue Shirt")
    refreshed(database)
    vocabulary = cache.vocabulary()
    with database.connection() as connection:
        connection.execute("ALTER TABLE search_refresh RENAME TO elsewhere")
    try:
        clock.now += CHECK_SECONDS
        assert cache.vocabulary() is vocabulary
        wait_for(lambda: "old ones are used" in caplog.text)
        assert cache.vocabulary() is vocabulary
    finally:
        with database.connection() as connection:
            connection.execute("ALTER TABLE elsewhere RENAME TO search_refresh")


def test_a_database_without_the_tables_says_what_to_do(migrated: Database) -> None:
    with fresh_database(migrated) as database, pytest.raises(DatabaseNotReady, match="vitrine db upgrade"):
        VocabularyCache(database).vocabulary()


@pytest.fixture(autouse=True)
def _threads_end() -> Iterator[None]:
    """A thread of the cache may not outlive its test: the next one empties the tables."""
    yield
    for thread in threading.enumerate():
        if thread.name == "words":
            thread.join(20)


def test_the_schema_lets_no_bad_row_in(database: Database) -> None:
    bad = [
        "INSERT INTO search_word VALUES ('', 1, 1)",
        "INSERT INTO search_word VALUES ('mug', 0, 0)",
        "INSERT INTO search_word VALUES ('mug', 1, 2)",
        "INSERT INTO search_phrase VALUES ('slogan', 'buy now', 1)",
        "INSERT INTO search_pair VALUES ('mug', 'mug', 1)",
        "INSERT INTO search_pair VALUES ('mug', 'bowl', 1)",
        "INSERT INTO search_refresh (name) VALUES ('prices')",
    ]
    for statement in bad:
        with pytest.raises(psycopg.IntegrityError), psycopg.connect(database.url) as connection:
            connection.execute(statement)
