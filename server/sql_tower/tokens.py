"""A model's tokenizer.json as tables: what is done to a text, step by step, and which tokens become which.

Only parts whose every detail is known here are taken; a tokenizer with any other is refused.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from tokenizers import Tokenizer

from server.embedding.manifest import Manifest
from server.embedding.tokenizer import BLANKS, CHARACTERS_PER_TOKEN
from server.errors import ModelError
from server.sql_tower.characters import bracket, islands, lowered, matching, stripped

# (text, form) -> the database's `normalize`.
Normalise = Callable[[str, str], str]

_CONTRACTIONS = "'s|'t|'re|'ve|'m|'ll|'d"
_CLIP = rf"{_CONTRACTIONS}|[\p{{L}}]+|[\p{{N}}]|[^\s\p{{L}}\p{{N}}]+"
_SPECIALS = r"<\|startoftext\|>|<\|endoftext\|>|"
# Regular expressions that are known -> the same for Postgres, with {L}, {M}, {N} and {S} for letters, marks, numbers
# and blanks. Postgres takes the longest alternative where others take the first, so each was looked at: where several
# begin at one place, the first one here is the longest too.
_CLIP_HERE = _CONTRACTIONS + "|[{L}]+|[{N}]|[^{S}{L}{N}]+"
_PATTERNS: Mapping[str, str] = {
    r"\s+": "[{S}]+",
    r"[^\p{L}\p{M}\p{N}&%']+": "[^{L}{M}{N}&%']+",
    _CLIP: _CLIP_HERE,
    _SPECIALS + _CLIP: _SPECIALS + _CLIP_HERE,
}
# What ByteLevel cuts by. The last alternative is \s+ in the library, where it is reached with one blank left alone.
_BYTE_LEVEL = _CONTRACTIONS + "| ?[{L}]+| ?[{N}]+| ?[^{S}{L}{N}]+|[{S}]+(?![^{S}])|[{S}]"
_CLASSES = {"L": r"\p{L}", "M": r"\p{M}", "N": r"\p{N}", "S": r"\s"}


class Step(NamedTuple):
    """Something done to a text or its pieces; see `steps` in text.sql. plain: the pattern for texts of ASCII alone."""

    kind: str
    pattern: str | None = None
    stead: str | None = None
    plain: str | None = None


@dataclass(frozen=True)
class Tokens:
    """first_bytes, last_bytes: tokens of the 256 bytes, within a word and at its end. merges: pair -> rank and token.

    words: what is one token as a whole. opening, closing: tokens around a text.
    """

    steps: tuple[Step, ...]
    first_bytes: tuple[int, ...]
    last_bytes: tuple[int, ...]
    merges: Mapping[tuple[int, int], tuple[int, int]]
    words: Mapping[str, int]
    opening: tuple[int, ...]
    closing: tuple[int, ...]
    context: int
    longest: int
    blanks: str


def read_tokens(manifest: Manifest, normalise: Normalise) -> Tokens:
    """The tokenizer of an installed model. Raises ModelError for one with a part that is not known here."""
    path = manifest.folder / manifest.text.tokenizer
    return _Reader(manifest, path, normalise).read()


class _Reader:
    def __init__(self, manifest: Manifest, path: Path, normalise: Normalise) -> None:
        self._manifest = manifest
        self._normalise = normalise
        try:
            text = path.read_text(encoding="utf-8")
            self._tokenizer = Tokenizer.from_str(text)
            self._said: dict[str, Any] = json.loads(text)
        except Exception as exc:  # the Rust side raises plain Exception
            raise ModelError(f"{path.name} is not a tokenizer that can be loaded. Install the model again.") from exc

    def read(self) -> Tokens:
        said, spec = self._said, self._manifest.text
        if spec.lowercase:
            raise self._refuse("texts are put in lower case before it")
        if any(not token.get("special") for token in said.get("added_tokens") or []):
            raise self._refuse("it has added tokens that are words")
        steps = (*self._normaliser(said.get("normalizer")), *self._pieces(said.get("pre_tokenizer")))
        opening, closing = self._frame()
        suffix = self._check_model(said["model"])
        vocabulary: dict[str, int] = said["model"]["vocab"]
        return Tokens(
            steps=steps,
            first_bytes=self._bytes(vocabulary, ""),
            last_bytes=self._bytes(vocabulary, suffix),
            merges=self._merges(said["model"], vocabulary),
            words=dict(self._words(vocabulary, suffix)),
            opening=opening,
            closing=closing,
            context=spec.context_length,
            longest=spec.context_length * CHARACTERS_PER_TOKEN,
            blanks=BLANKS,
        )

    def _refuse(self, why: str) -> ModelError:
        return ModelError(f"The tokenizer of {self._manifest.name} cannot be computed in SQL: {why}.")

    def _normaliser(self, said: Any) -> Iterator[Step]:
        if said is None:
            return
        kind = said["type"]
        if kind == "Sequence":
            for one in said["normalizers"]:
                yield from self._normaliser(one)
        elif kind in ("NFC", "NFD", "NFKC", "NFKD"):
            yield self._form(kind)
        elif kind == "Lowercase":
            yield from _lowercase()
        elif kind == "Strip" and said.get("strip_left") and said.get("strip_right"):
            yield Step("strip", "".join(sorted(stripped())))
        elif kind == "Replace":
            pattern, plain = self._pattern(said["pattern"].get("Regex"))
            yield Step("replace", pattern, _literally(said["content"]), plain)
        else:
            raise self._refuse(f"it normalises texts in a way that is not known here ({kind})")

    def _form(self, form: str) -> Step:
        found = islands(form, self._normalise)
        if found is None:
            raise self._refuse(
                "the database's version of Unicode is older than that of the tokenizer. Use a newer Postgres"
            )
        return Step("form", f"[{bracket(found)}]" if found else None, form)

    def _pieces(self, said: Any) -> Iterator[Step]:
        """ByteLevel, or several cuts of which it is the last."""
        parts = said["pretokenizers"] if said and said["type"] == "Sequence" else [said]
        if not parts or parts[-1] is None or parts[-1]["type"] != "ByteLevel":
            raise self._refuse("it does not cut texts into bytes")
        for part in parts[:-1]:
            if part["type"] != "Split" or part["behavior"] != "Removed" or not part["invert"]:
                raise self._refuse(f"it cuts texts in a way that is not known here ({part['type']})")
            pattern, plain = self._pattern(part["pattern"].get("Regex"))
            yield Step("split", pattern, None, plain)
        if parts[-1]["add_prefix_space"]:
            yield Step("prefix")
        if parts[-1].get("use_regex", True):
            yield Step("split", _filled(_BYTE_LEVEL), None, _filled(_BYTE_LEVEL, plain=True))

    def _pattern(self, regex: str | None) -> tuple[str, str]:
        here = None if regex is None else _PATTERNS.get(regex)
        if here is None:
            raise self._refuse(f"it uses a regular expression that is not known here ({regex})")
        return _filled(here), _filled(here, plain=True)

    def _frame(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Tokens before and behind those of a text."""
        said = self._said.get("post_processor")
        if said is None or said["type"] not in (
            "TemplateProcessing",
            "RobertaProcessing",
            "BertProcessing",
            "ByteLevel",
        ):
            raise self._refuse("it frames texts in a way that is not known here")
        tokenizer = Tokenizer.from_str(json.dumps(self._said))
        tokenizer.no_padding()
        tokenizer.no_truncation()
        bare = tokenizer.encode("a", add_special_tokens=False).ids
        framed = tokenizer.encode("a").ids
        at = next((n for n in range(len(framed)) if framed[n : n + len(bare)] == bare), None)
        if at is None:
            raise self._refuse("it frames texts in a way that is not known here")
        opening, closing = framed[:at], framed[at + len(bare) :]
        if closing != [tokenizer.token_to_id(self._manifest.text.end_token)]:
            raise self._refuse("it does not end a text with its end token")
        return tuple(opening), tuple(closing)

    def _check_model(self, model: Mapping[str, Any]) -> str:
        """What stands behind the last byte of a word."""
        if model.get("type", "BPE") != "BPE":
            raise self._refuse(f"it is of the kind {model['type']}, and only byte-pair encodings are known here")
        odd = [
            key for key in ("dropout", "byte_fallback", "ignore_merges", "continuing_subword_prefix") if model.get(key)
        ]
        if odd:
            raise self._refuse(f"it uses {' and '.join(odd)}")
        return model.get("end_of_word_suffix") or ""

    def _bytes(self, vocabulary: Mapping[str, int], suffix: str) -> tuple[int, ...]:
        symbols = byte_symbols()
        if any(symbol + suffix not in vocabulary for symbol in symbols):
            raise self._refuse("it has no token for some byte")
        return tuple(vocabulary[symbol + suffix] for symbol in symbols)

    def _merges(
        self, model: Mapping[str, Any], vocabulary: Mapping[str, int]
    ) -> dict[tuple[int, int], tuple[int, int]]:
        merges: dict[tuple[int, int], tuple[int, int]] = {}
        for rank, pair in enumerate(model["merges"]):
            before, behind = pair.split(" ") if isinstance(pair, str) else pair
            try:
                merges[vocabulary[before], vocabulary[behind]] = rank, vocabulary[before + behind]
            except KeyError as exc:
                raise self._refuse("it merges tokens that it does not have") from exc
        last: dict[int, int] = {}
        for rank, made in merges.values():
            last[made] = max(rank, last.get(made, rank))
        # All places of a pair are merged at once in SQL, which is the same only where no merge waits for a later one.
        if any(
            max(last.get(before, -1), last.get(behind, -1)) >= rank for (before, behind), (rank, _) in merges.items()
        ):
            raise self._refuse("its merges are not in the order in which they were learned")
        return merges

    def _words(self, vocabulary: Mapping[str, int], suffix: str) -> Iterator[tuple[str, int]]:
        """Words that the library makes one token of."""
        meant = {symbol: number for number, symbol in enumerate(byte_symbols())}
        specials = {token["content"] for token in self._said.get("added_tokens") or []}
        for token, number in vocabulary.items():
            symbols = token.removesuffix(suffix) if suffix else token
            if token in specials or (suffix and symbols == token) or not symbols or not meant.keys() >= set(symbols):
                continue
            made = self._tokenizer.model.tokenize(symbols)
            word = bytes(meant[symbol] for symbol in symbols)
            if [one.id for one in made] == [number] and b"\0" not in word and _is_text(word):
                yield word.decode("utf-8"), number


