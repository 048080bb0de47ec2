"""Words to token ids. Never fails on what a person can type or a file can hold."""

from tokenizers import Tokenizer as _Tokenizer

from server.embedding.manifest import Manifest
from server.errors import ModelError

# Characters kept for each token of the context before anything looks at the text: the longest words of CLIP's
# vocabulary have fewer, so a cut text still fills the context, and a 10,000-word description costs no more than a page.
CHARACTERS_PER_TOKEN = 32

# What tokenizers without pieces for everything put in the place of the rest.
_UNKNOWN = frozenset({"[UNK]", "<unk>"})

# What Unicode calls white space. str.strip() also takes U+001C to U+001F, which are tokens to CLIP.
BLANKS = "".join(c for c in map(chr, range(0x3001)) if c.isspace() and c not in "\x1c\x1d\x1e\x1f")


class TextTokenizer:
    """The model's own tokenizer.json, cut to its context. Thread-safe."""

    def __init__(self, tokenizer: _Tokenizer, context_length: int, end_token: str, *, lowercase: bool = False) -> None:
        end_id = tokenizer.token_to_id(end_token)
        if end_id is None:
            raise ModelError(f'The tokenizer does not know the end token "{end_token}" that the manifest names.')
        self._tokenizer = tokenizer
        self._context_length = context_length
        self._end_id: int = end_id
        self._lowercase = lowercase
        # Padding is the encoder's matter; files saved by transformers often switch it on.
        tokenizer.no_padding()
        tokenizer.enable_truncation(context_length)
        # "<|endoftext|>" typed by a shopper is words. As the token it would end the text there.
        tokenizer.encode_special_tokens = True

    @property
    def vocabulary(self) -> int:
        """One more than the highest token id."""
        return 1 + max(self._tokenizer.get_vocab(with_added_tokens=True).values())

    @property
    def end_id(self) -> int:
        """Id of the end token."""
        return self._end_id

    def has_word(self, word: str) -> bool:
        """Whether the word is one token. Of what the tokenizer was made from, the frequent words are."""
        tokens = self._tokenizer.encode(word, add_special_tokens=False)
        return len(tokens.ids) == 1 and tokens.tokens[0] not in _UNKNOWN

    def encode(self, text: str) -> list[int]:
        """Token ids, between 1 and `context_length` of them; the last is the end token, also after a cut."""
        text = text.strip(BLANKS)
        longest = self._context_length * CHARACTERS_PER_TOKEN
        ids = self._encode_all(text[:longest])
        if len(ids) < self._context_length and len(text) > longest:
            # Most of what was kept is blank, or of a kind that many characters of make one token.
            ids = self._encode_all(text)
        return ids

    def _encode_all(self, text: str) -> list[int]:
        # Half an emoji (a lone surrogate) has no UTF-8.
        text = text.encode("utf-8", "replace").decode("utf-8")
        if self._lowercase:
            text = text.lower()
        ids: list[int] = self._tokenizer.encode(text).ids[: self._context_length]
        if not ids or ids[-1] != self._end_id:
            ids = [*ids[: self._context_length - 1], self._end_id]
        return ids


def load_tokenizer(manifest: Manifest) -> TextTokenizer:
    """Read the manifest's tokenizer file. Raises ModelError."""
    path = manifest.folder / manifest.text.tokenizer
    try:
        tokenizer = _Tokenizer.from_file(str(path))
    except Exception as exc:  # the Rust side raises plain Exception
        raise ModelError(
            f"{path.name} is not a tokenizer that can be loaded. Install the model again.", path=str(path)
        ) from exc
    text = manifest.text
    return TextTokenizer(tokenizer, text.context_length, text.end_token, lowercase=text.lowercase)
