"""One spelling for what is typed in many: quotes, dashes, blanks, digits and capitals, each character in its place."""

import re
import unicodedata

_QUOTES = '"“”„‟«»＂'
# Not the em dash: phones make one of "--", and "shirt —blue" goes on where "shirt -blue" leaves out.
_DASHES = "-‐‑‒–−﹣－"
# Marks of the writing direction, and what stands where text was pasted: nobody sees them, and a word does not start
# with them. Postgres cannot hold NUL.
_INVISIBLE = "\0\u200b\u200e\u200f\u061c\ufeff\u2060\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"

_TABLE = {
    **dict.fromkeys(_QUOTES, '"'),
    **dict.fromkeys(_DASHES, "-"),
    **dict.fromkeys(_INVISIBLE, " "),
    "’": "'",
    "〜": "~",
    "￥": "¥",
    "￡": "£",
    "₤": "£",
    "￦": "₩",
}

# How a filter ends: at a blank or behind a comma ("in stock,under 50"), with the punctuation that it has.
END = r"(?:[,;.!?)]*(?= |\Z)|[,;.!?)]*,(?=[^0-9 ,;.!?)]))"

_WORD = re.compile("[^ ]+")


def plain(text: str) -> str:
    """The text in plain letters, of the same length, so that a place in it is a place in what was typed.

    The only blank in it is the space.
    """
    return "".join(map(_plain_character, text))


def _plain_character(character: str) -> str:
    if character in _TABLE:
        return _TABLE[character]
    # Half a character (a surrogate) is none, and cannot be stored or embedded.
    if character.isspace() or "\ud800" <= character <= "\udfff":
        return " "
    if character.isdecimal():
        return str(unicodedata.decimal(character))
    if "！" <= character <= "～":
        character = chr(ord(character) - ord("！") + ord("!"))
    lower = character.lower()
    return lower if len(lower) == 1 else character


def tidy(text: str) -> str:
    """The typed text with one space wherever there are blanks, and none at its ends."""
    return " ".join(text[word.start() : word.end()] for word in _WORD.finditer(plain(text)))