def byte_symbols() -> list[str]:
    """The character that stands for each byte in a byte-level vocabulary, as GPT-2 chose them."""
    shown = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [byte for byte in range(256) if byte not in shown]
    symbols = {byte: chr(byte) for byte in shown} | {byte: chr(256 + n) for n, byte in enumerate(hidden)}
    return [symbols[byte] for byte in range(256)]


def _is_text(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _lowercase() -> Iterator[Step]:
    """Characters that become several first, which are few; then the rest, one for one."""
    table = lowered()
    for one, low in table.items():
        if len(low) > 1:
            yield Step("exchange", one, low)
    single = {one: low for one, low in table.items() if len(low) == 1}
    yield Step("lower", "".join(single), "".join(single.values()))


def _literally(stead: str) -> str:
    """What Postgres is to put in the place of a match: \\ has a meaning there."""
    return stead.replace("\\", "\\\\")


def _filled(pattern: str, plain: bool = False) -> str:
    """With the classes' characters in their place, or those of ASCII alone, which is compiled in no time."""
    for letter, asked in _CLASSES.items():
        if "{" + letter + "}" in pattern:
            characters = matching(asked)
            chosen = (one for one in characters if one.isascii()) if plain else characters
            pattern = pattern.replace("{" + letter + "}", bracket(chosen))
    return pattern
