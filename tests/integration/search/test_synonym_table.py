"""Synonyms in the database: what is stored, what is refused, and that servers hear of a change."""

from typing import Any

import psycopg
import pytest

from server.db.engine import Database
from server.errors import Conflict, InvalidInput, NotFound
from server.search.words import synonyms as rules
from server.search.words.synonym_table import add_synonym, list_synonyms, read_synonyms, remove_synonym
from server.search.words.synonyms import Alternative, Synonym


def add(database: Database, words: str, *replacements: str, two_way: bool = True) -> Synonym:
    with database.connection() as connection:
        return add_synonym(connection, words, replacements, two_way)


def listed(database: Database) -> list[Synonym]:
    with database.connection() as connection:
        return list_synonyms(connection)


def test_what_is_added_is_brought_to_one_form_and_read_again(database: Database) -> None:
    added = add(database, "  Sneakers ", "Trainers", "running  SHOES", "trainers", "sneakers")
    assert added == Synonym(1, "sneakers", ("trainers", "running shoes"), two_way=True)
    assert listed(database) == [added]
    with database.connection() as connection:
        synonyms = read_synonyms(connection)
    assert synonyms.expand(["red", "trainers"]) == [Alternative(1, 2, ("sneakers", "running shoes"))]


def test_words_have_one_line_of_either_direction(database: Database) -> None:
    add(database, "sofa", "couch")
    add(database, "sofa", "settee", two_way=False)
    with pytest.raises(Conflict, match=r"'sofa' has synonyms already \(number 1\)"):
        add(database, "Sofa", "divan")
    assert len(listed(database)) == 2


@pytest.mark.parametrize(
    ("words", "replacements", "sentence"),
    [
        ("", ["couch"], "has none"),
        ("sofa", ["!"], "has none"),
        ("sofa", [], "needs other words"),
        ("sofa", ["Sofa", " sofa"], "needs other words"),
        ("sofa", ["x" * 101], "at most 100"),
        ("sofa", [f"couch {number}" for number in range(21)], "the most is 20"),
    ],
)
def test_what_is_no_synonym_is_refused(database: Database, words: str, replacements: list[str], sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        add(database, words, *replacements)
    assert listed(database) == []


def test_a_line_is_removed_by_its_number_or_its_words(database: Database) -> None:
    for words, other in (("sofa", "couch"), ("501", "jeans"), ("tee", "t-shirt")):
        add(database, words, other)
    add(database, "tee", "top", two_way=False)
    with database.connection() as connection:
        assert [each.words for each in remove_synonym(connection, "1")] == ["sofa"]
        assert [each.words for each in remove_synonym(connection, "501")] == ["501"]
        assert [each.two_way for each in remove_synonym(connection, " TEE ")] == [True, False]
    assert listed(database) == []


@pytest.mark.parametrize("which", ["7", "99999999999999999999", "couch"])
def test_what_is_not_there_cannot_be_removed(database: Database, which: str) -> None:
    add(database, "sofa", "couch")
    with database.connection() as connection, pytest.raises(NotFound, match=which):
        remove_synonym(connection, which)
    assert len(listed(database)) == 1


def test_every_change_raises_the_version_whoever_makes_it(database: Database) -> None:
    with database.connection() as connection:
        versions = [read_synonyms(connection).version]
    changes = (
        "INSERT INTO synonym (words, replacements) VALUES ('sofa', '{couch}')",
        "UPDATE synonym SET replacements = '{couch,settee}'",
        "DELETE FROM synonym",
        "TRUNCATE synonym",
    )
    for change in changes:
        with database.connection() as connection:
            connection.execute(change)
            versions.append(read_synonyms(connection).version)
    assert versions == [versions[0] + changes_made for changes_made in range(5)]


def test_a_shop_without_synonyms_is_fine(database: Database) -> None:
    with database.connection() as connection:
        assert read_synonyms(connection).expand(["red", "mug"]) == []


@pytest.mark.parametrize(
    ("words", "replacements"),
    [
        ("", ["couch"]),
        ("Sofa", ["couch"]),
        (" sofa", ["couch"]),
        ("corner  sofa", ["couch"]),
        ("sofa\n", ["couch"]),
        ("x" * (rules.LONGEST_SYNONYM + 1), ["couch"]),
        ("sofa", []),
        ("sofa", [""]),
        ("sofa", ["couch", None]),
        ("sofa", ["Couch"]),
        ("sofa", ["couch "]),
        ("sofa", ["couch", "sofa"]),
        ("sofa", [["couch"], ["settee"]]),
        ("sofa", ["x" * (rules.LONGEST_SYNONYM + 1)]),
        ("sofa", [f"couch {number}" for number in range(rules.MOST_REPLACEMENTS + 1)]),
        (None, ["couch"]),
        ("sofa", None),
    ],
)
def test_the_schema_lets_no_bad_row_in(database: Database, words: Any, replacements: Any) -> None:
    statement = "INSERT INTO synonym (words, replacements) VALUES (%s, %s::text[])"
    with pytest.raises(psycopg.IntegrityError), psycopg.connect(database.url) as connection:
        connection.execute(statement, [words, replacements])


def test_the_schema_takes_what_the_rules_allow(database: Database) -> None:
    longest = ["x" * (rules.LONGEST_SYNONYM - 3) + f" {number}" for number in range(10, 10 + rules.MOST_REPLACEMENTS)]
    assert add(database, "x" * rules.LONGEST_SYNONYM, *longest).replacements == tuple(longest)


def test_a_row_that_somebody_wrote_by_hand_is_understood(database: Database) -> None:
    """The schema takes any lower case text; a query never has "h&m" in it, which is two words."""
    with database.connection() as connection:
        connection.execute("INSERT INTO synonym (words, replacements) VALUES ('h&m', '{hennes}'), ('!!', '{??}')")
        synonyms = read_synonyms(connection)
    assert synonyms.expand(["h", "m", "mug"]) == [Alternative(0, 2, ("hennes",))]
