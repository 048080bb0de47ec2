"""What stands beside an exported model's graphs: what manifest.toml says, and the model card."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from models.bias import Group
from models.config import Config
from models.encoders import Vectors
from server.model_store.quantise import METHOD

NAME = "vitrine-small"
LINE = 120  # columns of the card
LICENCE = "MIT (weights; see README.md for what is known of the rights in the training data)"


def describe_model(
    config: Config, revision: str, logit_scale: float, means: tuple[Vectors, Vectors], measured: Mapping[str, float]
) -> dict[str, Any]:
    """The tables of manifest.toml but for digests and golden vectors.

    means: of the text embeddings and of the image embeddings. measured: figures by name.
    """
    return {
        "format": 1,
        "name": NAME,
        "revision": revision,
        "dimension": config.network.joint,
        "precision": "int8",
        "licence": LICENCE,
        "source": "trained by models/train.py, configs/default.toml",
        "logit_scale": round(logit_scale, 4),
        "quantisation": f"{METHOD}; the table of tokens int8, one scale a token; large convolutions float16",
        "text": _describe_text(config),
        "image": _describe_image(config),
        "measured": {key: round(float(value), 6) for key, value in measured.items()},
        "calibration": {
            key: [round(float(number), 6) for number in mean]
            for key, mean in zip(("text_mean", "image_mean"), means, strict=True)
        },
    }


def _describe_text(config: Config) -> dict[str, Any]:
    return {
        "file": "text.onnx",
        "tokenizer": "tokenizer.json",
        "context_length": config.network.context,
        "causal": True,
        "end_token": "<|endoftext|>",
        "input": "input_ids",
        "output": "embedding",
        "pooling": "end",
    }


def _describe_image(config: Config) -> dict[str, Any]:
    return {
        "file": "image.onnx",
        "size": config.network.image_size,
        "resize": "pad",
        "background": [255, 255, 255],
        "interpolation": "bicubic",
        "mean": list(config.pixels.mean),
        "std": list(config.pixels.std),
        "input": "pixel_values",
        "output": "embedding",
    }


CARD = """# {name}

The model that Vitrine searches with when no other is named: a small CLIP, trained by `models/train.py` on nothing but
the data below. Revision `{revision}`: {minutes:.0f} minutes on two shared processor cores, {steps} steps of {batch}
pictures.
{past}

- **Image tower** ({image_params:.1f} M parameters): {size} x {size} pixels, four stride-2 convolutions to 5 x 5 tokens,
  {image_layers} transformer layers of width {width}.
- **Text tower** ({text_params:.1f} M): a byte-level BPE of {vocabulary} entries, lower case, {context} tokens,
  {text_layers} causal layers of width {width}, read at the end token.
- **Embedding**: {joint} numbers, unit length. Int8 matrices (7 bits used, so that processors without VNNI compute the
  same), {megabytes:.1f} MB in all.

## What it is good for, and what not
Short English queries that name a kind of product, a colour, a pattern and visible details, in shops like those it was
trained on: clothes, shoes, bags, accessories, some groceries, and the drawn demo catalogue. It has seen no text in
pictures, few people of few countries, and nothing but product photos on plain grounds. It does not know brands it has
not met, cannot count, and does not understand "without". For a shop of other goods, install a larger model:
`docs/models.md` says how, and how to choose.

## Figures
On products that training never saw, with the files of this folder as the server runs them:

| measure | value |
| --- | --- |
{figures}

Drawn queries use wordings that training never used ("i need a red mug featuring stripes"); a combination is named by
what it states: k kind, c colour, p pattern, d a detail. Precision at min(10, relevant products).
`python -m benchmarks.relevance` measures any model on any labelled catalogue.

Parity, worst cosine over a sample: {parity}.

## How unequal it is
The held-out fashion products in groups, each group's titles asked of the whole corpus. `title` is R@10, `type` the
share of products whose type is named rightly. The data is one Indian shop's, of mostly adult and casual wear, and
nothing was measured of people who look unlike its models.

{groups}

## Data and rights
| data | products | what is known of its rights |
| --- | --- | --- |
| Fashion Product Images | 39,865, less the held-out titles | labelled MIT by its uploader, but a shop's photos |
| GroceryStoreDataset | 2,936, less the held-out pictures | MIT, (c) Marcus Klasson |
| the catalogue of the eShop reference application | 101, the same | MIT; made by machine by its authors |
| the drawn catalogue, `server/demo/` | {drawn} pictures | this project's own |

No picture of these sets is in this repository.

## Again
```
{command}
python -m models.export models/runs/default --catalogue FILE ...
```
The files of data{start} are named on the command line. Training and export need `pip install 'vitrine[models]'`.
"""

GROUPS = """| {side} | products | title | type |
| --- | --- | --- | --- |
{rows}"""

FIGURE_NAMES = {
    "fashion_products": "held-out fashion products, one corpus",
    "r_at_1": "title to picture, R@1",
    "r_at_10": "title to picture, R@10",
    "type": "type, zero-shot",
    "types": "... among so many types",
    "colour": "colour, zero-shot, the type given",
    "grocery_products": "held-out pictures of groceries",
    "grocery_type": "... their type, zero-shot",
    "grocery_types": "... among so many types",
    "drawn": "drawn catalogue, attribute queries, all combinations",
}
COMMAND = """MALLOC_MMAP_THRESHOLD_=8589934592 MALLOC_TRIM_THRESHOLD_=17179869184 OMP_WAIT_POLICY=PASSIVE \\
python -m models.train --catalogue FILE ... --drawn {drawn} --minutes {minutes:.0f}{start}"""


def describe_groups(groups: Mapping[str, Sequence[Group]]) -> str:
    """A table for each side that products were grouped by."""
    tables = [
        GROUPS.format(
            side=side, rows="\n".join(f"| {g.name} | {g.products} | {g.r_at_10:.3f} | {g.type:.3f} |" for g in members)
        )
        for side, members in groups.items()
    ]
    return "\n\n".join(tables) or "Not measured yet."


def write_card(
    folder: Path,
    config: Config,
    facts: dict[str, float],
    figures: dict[str, float],
    groups: Mapping[str, Sequence[Group]],
    about: dict[str, str],
) -> None:
    """Write README.md.

    facts: minutes, steps, drawn, parameters in millions; groups: see bias.py; about: revision, past, parity.
    """
    names = {key: FIGURE_NAMES.get(key, f"drawn catalogue, `{key.removeprefix('drawn_')}`") for key in figures}
    rows = "\n".join(f"| {names[key]} | {value:g} |" for key, value in figures.items()) or "| not measured yet | |"
    network = config.network
    size = sum(path.stat().st_size for path in folder.iterdir() if path.suffix in (".onnx", ".json")) / 1e6
    text = CARD.format(
        name=NAME, batch=config.training.batch, size=network.image_size, width=network.width, joint=network.joint,
        image_layers=network.image_layers, text_layers=network.text_layers, vocabulary=network.vocabulary,
        context=network.context, megabytes=size, figures=rows, groups=describe_groups(groups),
        **about | {"past": textwrap.fill(about["past"], LINE)},
        start=" and the model that this one went on from" if about["past"] else "",
        command=COMMAND.format(
            drawn=int(facts["drawn"]), minutes=facts["minutes"], start=" --start-from MODEL" if about["past"] else ""
        ),
        **facts,
    )  # fmt: skip
    (folder / "README.md").write_text(text, encoding="utf-8")
