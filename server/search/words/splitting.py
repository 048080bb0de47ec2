"""Where a text has its words, alike for a query here and for the catalogue in words.sql, and a word's forms."""

import re
import unicodedata

# What stands between words. Without the classes of either regular expression language ([[:alnum:]], \w): those of
# Postgres depend on the locale that a database was made with, and words.sql is given this very string. A dash and an
# apostrophe are parts of words (t-shirt, men's), at their ends they are dropped.
SEPARATORS = (
    "[\t-\r -&(-,./:-@\\[-`{-~\N{NO-BREAK SPACE}-\N{INVERTED QUESTION MARK}\N{MULTIPLICATION SIGN}\N{DIVISION SIGN}"
    # Punctuation, currencies, letter-like signs, arrows to dingbats, punctuation of Chinese and Japanese, pictures.
    "\u2000-\u206f\u20a0-\u20cf\u2100-\u214f\u2190-\u2bff\u3000-\u303f\ufeff\U0001f000-\U0001faff]+"
)
# What ends a part of a title, so that no phrase reaches across it. A dash between blanks does too. A full stop does
# not: in titles nearly all of them follow an abbreviation.
ENDS_OF_PARTS = "[(),/:;|!?\\[\\]{}\N{EM DASH}\N{EN DASH}\N{BULLET}\N{MIDDLE DOT}]+"
# Typographic apostrophes and hyphens, and what people type for them.
FANCY, PLAIN = "\N{RIGHT SINGLE QUOTATION MARK}\N{MODIFIER LETTER APOSTROPHE}\N{HYPHEN}\N{NON-BREAKING HYPHEN}", "''--"
LONGEST_WORD = 40

# Words that neither begin nor end a phrase: English, German, French, Spanish, Italian, Dutch.
JOINING = frozenset({
    "a", "an", "and", "of", "or", "the", "to",
    "das", "dem", "den", "der", "des", "die", "oder", "und", "zu",
    "de", "du", "et", "la", "le", "les", "del", "e", "el", "las", "los", "y",
    "da", "della", "di", "gli", "i", "il", "lo", "een", "en", "het", "van",
})  # fmt: skip
# And those that begin a new part of a title: "blue shirt | with buttons".
ENDING = frozenset({
    "at", "by", "for", "from", "in", "on", "with", "without", "aus", "für", "mit", "ohne", "von",
    "avec", "pour", "sans", "con", "para", "sin", "per", "met", "voor",
})  # fmt: skip
EDGELESS = JOINING | ENDING

_SEPARATORS = re.compile(SEPARATORS)
_FANCY = str.maketrans(FANCY, PLAIN)
_VOWEL = re.compile("[aeiouy]")
# One vowel between consonants, behind which an "e" belongs to the word: strip-e, but not print-e.
_SHORT = re.compile("[^aeiouy]+[aeiouy][^aeiouywx]")


def words_of(text: str) -> list[str]:
    """The words of a text, lower case, in their order: "Men’s T-Shirt, blue" has men's, t-shirt, blue."""
    plain = _SEPARATORS.sub(" ", text.lower().translate(_FANCY))
    return [word for token in plain.split(" ") if (word := token.strip("'-"))]


def folded(word: str) -> str:
    """The word as a hurried person types it: without accents, dashes and apostrophes."""
    if word.isascii():
        return word.replace("-", "").replace("'", "")
    parts = unicodedata.normalize("NFKD", word)
    return "".join(part for part in parts if not unicodedata.combining(part)).replace("-", "").replace("'", "")


def singular(word: str) -> str:
    """An English plural's singular, roughly; other words as they are."""
    word = word.removesuffix("'s").removesuffix("'")
    if len(word) < 4 or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    return word[:-2] if word.endswith(("sses", "shes", "ches", "xes", "zes")) else word[:-1]


def stem(word: str) -> str:
    """What the forms of one English word have in common, roughly: stripe, stripes and striped, but not stripped.

    For the question whether a word is known in another form. After steps 1 and 5 of Porter's algorithm (1980).
    """
    word = singular(word)
    for ending in ("ing", "ed"):
        rest = word.removesuffix(ending)
        if rest != word and len(rest) > 2 and _VOWEL.search(rest):
            word = rest + "e" if _SHORT.fullmatch(rest) else rest
            if rest[-1] == rest[-2] and rest[-1] not in "lsz":
                word = rest[:-1]
            break
    rest = word.removesuffix("e")
    return word if len(rest) < 3 or _SHORT.fullmatch(rest) else rest
