"""Products of catalogue files and the vectors of their pictures, made as an import makes them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from models.captions import Subject
from models.config import Config, load_config
from models.items import Item, Labels
from models.pictures import decode_picture
from models.real import is_held_out, is_held_out_picture
from server.catalog.picture import read_for_tower
from server.embedding.encoder import Encoder, Pixels, Vectors
from server.errors import InvalidImage, VitrineError
from server.settings import Settings

NEEDED = ("title", "image")
COLUMNS = (*NEEDED, "category", "colour", "gender")
# Rows whose pictures are in memory at a time.
BATCH_ROWS = 64
TRAINING_CONFIG = Path(__file__).resolve().parent.parent / "models" / "configs" / "default.toml"
# What catalogues write where they do not know the colour.
NO_COLOUR = {"", "na", "n/a", "none"}

Row = dict[str, Any]


class UnusableFile(VitrineError):
    """A file that is no catalogue to measure with."""


@dataclass(frozen=True)
class Product:
    """What a row says of its product; None where it does not. `kind` is the last part of the category, lower case."""

    title: str | None
    kind: str | None
    colour: str | None


@dataclass(frozen=True)
class Corpus:
    """Products and their pictures' vectors, row for row: (n, dimension). `skipped`: rows without a usable picture."""

    products: list[Product]
    pictures: Vectors
    skipped: int


def read_rows(files: Sequence[Path]) -> Iterator[Row]:
    """Rows of Parquet files, one after the other. Raises UnusableFile with a sentence that names the file."""
    for path in files:
        try:
            file = pq.ParquetFile(path)
            columns = [name for name in COLUMNS if name in file.schema_arrow.names]
            missing = [name for name in NEEDED if name not in columns]
            if missing:
                raise UnusableFile(f"{path.name} has no column {' or '.join(missing)}.")
            for batch in file.iter_batches(batch_size=BATCH_ROWS, columns=columns):
                yield from batch.to_pylist()
        except (pa.ArrowException, OSError) as exc:
            raise UnusableFile(f"{path.name} is not a Parquet file that can be read.") from exc


def never_trained_on(row: Row, config: Config) -> bool:
    """Whether training with this configuration leaves the row out: models.data.split_real decides in the same way."""
    training = config.training
    if row.get("gender"):
        return is_held_out(row["title"] or "", training.held_out_share)
    try:
        pixels = np.ascontiguousarray(decode_picture(_picture_bytes(row), config.network.image_size))
    except (OSError, ValueError, Image.DecompressionBombError):
        return False
    # Only the pixels decide; what is said of the product does not matter here.
    item = Item(pixels, Subject(), Labels("real", {}, frozenset(), None), "other")
    return is_held_out_picture(item, training.grocery_held_out_share)


def choose_rows(files: Sequence[Path], *, held_out: bool, limit: int | None) -> Iterator[Row]:
    """The rows to measure with: those that training never saw, or all; the first `limit` of them."""
    rows = read_rows(files)
    if held_out:
        rows = filter(partial(never_trained_on, config=load_config(TRAINING_CONFIG)), rows)
    return islice(rows, limit)


def describe(row: Row) -> Product:
    """A row -> what the measures ask for."""
    kind = (row.get("category") or "").rsplit("/", 1)[-1].strip().lower()
    colour = (row.get("colour") or "").strip().lower()
    return Product((row["title"] or "").strip() or None, kind or None, None if colour in NO_COLOUR else colour)


def build_corpus(rows: Iterator[Row], encoder: Encoder, settings: Settings) -> Corpus:
    """Decode, prepare and embed the rows' pictures, batch for batch. Raises ModelError."""
    products: list[Product] = []
    vectors: list[Vectors] = []
    skipped = 0

    def prepare(row: Row) -> Pixels | None:
        try:
            return encoder.prepare(read_for_tower(_picture_bytes(row), encoder, settings).image)
        except InvalidImage:
            return None

    with ThreadPoolExecutor(settings.prepare_threads) as pool:
        while batch := list(islice(rows, BATCH_ROWS)):
            pixels = list(pool.map(prepare, batch))
            kept = [place for place, one in enumerate(pixels) if one is not None]
            skipped += len(batch) - len(kept)
            products += [describe(batch[place]) for place in kept]
            if kept:
                vectors.append(encoder.embed_pixels([one for one in pixels if one is not None]))
    empty = np.empty((0, encoder.manifest.dimension), np.float32)
    return Corpus(products, np.concatenate([empty, *vectors]), skipped)


def _picture_bytes(row: Row) -> bytes:
    """The picture of a row: bytes, or the {bytes, path} record that data set libraries write. Empty without one."""
    image = row["image"]
    if isinstance(image, dict):
        image = image.get("bytes")
    return image if isinstance(image, bytes) else b""
