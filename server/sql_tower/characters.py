"""Classes of characters as the library `tokenizers` sees them, asked of the library itself.

Postgres' own classes depend on the locale, and Postgres and the library have each a version of Unicode of their own.
"""

from collections.abc import Callable, Iterable
from functools import cache

from tokenizers import Regex, normalizers

_FIRST_SURROGATE, _BEHIND_SURROGATES, _END = 0xD800, 0xE000, 0x110000
# Stands between characters that are normalised together: a starter that goes into no other character.
_BETWEEN = "\n"
# Marks of a low and of a high combining class, beside which another mark changes its place or keeps it.
_LOW, _HIGH = "\u0334", "\u0345"
# The planes that have characters which can be normalised: 0 to 3, and 14. The others are empty, or for private use.
_NORMALISED = tuple(
    chr(code)
    for code in [*range(1, _FIRST_SURROGATE), *range(_BEHIND_SURROGATES, 0x40000), *range(0xE0000, 0xF0000)]
    if chr(code) != _BETWEEN
)


@cache
def all_characters() -> tuple[str, ...]:
    """Every character that Postgres can hold in UTF-8: all but U+0000 and the surrogates."""
    return tuple(map(chr, [*range(1, _FIRST_SURROGATE), *range(_BEHIND_SURROGATES, _END)]))


@cache
def matching(pattern: str) -> frozenset[str]:
    """The characters that a regular expression for one of them takes."""
    characters = all_characters()
    rest = normalizers.Replace(Regex(pattern), "").normalize_str("".join(characters))
    return frozenset(characters) - frozenset(rest)


@cache
def stripped() -> frozenset[str]:
    """What the normaliser Strip takes off the ends."""
    strip = normalizers.Strip()
    return frozenset(one for one in all_characters() if not strip.normalize_str(one))


@cache
def lowered() -> dict[str, str]:
    """The characters that the normaliser Lowercase changes, and into what; it looks at each alone."""
    lower = normalizers.Lowercase()
    return {one: low for one in all_characters() if (low := lower.normalize_str(one)) != one}


def islands(form: str, ask: Callable[[str, str], str]) -> frozenset[str] | None:
    """Characters that the database's `normalize` knows and the library does not, nor composes with others.

    A text falls apart at them: what is between is normalised as the library would. form: NFC, NFD, NFKC or NFKD;
    ask(text, form): the database's `normalize`. None where the library knows characters that the database does not,
    which nothing here could make up for.
    """
    apart = form.replace("C", "D") if form.endswith("C") else form
    known = _differing(form, ask, "", "") | _differing(apart, ask, "", "")
    known |= _differing(apart, ask, "a", _LOW) | _differing(apart, ask, f"a{_HIGH}", "")
    parts = set(ask("".join(sorted(known)), apart))
    if not all(_is_inert(one, apart) for one in known):
        return None
    return frozenset(known | {one for one in parts if _is_inert(one, apart)})


def _differing(form: str, ask: Callable[[str, str], str], before: str, behind: str) -> set[str]:
    """Characters that come out in another way, between what is before and behind."""
    text = _BETWEEN.join(before + one + behind for one in _NORMALISED)
    ours, theirs = _normaliser(form)(text).split(_BETWEEN), ask(text, form).split(_BETWEEN)
    return {one for one, our, their in zip(_NORMALISED, ours, theirs, strict=True) if our != their}


def _is_inert(one: str, apart: str) -> bool:
    """Whether the library leaves a character as and where it is, and puts it together with no other."""
    normalise = _normaliser(apart)
    same = all(normalise(text) == text for text in (one, f"a{_HIGH}{one}", f"a{one}{_LOW}"))
    return same and one not in _parts(apart)


@cache
def _parts(apart: str) -> frozenset[str]:
    """The characters that the library takes others apart into."""
    taken = zip(_NORMALISED, _normaliser(apart)(_BETWEEN.join(_NORMALISED)).split(_BETWEEN), strict=True)
    return frozenset("".join(parts for one, parts in taken if parts != one))


def _normaliser(form: str) -> Callable[[str], str]:
    made = {"NFC": normalizers.NFC, "NFD": normalizers.NFD, "NFKC": normalizers.NFKC, "NFKD": normalizers.NFKD}
    call: Callable[[str], str] = made[form]().normalize_str
    return call


def bracket(characters: Iterable[str]) -> str:
    """What stands between [ and ] in a regular expression of Postgres for these characters."""
    codes = sorted(map(ord, characters))
    ranges: list[list[int]] = []
    for code in codes:
        if ranges and code == ranges[-1][1] + 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return "".join(_escaped(low) if low == high else f"{_escaped(low)}-{_escaped(high)}" for low, high in ranges)


def _escaped(code: int) -> str:
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
