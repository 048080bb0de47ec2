"""The encoder that ships: a CLIP-like pair of towers described by a manifest."""

import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from server.embedding.encoder import Pixels, Vector, Vectors
from server.embedding.files import check_digest, check_further_files
from server.embedding.lanes import Lanes, slices
from server.embedding.manifest import ImageSpec, Manifest, TextSpec
from server.embedding.ort import Runtime, Tower, open_tower
from server.embedding.preprocess import Preprocessor
from server.embedding.tokenizer import TextTokenizer, load_tokenizer
from server.errors import ModelError

TEXT_BATCH = 32

# Batches of 8, 16 and 32 were equally fast within the noise (int8, 80 x 80, two threads on two busy cores, medians of
# 60 paired rounds); one by one made 0.75 times as many pictures a second.
IMAGE_BATCH = 16

# Below this a vector has no direction left to normalise.
SMALLEST_NORM = 1e-6

T = TypeVar("T")


class _Lazy(Generic[T]):
    """Makes a thing on first use, once, also when many threads ask at the same time."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._made: list[T] = []

    def get(self) -> T:
        if not self._made:
            with self._lock:
                if not self._made:
                    self._made.append(self._make())
        return self._made[0]


class ClipEncoder:
    """Implements `Encoder`. Thread-safe; each tower is opened and its file checked on first use."""

    def __init__(self, manifest: Manifest, runtime: Runtime | None = None) -> None:
        self._manifest = manifest
        self._runtime = runtime or Runtime()
        self._text: _Lazy[tuple[TextTokenizer, Tower]] = _Lazy(self._open_text)
        # One picture that somebody waits for takes all threads; many take one each, see Lanes.
        self._image: _Lazy[Tower] = _Lazy(lambda: self._open_image(self._runtime.image_threads))
        self._lanes: _Lazy[tuple[Lanes, Tower]] = _Lazy(
            lambda: (Lanes(self._runtime.image_threads), self._open_image(threads=1))
        )
        self._preprocessor = Preprocessor(manifest.image)
        self._text_to_image = _cone_shift(manifest)

    @property
    def manifest(self) -> Manifest:
        """What the model means."""
        return self._manifest

    @property
    def execution_provider(self) -> str:
        """What the text tower runs on, as the tower itself tells; opens it. Raises ModelError, SettingError."""
        _, tower = self._text.get()
        return tower.provider

    def load_text(self) -> None:
        """Open the text tower now, so that the first query does not wait for it. Raises ModelError."""
        self._text.get()

    def load_image(self) -> None:
        """Open the image tower now. Raises ModelError."""
        self._image.get()

    def embed_text(self, text: str) -> Vector:
        """Text -> (dimension,) unit float32. The same text gives the same bits in every call of one process."""
        vector: Vector = self._run_text([self._ids(text)])[0]
        return vector

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """Texts -> (n, dimension) unit rows, in order. Texts of one token length share a run of the tower.

        An int8 tower scales its activations over the whole batch, so a row depends a little on its neighbours and is
        not bit for bit that of `embed_text`; how near it is depends on the weights and is tested for the bundled model.
        """
        spec = self._manifest.text
        by_length: dict[int, list[tuple[int, list[int]]]] = defaultdict(list)
        for position, text in enumerate(texts):
            ids = self._ids(text)
            by_length[len(ids) if spec.causal else spec.context_length].append((position, ids))
        vectors = np.empty((len(texts), self._manifest.dimension), dtype=np.float32)
        step = spec.batch or TEXT_BATCH
        for group in by_length.values():
            for start in range(0, len(group), step):
                positions, rows = zip(*group[start : start + step], strict=True)
                vectors[list(positions)] = self._run_text(list(rows))
        return vectors

    def place_text(self, text: str) -> Vector:
        """Text -> (dimension,) unit float32 among the pictures: moved by the difference of the cones' means."""
        vector = self.embed_text(text)
        if self._text_to_image is None:
            return vector
        placed: Vector = _unit_rows((vector + self._text_to_image)[None])[0]
        return placed

    def knows_word(self, word: str) -> bool:
        """See `Encoder`."""
        return self._text.get()[0].has_word(word)

    def prepare(self, image: Image.Image) -> Pixels:
        """RGB picture -> (3, size, size) float32. Needs no tower, so it can run in threads of its own."""
        return self._preprocessor.prepare(image)

    def embed_pixels(self, pixels: Sequence[Pixels]) -> Vectors:
        """Prepared pictures -> (n, dimension) unit rows, in order, up to IMAGE_BATCH pictures a run. Raises ModelError.

        Several pictures go through runs of one core each, side by side; one alone has all cores. With an int8 tower a
        row depends a little on its neighbours, as in `embed_texts`.
        """
        spec = self._manifest.image
        if any(array.shape != (3, spec.size, spec.size) for array in pixels):
            raise ModelError("A picture was prepared for another model. Prepare it again.")
        most = spec.batch or IMAGE_BATCH
        if len(pixels) > 1 and self._runtime.provider == "cpu" and self._runtime.image_threads > 1:
            lanes, tower = self._lanes.get()
            parts = lanes.run(len(pixels), most, lambda part: self._run_images(tower, pixels[part]))
        else:
            tower = self._image.get()
            parts = [self._run_images(tower, pixels[part]) for part in slices(len(pixels), most)]
        return np.concatenate([np.empty((0, self._manifest.dimension), np.float32), *parts])

    def embed_image(self, image: Image.Image) -> Vector:
        """RGB picture -> (dimension,) unit float32."""
        vector: Vector = self.embed_pixels([self.prepare(image)])[0]
        return vector

    def _run_images(self, tower: Tower, pixels: Sequence[Pixels]) -> Vectors:
        """One run: no more pictures than a batch -> unit rows."""
        spec = self._manifest.image
        rows = np.stack(pixels)
        if spec.channels == "last":
            rows = rows.transpose(0, 2, 3, 1)
        output = tower.run({spec.input: _filled(rows, spec.batch)})
        return self._checked(output, len(pixels), spec)

    def _ids(self, text: str) -> list[int]:
        tokenizer, _ = self._text.get()
        return tokenizer.encode(text)

    def _run_text(self, rows: list[list[int]]) -> Vectors:
        """Rows of ids -> unit rows: at their own length, which is one for all, if the tower is causal, else padded."""
        spec = self._manifest.text
        _, tower = self._text.get()
        length = len(rows[0]) if spec.causal else spec.context_length
        ids = np.full((len(rows), length), spec.pad_id, dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, own in enumerate(rows):
            ids[row, : len(own)], mask[row, : len(own)] = own, 1
        feed = {spec.input: _filled(ids, spec.batch)}
        if spec.mask is not None:
            feed[spec.mask] = _filled(mask, spec.batch)
        return self._checked(tower.run(feed), len(rows), spec)

    def _checked(self, output: NDArray[np.generic], rows: int, spec: TextSpec | ImageSpec) -> Vectors:
        promised = (spec.batch or rows, self._manifest.dimension)
        if output.shape != promised:
            raise ModelError(f"{spec.file} gave an output of shape {output.shape}; manifest.toml promises {promised}.")
        return _unit_rows(output[:rows].astype(np.float32, copy=False), spec.file)

    def _open_text(self) -> tuple[TextTokenizer, Tower]:
        folder, spec = self._manifest.folder, self._manifest.text
        check_digest(folder / spec.tokenizer, spec.tokenizer_sha256)
        check_digest(folder / spec.file, spec.sha256)
        check_further_files(self._manifest)
        inputs = (spec.input,) if spec.mask is None else (spec.input, spec.mask)
        tower = self._open_tower(spec, inputs, self._runtime.text_threads)
        return load_tokenizer(self._manifest), tower

    def _open_image(self, threads: int) -> Tower:
        folder, spec = self._manifest.folder, self._manifest.image
        check_digest(folder / spec.file, spec.sha256)
        check_further_files(self._manifest)
        return self._open_tower(spec, (spec.input,), threads)

    def _open_tower(self, spec: TextSpec | ImageSpec, inputs: tuple[str, ...], threads: int) -> Tower:
        return open_tower(
            self._manifest.folder / spec.file,
            threads=threads,
            inputs=inputs,
            output=spec.output,
            provider=self._runtime.provider,
            arena=self._runtime.arena,
        )


def _filled(rows: NDArray[Any], batch: int | None) -> NDArray[Any]:
    """(n, ...) -> (batch, ...) for a graph that takes no other number of rows: the last one is repeated."""
    if batch is None or len(rows) == batch:
        return rows
    return np.concatenate([rows, np.repeat(rows[-1:], batch - len(rows), axis=0)])


def _cone_shift(manifest: Manifest) -> Vector | None:
    """What moves a text among the pictures: (dimension,) float32, or None without a calibration."""
    if manifest.calibration is None:
        return None
    calibration = manifest.calibration
    return np.subtract(calibration.image_mean, calibration.text_mean, dtype=np.float64).astype(np.float32)


def _unit_rows(rows: Vectors, file: str = "The calibration") -> Vectors:
    """(n, dimension) float32 -> the same rows at length 1. Raises ModelError where a row has no direction."""
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    # A NaN or an infinity anywhere in a row is in its norm too.
    if not np.isfinite(norms).all():
        raise ModelError(f"{file} gave a vector that is not finite. Install the model again, or use another.")
    if (norms < SMALLEST_NORM).any():
        raise ModelError(f"{file} gave a vector without a direction. Install the model again, or use another.")
    unit: Vectors = (rows / norms).astype(np.float32, copy=False)
    return unit
