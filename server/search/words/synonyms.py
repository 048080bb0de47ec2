"""What shoppers say for what the catalogue says: which spans of a query have alternatives."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from server.errors import InvalidInput
from server.search.words.splitting import folded, singular, words_of

# The schema has the same limits (migrations/versions/0004_words.py); a test compares the two.
LONGEST_SYNONYM = 100
MOST_REPLACEMENTS = 20

_Form = tuple[str, ...]


@dataclass(frozen=True)
class Synonym:
    """A stored line. two_way: each of the words and replacements stands for all others; else only for `words`."""

    id: int
    words: str
    replacements: tuple[str, ...]
    two_way: bool


@dataclass(frozen=True)
class Alternative:
    """What may stand for the words of a query from `start` to before `end`; each of one or more words."""

    start: int
    end: int
    replacements: tuple[str, ...]


class Synonyms:
    """A copy of all lines, which does not change. Thread-safe."""

    def __init__(self, lines: Iterable[Synonym] = (), version: int = 0) -> None:
        self.version = version
        self._replacements: dict[_Form, dict[_Form, str]] = {}
        for line in lines:
            forms = {_form(words_of(each)): each for each in reversed((line.words, *line.replacements))}
            for form in forms if line.two_way else [_form(words_of(line.words))]:
                known = self._replacements.setdefault(form, {})
                for other in (line.words, *line.replacements):
                    known.setdefault(_form(words_of(other)), other)
        for form, others in self._replacements.items():
            if form in others:
                del others[form]
        self._longest = max(map(len, self._replacements), default=0)

    def __len__(self) -> int:
        return len(self._replacements)

    def expand(self, words: Sequence[str]) -> list[Alternative]:
        """The spans of a query that have synonyms, in its order; none overlaps another, the longest are taken first.

        Singular and plural are one, upper case, accents and dashes do not matter. A replacement is not replaced again.
        """
        forms = [_form([word])[0] for word in words]
        found: list[Alternative] = []
        taken = [False] * len(forms)
        for length in range(min(self._longest, len(forms)), 0, -1):
            for start in range(len(forms) - length + 1):
                end = start + length
                others = self._replacements.get(tuple(forms[start:end]))
                if others and not any(taken[start:end]):
                    taken[start:end] = [True] * length
                    found.append(Alternative(start, end, tuple(others.values())))
        return sorted(found, key=lambda alternative: alternative.start)


def _form(words: Iterable[str]) -> _Form:
    return tuple(singular(folded(word.lower())) for word in words)


def plain_words(text: str) -> str:
    """The text as a synonym is stored and a query is compared with it. Raises InvalidInput where it has no words."""
    plain = " ".join(words_of(text))
    if not plain or "\0" in text:
        raise InvalidInput("A synonym is one or more words, and one of these has none.")
    if len(plain) > LONGEST_SYNONYM:
        raise InvalidInput(f"'{plain[:40]}...' has {len(plain)} characters; a synonym has at most {LONGEST_SYNONYM}.")
    return plain
