"""Who runs in benchmarks/towers.py. Each is made and called in a process of its own and imports what it needs there."""

from __future__ import annotations

import io
import time
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.photos import draw_photos

# Long enough for the clock, short enough for many rounds.
LEAST_SECONDS = 0.3
LEAST_CALLS = 3
PHOTOS = 8


def repeat(call: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> list[float]:
    """Seconds of each of so many calls."""
    took: list[float] = []
    while len(took) < LEAST_CALLS or sum(took) < LEAST_SECONDS:
        began = clock()
        call()
        took.append(clock() - began)
    return took


class Ours:
    """A model folder through the server's own encoder."""

    def __init__(self, folder: str, threads: int, *, towers: str = "text image", arena: bool = True) -> None:
        from server.embedding.clip import ClipEncoder
        from server.embedding.manifest import read_manifest
        from server.embedding.ort import Runtime

        runtime = Runtime(text_threads=threads, image_threads=threads, arena=arena)
        self.encoder = ClipEncoder(read_manifest(Path(folder)), runtime)
        began = time.perf_counter()
        if "text" in towers:
            self.encoder.load_text()
        if "image" in towers:
            self.encoder.load_image()
        self.load_seconds = time.perf_counter() - began

    def text(self, text: str) -> list[float]:
        """One query at a time, from words to a unit vector."""
        return repeat(lambda: self.encoder.embed_text(text))

    def images(self, batch: int) -> list[float]:
        """One batch at a time, from pixels to unit vectors."""
        pixels = list(_pixels(batch, self.encoder.manifest.image.size))
        return repeat(lambda: self.encoder.embed_pixels(pixels))


class PyTorch:
    """transformers' CLIPModel; texts padded to the context, as its own documentation shows."""

    def __init__(self, folder: str, threads: int, *, dtype: str = "float32") -> None:
        import torch

        transformers = _quiet_transformers()
        torch.set_num_threads(threads)
        began = time.perf_counter()
        self.dtype = getattr(torch, dtype)
        self.model = transformers.CLIPModel.from_pretrained(folder, dtype=self.dtype).eval()
        self.tokenizer = transformers.CLIPTokenizer.from_pretrained(folder)
        self.load_seconds = time.perf_counter() - began

    def text(self, text: str) -> list[float]:
        """One query at a time, from words to a unit vector."""
        import torch

        def embed() -> object:
            ids = self.tokenizer([text], padding="max_length", max_length=77, truncation=True, return_tensors="pt")
            return _unit(self.model.get_text_features(**ids))

        with torch.inference_mode():
            return repeat(embed)

    def images(self, batch: int) -> list[float]:
        """One batch at a time, from pixels to unit vectors."""
        import torch

        size = self.model.config.vision_config.image_size
        pixels = torch.from_numpy(_pixels(batch, size)).to(self.dtype)
        with torch.inference_mode():
            return repeat(lambda: _unit(self.model.get_image_features(pixel_values=pixels)))


class SentenceTransformers:
    """The sentence-transformers package over the same checkpoint; it pads a query to no more than its own length."""

    def __init__(self, folder: str, threads: int) -> None:
        import torch

        _quiet_transformers()
        from sentence_transformers import SentenceTransformer

        torch.set_num_threads(threads)
        began = time.perf_counter()
        self.model = SentenceTransformer(folder, device="cpu")
        self.load_seconds = time.perf_counter() - began

    def text(self, text: str) -> list[float]:
        """One query at a time, from words to a unit vector."""
        return repeat(lambda: self.model.encode([text], normalize_embeddings=True, show_progress_bar=False))


class TheirPreparation:
    """transformers' image processor (the one on Pillow: torchvision is no dependency of anyone here)."""

    def __init__(self, folder: str) -> None:
        self.processor = _quiet_transformers().CLIPImageProcessorPil.from_pretrained(folder)
        self.load_seconds = 0.0

    def prepare(self, size: int) -> list[float]:
        """CPU seconds from a JPEG of that size to pixels, one picture after the other."""
        photos = cycle(draw_photos(size, PHOTOS))
        return repeat(
            lambda: self.processor(Image.open(io.BytesIO(next(photos))), return_tensors="np")["pixel_values"],
            time.process_time,
        )


class Pipeline:
    """The importer's way from JPEG to vector, without its database and its disk."""

    def __init__(self, folder: str, cores: int) -> None:
        from server.embedding.clip import ClipEncoder
        from server.embedding.manifest import read_manifest
        from server.embedding.ort import Runtime
        from server.settings import load_settings

        self.settings = load_settings(VITRINE_TOWER_THREADS=cores, VITRINE_PREPARE_THREADS=cores)
        manifest = read_manifest(Path(folder))
        self.encoder = ClipEncoder(manifest, Runtime(image_threads=cores))
        self.alone = ClipEncoder(manifest, Runtime(image_threads=1))
        began = time.perf_counter()
        self.encoder.load_image()
        self.load_seconds = time.perf_counter() - began
        self.alone.load_image()

    def prepare(self, size: int) -> list[float]:
        """CPU seconds from a JPEG of that size to pixels, one picture after the other."""
        photos = cycle(draw_photos(size, PHOTOS))
        return repeat(lambda: self._pixels(next(photos)), time.process_time)

    def tower(self, size: int) -> list[float]:
        """CPU seconds of the tower for one picture, on one thread, in batches as an import makes them."""
        from server.db.pace import ROWS_ALONE

        pixels = [self._pixels(photo) for photo in draw_photos(size, PHOTOS)]
        batch = (pixels * ROWS_ALONE)[:ROWS_ALONE]
        return [took / len(batch) for took in repeat(lambda: self.alone.embed_pixels(batch), time.process_time)]

    def whole(self, size: int, pictures: int) -> list[float]:
        """Seconds for one picture of `pictures` that go through preparation and tower as an import's do."""
        photos = cycle(draw_photos(size, PHOTOS))
        began = time.perf_counter()
        with ThreadPoolExecutor(self.settings.prepare_threads) as pool:
            self._import([next(photos) for _ in range(pictures)], pool)
        return [(time.perf_counter() - began) / pictures]

    def _pixels(self, photo: bytes) -> Any:
        from server.catalog.picture import read_for_tower

        return self.encoder.prepare(read_for_tower(photo, self.encoder, self.settings).image)

    def _import(self, photos: Sequence[bytes], pool: ThreadPoolExecutor) -> None:
        """What server/catalog/ingest.py does with batches, on the writer's own `embed`."""
        from server.catalog.change import Change
        from server.catalog.draft import Draft
        from server.catalog.ingest import AHEAD
        from server.catalog.picture import Darkroom
        from server.catalog.writing import ProductWriter
        from server.db.pace import ROWS_ALONE
        from server.embedding.current import CurrentEncoder

        store: Any = _NoStore()
        darkroom = Darkroom(self.encoder, store, self.settings)
        writer = ProductWriter(CurrentEncoder.of(self.encoder), darkroom, pool, "USD", None)
        under_way: list[list[Draft]] = []
        for start in range(0, len(photos), ROWS_ALONE):
            drafts = [Draft(Change("SKU", {}), None, None) for _ in photos[start : start + ROWS_ALONE]]
            for draft, photo in zip(drafts, photos[start:], strict=False):
                draft.future = pool.submit(darkroom.develop, lambda photo=photo: photo, None)
            under_way.append(drafts)
            if len(under_way) > AHEAD:
                writer.embed(under_way.pop(0))
        for drafts in under_way:
            writer.embed(drafts)
        assert writer.meter.images == len(photos)


class _NoStore:
    """A picture folder that keeps nothing: the disk is not what is measured."""

    def put(self, sha256: str, media_type: str, data: bytes) -> bool:
        return True


def _pixels(batch: int, size: int) -> Any:
    return np.random.default_rng(0).standard_normal((batch, 3, size, size)).astype(np.float32)


def _unit(features: Any) -> Any:
    # transformers 5 gives an object with the pooled features, transformers 4 the features.
    features = getattr(features, "pooler_output", features)
    return features / features.norm(dim=-1, keepdim=True)


def _quiet_transformers() -> Any:
    warnings.simplefilter("ignore")
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    return transformers
