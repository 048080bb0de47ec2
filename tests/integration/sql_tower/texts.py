"""Queries of all kinds to compare towers on."""

from tests.integration.model_store.fuzzed_texts import fuzzed_texts

_SAID = [
    "", " ", "a", "red evening dress", "striped blue shirt", "size 42 / 8.5 US, 2 x 500 ml, 19.99 €", "👗👠🎉", "❤️ bag",
    "crème brûlée für größere Gäste", "红色连衣裙", "赤いワンピース", "빨간 드레스", "42", "3.14 100%", "word " * 300,
    "a shirt with long sleeves and a collar " * 40, "VINTAGE LEATHER BAG!!!", "levi's women's t-shirt, it's they'll",
    "<|endoftext|>", "shirt <|startoftext|> blue", "İstanbul ΑΣΣΟΣ ſtraße ǅ", "\t\n red \u00a0 shoes \u3000", "x" * 700,
]  # fmt: skip


def varied_texts(count: int) -> list[str]:
    """Plain queries, odd ones and fuzzed ones, always the same. Without U+0000, which no text in Postgres has."""
    colours = ("red", "blue", "black", "green", "white")
    things = ("shirt", "running shoes", "leather handbag", "summer dress", "coat", "wooden chair", "mug", "toy car")
    plain = [f"{colour} {thing}" for colour in colours for thing in things]
    fuzzed = [text.replace("\0", "") for text in fuzzed_texts(count, seed=21)]
    return [*_SAID, *plain, *fuzzed][:count]
