"""`vitrine synonyms` and `vitrine words`."""

import json

import pytest

from server.db.engine import Database
from server.search.words.refresh import refresh_words
from tests.factories import add_product
from tests.integration.cli.conftest import Run


@pytest.fixture
def in_shop(shop: Database, run: Run) -> Run:
    """The command line on a migrated, empty shop."""
    return run


def test_synonyms_are_added_listed_and_removed(in_shop: Run) -> None:
    assert in_shop("synonyms", "add", "Sneakers", "trainers", "running shoes").output == (
        "Added 1: sneakers <-> trainers, running shoes\n"
    )
    assert in_shop("synonyms", "add", "sofa", "couch", "--one-way").output == "Added 2: sofa -> couch\n"
    assert in_shop("synonyms", "list").output == "1: sneakers <-> trainers, running shoes\n2: sofa -> couch\n"
    assert json.loads(in_shop("synonyms", "list", "--json").output)[1] == {
        "id": 2, "words": "sofa", "replacements": ["couch"], "two_way": False,
    }  # fmt: skip
    assert in_shop("synonyms", "remove", "1").output == "Removed 1: sneakers <-> trainers, running shoes\n"
    assert in_shop("synonyms", "remove", "Sofa").output == "Removed 2: sofa -> couch\n"
    assert "There are no synonyms" in in_shop("synonyms", "list").output
    assert json.loads(in_shop("synonyms", "list", "--json").output) == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("add", "sofa"), "Missing argument 'REPLACEMENTS...'"),
        (("add", "sofa", "Sofa"), "'sofa' needs other words that stand for it."),
        (("add", "", "couch"), "one of these has none"),
        (("add", "sofa", "x" * 101), "a synonym has at most 100"),
        (("remove", "couch"), "There is no synonym with the number or the words 'couch'."),
        (("remove", "!"), "one of these has none"),
    ],
)
def test_a_mistake_is_a_sentence(in_shop: Run, arguments: tuple[str, ...], sentence: str) -> None:
    refused = in_shop("synonyms", *arguments)
    assert refused.exit_code == 2
    assert sentence in refused.output


def test_words_that_have_synonyms_are_not_given_others(in_shop: Run) -> None:
    in_shop("synonyms", "add", "sofa", "couch")
    refused = in_shop("synonyms", "add", "sofa", "settee")
    assert refused.exit_code == 2
    assert "'sofa' has synonyms already (number 1)" in refused.output


def test_a_database_without_the_tables_says_what_to_do(run: Run, empty: Database) -> None:
    for arguments in (("synonyms", "list"), ("words", "refresh")):
        refused = run(*arguments)
        assert refused.exit_code == 2
        assert "vitrine db upgrade" in refused.output


def test_words_are_computed_and_the_outcome_is_told(in_shop: Run, shop: Database) -> None:
    with shop.connection() as connection:
        add_product(connection, "A-1", title="Red Mug")
    assert "2 words, 1 phrases and names and 1 pairs of words of 1 products" in in_shop("words", "refresh").output
    assert "Nothing has changed" in in_shop("words", "refresh").output


def test_words_that_are_being_computed_are_not_computed_twice(in_shop: Run, shop: Database) -> None:
    with shop.connection() as connection:
        assert refresh_words(connection) is not None
        told = in_shop("words", "refresh")
    assert told.exit_code == 0
    assert "computed already" in told.output
