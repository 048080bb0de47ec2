"""Classes of characters for Postgres, as the library `tokenizers` has them."""

import re

from tokenizers import normalizers

from server.sql_tower.characters import bracket, islands, lowered, matching, stripped


def library(text: str, form: str) -> str:
    made: str = getattr(normalizers, form)().normalize_str(text)
    return made


def test_a_class_names_its_characters_by_ranges() -> None:
    assert bracket("dcba") == "\\u0061-\\u0064"
    assert bracket(["é", "a", "😀"]) == "\\u0061\\u00e9\\U0001f600"
    letters = matching(r"\p{L}")
    assert {"a", "é", "红", "ß", "ª"} <= letters
    assert not letters & {"1", " ", "\u0301", "€", "👗"}
    # The same class read by another engine takes the same characters.
    pattern = re.compile(f"[{bracket(matching(chr(92) + 's'))}]")
    assert {one for one in map(chr, range(0x3001)) if pattern.match(one)} == matching(r"\s")


def test_lower_case_and_blanks_are_the_library_s() -> None:
    assert lowered()["Σ"] == "σ"
    assert lowered()["İ"] == "i\u0307"
    assert "ß" not in lowered()
    assert {" ", "\u00a0", "\u3000"} <= stripped()
    assert "\u200b" not in stripped()


def test_a_database_of_the_library_s_unicode_has_no_islands() -> None:
    assert islands("NFC", library) == frozenset()


def test_characters_that_only_the_database_knows_are_islands_with_their_parts() -> None:
    def newer(text: str, form: str) -> str:
        apart = library(text, form).replace("\U000105c9", "\U000105d2\u0307")
        return apart if form == "NFD" else apart.replace("\U000105d2\u0307", "\U000105c9")

    found = islands("NFC", newer)
    assert found == {"\U000105c9", "\U000105d2"}


def test_a_database_that_lacks_what_the_library_knows_is_not_made_up_for() -> None:
    assert islands("NFC", lambda text, form: library(text, form).replace("é", "e\u0301")) is None
