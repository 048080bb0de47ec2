"""Strings that people type, paste and import, and many that nobody would: always the same ones."""

import random

BLANKS = "\t\n\v\f\r \u0085\u00a0\u1680\u2000\u2003\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
CONTROLS = (
    "".join(chr(code) for code in [*range(0x20), *range(0x7F, 0xA0)]) + "\u200b\u200c\u200d\u200e\u2060\ufeff\u00ad"
)
ALPHABETS = {
    "latin": "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "accents": "àáâãäåæçèéêëìíîïñòóôõöøùúûüýÿœšžğışőűÀÉÎÕÜŒŠŽĞİŞ",
    "combining": "aeiounc\u0300\u0301\u0302\u0303\u0308\u030a\u0327\u0328\u0345",
    "digits": "0123456789٠١٢٣४५६²³¼½Ⅻ",
    "punctuation": "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~«»„“”‘’…–—•·™®€£¥№",
    "greek and cyrillic": "αβγδεζηθςσΑΣΩάέήабвгджзйклмнопрстуфхщыэюяЁЖЩЮ",
    "cjk": "的一是不了在人有我他红色连衣裙赤いワンピースドレス빨간드레스여성",
    "right to left": "אבגדהוזחטיكلمةفستانأحمر",
    "indic and thai": "लालपोशाककपड़ाชุดเดรสสีแดง",
    "emoji": "😀🎉👗👠🧥🕶\ufe0f❤\ufe0f👩🏽\u200d🦱🏳\ufe0f\u200d🌈🇫🇷1\ufe0f\u20e3",
    "blanks": BLANKS,
    "controls": CONTROLS,
    "ligatures and wide": "ﬁﬂﬀﬃｆｕｌｌＷＩＤＴＨ㎏㏄Åﬅ",
}
MARKUP = [
    "<b>{}</b>", "&amp;{}&lt;&gt;", "<p class=\"x\">{}</p>", "&#39;{}&#39; &nbsp;", "<!-- {} -->", "{}<br/>",
    "&quot;{}", "https://example.org/{}?a=1&b=2", "{}@example.org", "<|{}|>",
    "{}'s", "don't {} we'll I'd they've I'm it's", "#{}",
]  # fmt: skip
TITLES = (
    "Women's red leather handbag running shoes 42 EU waterproof jacket, size M/L cotton-rich T-shirt 100% organic "
    "v-neck stripes (blue) Levi's 501® jeans slim-fit W32 L34 crème brûlée 2x150g café au lait jalapeño 12,50 € £9.99 "
    "1080p USB-C don't-miss SALE!!! new_arrival #summer24 A4 80gsm 3-in-1 stainless-steel naïve Größe über Øre señor "
    "façade it's they've I'm we'll you'd antidisestablishmentarianism 5'10\" 1/2 H2O CO₂ ½ m² 25°C e.g. U.S.A. a&b"
)


def fuzzed_texts(count: int, seed: int = 5) -> list[str]:
    """`count` strings, none of which spells one of CLIP's special tokens."""
    draw = random.Random(seed)
    makers = [_of_one_kind, _mixed, _markup, _any_characters, _long, _product]
    texts: list[str] = []
    while len(texts) < count:
        text = makers[len(texts) % len(makers)](draw)
        if "<|startoftext|>" not in text.lower() and "<|endoftext|>" not in text.lower():
            texts.append(text)
    return texts


def _of_one_kind(draw: random.Random) -> str:
    alphabet = draw.choice(list(ALPHABETS.values()))
    words = ("".join(draw.choices(alphabet, k=draw.randint(1, 12))) for _ in range(draw.randint(0, 12)))
    return " ".join(words)


def _mixed(draw: random.Random) -> str:
    parts = ("".join(draw.choices(draw.choice(list(ALPHABETS.values())), k=draw.randint(1, 8))) for _ in range(20))
    return "".join(part + draw.choice(["", " ", draw.choice(BLANKS)]) for part in parts)


def _markup(draw: random.Random) -> str:
    text = _of_one_kind(draw)
    for _ in range(draw.randint(1, 3)):
        text = draw.choice(MARKUP).format(text.replace("{", "(").replace("}", ")"))
    return text


def _any_characters(draw: random.Random) -> str:
    """Code points of all planes but the surrogates, which no file in UTF-8 can hold."""
    codes = (
        draw.choice([draw.randrange(0xD800), draw.randrange(0xE000, 0x110000)]) for _ in range(draw.randint(1, 60))
    )
    return "".join(map(chr, codes))


def _long(draw: random.Random) -> str:
    """Texts far over the context, some of one endless word, some with more blanks than words."""
    part = _of_one_kind(draw) or "long"
    joint = draw.choice(["", " ", draw.choice(BLANKS) * draw.choice([1, 3, 400])])
    return joint.join([part] * draw.randint(2, 60))


def _product(draw: random.Random) -> str:
    """A title with a few characters replaced, doubled, dropped or in the other case."""
    letters = list(" ".join(draw.choices(TITLES.split(), k=draw.randint(1, 14))))
    for _ in range(4):
        place = draw.randrange(len(letters))
        other = draw.choice(draw.choice(list(ALPHABETS.values())))
        letters[place] = draw.choice([other, letters[place] * 2, letters[place].swapcase(), ""])
    return "".join(letters)
