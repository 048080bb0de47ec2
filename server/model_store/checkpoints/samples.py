"""Texts of many scripts and kinds, to compare tokenizers on."""

from collections.abc import Iterator

import numpy as np

COUNT = 500
SEED = 20

_PLAIN = [
    "", "shirt", "Blue shirt with STRIPES", "a photo of a cat", "2 x 500 g", "women's jeans, size 32/34",
    "don't we'll", "Crème brûlée, 12,50 €", "naïve façade — Ångström Œuvre", "Größe: M (weiß)", "ЖЕНСКОЕ платье",
    "ΜΑΎΡΟ φόρεμα", "ﬁne ½ ²", "赤いワンピース", "红色连衣裙 女", "빨간 드레스", "فستان أحمر", "שמלה אדומה",
    "लाल पोशाक", "ชุดเดรสสีแดง", "İstanbul ıslak", "👗👠 ❤️", "👩🏽‍🦱🏳️‍🌈", "<b>sale</b> &amp; more &nbsp; &#39;now&#39;",
    "https://shop.example/p?id=1&x=2", "e\u0301 is not \u00e9", "a\u200bb\ufeffc",
    "tab\tand\nline\r\nand\u00a0hard space", "100% cotton!!! ... ???", "#tag @name $5 ^_^ ~~ `code` {x} [y] |z| \\",
    "antidisestablishmentarianism pneumonoultramicroscopicsilicovolcanoconiosis", "word " * 199 + "word", "x" * 300,
    "9" * 120,
]  # fmt: skip
_ALPHABETS = (
    "abcdefghijklmnopqrstuvwxyz ", "ABCDEFGHIJKLM nopqrstuvwxyz'-", "0123456789.,/ ",
    "!\"#$%&'()*+,-./:;=?@[]^_`{|}~ ", "àâäçéèêëîïôöùûüÿñåæøßðþ ", "абвгдежзийклмнопрстуфхцчшщ ",
    "αβγδεζηθικλμνξοπρστυφχψω ", "的一是不了在人有我他这个们中来上大", "あいうえおカキクケコ漢字",
    "가나다라마바사아자차 ", "😀🎉👗👠🧥🕶️❤️🌸 ",
)  # fmt: skip


def sample_texts() -> Iterator[str]:
    """Several hundred texts of many scripts, always the same: products, punctuation, markup, mixtures, long ones.

    None begins or ends with a blank, which our tokenizer takes off whatever the model's own does, and none spells a
    special token, which typed by a person is words to ours.
    """
    yield from _PLAIN
    draw = np.random.default_rng(SEED)
    for number in range(COUNT - len(_PLAIN)):
        parts = []
        for _ in range(1 + number % 4):
            letters = list(_ALPHABETS[draw.integers(len(_ALPHABETS))])
            parts.append("".join(draw.choice(letters, size=int(draw.integers(1, 30)))))
        yield " ".join(parts).strip()
