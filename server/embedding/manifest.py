"""What a model folder says about itself: `manifest.toml`, read once and never trusted further than it was checked."""

import hashlib
import json
import tomllib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, FiniteFloat, TypeAdapter, ValidationError

from server.errors import ModelError

MANIFEST_FILE = "manifest.toml"

# Keys of the towers that shape no vector, or that the digest of a file implies. `output` is not among them: a graph
# may have several outputs of one dimension. Nor are the means of [calibration], with which a title is placed.
_TELLS_ONLY = {"file", "tokenizer", "input", "mask", "pooling", "batch", "precision"}

# A misspelt optional key would otherwise be ignored and change every embedding.
_STRICT_KEYS = ConfigDict(extra="forbid")


def _plain_name(value: str) -> str:
    # A downloaded manifest must not make the server read elsewhere.
    if value in (".", "..") or "/" in value or "\\" in value or "\0" in value:
        raise ValueError("must be the name of a file beside the manifest, without a folder")
    return value


FileName = Annotated[str, Field(min_length=1, max_length=255), AfterValidator(_plain_name)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Word = Annotated[str, Field(min_length=1, max_length=200)]
# As long as a path may be: a folder is a source too.
Source = Annotated[str, Field(min_length=1, max_length=4096)]
Byte = Annotated[int, Field(ge=0, le=255)]
Precision = Literal["float32", "float16", "int8"]
Positive = Annotated[FiniteFloat, Field(gt=0)]


@dataclass(frozen=True)
class TextSpec:
    """The text tower: its files and how token ids are laid out.

    causal: texts run at their own length, never padded; otherwise all are padded with `pad_id` to `context_length`.
    mask: the graph's input that tells tokens (1) from padding (0), where it has one. pooling: which token the graph
    reads the text at, for readers and where it is known; the graph does it. lowercase: texts are put in lower case
    before the tokenizer sees them. batch: rows of each run, for a graph that takes no other number. precision: of this
    tower's matrices, where the two towers differ from each other.
    """

    __pydantic_config__ = _STRICT_KEYS

    file: FileName
    sha256: Sha256
    tokenizer: FileName
    tokenizer_sha256: Sha256
    context_length: Annotated[int, Field(ge=2, le=100_000)]
    causal: bool
    end_token: Word
    input: Word
    output: Word
    pad_id: Annotated[int, Field(ge=0)] = 0
    mask: Word | None = None
    pooling: Literal["end", "last", "first", "mean"] | None = None
    lowercase: bool = False
    batch: Annotated[int, Field(ge=1, le=4096)] | None = None
    precision: Precision | None = None


@dataclass(frozen=True)
class ImageSpec:
    """The image tower: its file and how a picture becomes (3, size, size) numbers.

    `background` is RGB 0..255 and fills what `resize = "pad"` leaves empty; `mean` and `std` are by channel for pixels
    scaled to 0..1. shortest_edge: what `resize = "crop"` brings the shortest side to before it cuts out the middle;
    absent, it is `size`. crop_offset: where the middle begins if the surplus is odd: "rounded" as torchvision does it,
    half a pixel to the even side; absent, it is truncated as transformers does it. channels: "last" for a graph that
    takes (size, size, 3), as those of TensorFlow do. batch: as for the text tower.
    """

    __pydantic_config__ = _STRICT_KEYS

    file: FileName
    sha256: Sha256
    size: Annotated[int, Field(ge=1, le=4096)]
    resize: Literal["pad", "crop", "squash"]
    background: tuple[Byte, Byte, Byte]
    interpolation: Literal["bicubic", "bilinear", "lanczos", "nearest"]
    mean: tuple[FiniteFloat, FiniteFloat, FiniteFloat]
    std: tuple[Positive, Positive, Positive]
    input: Word
    output: Word
    shortest_edge: Annotated[int, Field(ge=1, le=4096)] | None = None
    crop_offset: Literal["rounded"] | None = None
    channels: Literal["first", "last"] | None = None
    batch: Annotated[int, Field(ge=1, le=4096)] | None = None
    precision: Precision | None = None


@dataclass(frozen=True)
class Calibration:
    """Means of the text cone and of the image cone, `dimension` numbers each."""

    __pydantic_config__ = _STRICT_KEYS

    text_mean: tuple[FiniteFloat, ...]
    image_mean: tuple[FiniteFloat, ...]


@dataclass(frozen=True)
class Golden:
    """What the model said on the machine that installed it, to be said again anywhere: unit vectors, a row each.

    token_ids: of the texts, without padding. Pictures are not kept: `seeds` names those that
    server/model_store/golden.py paints.
    """

    __pydantic_config__ = _STRICT_KEYS

    texts: tuple[str, ...]
    token_ids: tuple[tuple[int, ...], ...]
    text_vectors: tuple[tuple[FiniteFloat, ...], ...]
    seeds: tuple[int, ...]
    image_vectors: tuple[tuple[FiniteFloat, ...], ...]


@dataclass(frozen=True)
class Manifest:
    """One model. `dimension` is the length of its vectors; `logit_scale` turns a cosine into a logit.

    logit_bias: added to the logit by models trained with a sigmoid loss. quantisation: how matrices were made int8, in
    words. measured: figures by name, such as `parity_text` (worst cosine to the original). files: digests of further
    files that a tower needs beside it (weights that ONNX keeps outside the graph).
    """

    __pydantic_config__ = _STRICT_KEYS

    format: Literal[1]
    name: Word
    revision: Word
    dimension: Annotated[int, Field(ge=1, le=16_000)]
    precision: Word
    licence: Word
    source: Source
    logit_scale: Positive
    text: TextSpec
    image: ImageSpec
    logit_bias: FiniteFloat | None = None
    quantisation: Word | None = None
    measured: dict[str, FiniteFloat] = field(default_factory=dict)
    files: dict[FileName, Sha256] = field(default_factory=dict)
    calibration: Calibration | None = None
    golden: Golden | None = None
    folder: Path = Path()

    @cached_property
    def digest(self) -> str:
        """Identity of the embeddings, 64 hex digits: SHA-256 over the files' digests and all that shapes a vector.

        Vectors of different digests must never be compared. What only describes the model is left out.
        """
        meaning: dict[str, Any] = {"text": _shaping(self.text), "image": _shaping(self.image), "files": self.files}
        if self.calibration is not None:
            meaning["calibration"] = asdict(self.calibration)
        return hashlib.sha256(json.dumps(meaning, sort_keys=True).encode("ascii")).hexdigest()


def _shaping(spec: TextSpec | ImageSpec) -> dict[str, Any]:
    # What is absent is left out, so that a key which is new in a later version changes no model's identity.
    said = {key: value for key, value in asdict(spec).items() if key not in _TELLS_ONLY and value is not None}
    if said.get("channels") == "first":
        del said["channels"]  # what its absence means
    return said


_ADAPTER = TypeAdapter(Manifest)


def read_manifest(folder: Path, called: str | None = None) -> Manifest:
    """Read and check `manifest.toml` in that folder; the model files themselves are not opened.

    called: what to name the model in errors while its folder has another name. Raises ModelError with a sentence that
    names the model and the key.
    """
    where = f'{MANIFEST_FILE} of the model "{called or folder.name}"'
    try:
        data = tomllib.loads((folder / MANIFEST_FILE).read_text(encoding="utf-8"))
    except FileNotFoundError as exc:
        raise ModelError(
            f'There is no {MANIFEST_FILE} in the model folder "{called or folder.name}". Install the model again.',
            folder=str(folder),
        ) from exc
    except OSError as exc:
        raise ModelError(f"{where} cannot be read: {exc.strerror}.", folder=str(folder)) from exc
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise ModelError(f"{where} is not valid TOML: {exc}.", folder=str(folder)) from exc
    return check_manifest(data, folder, called)


def check_manifest(data: dict[str, Any], folder: Path, called: str | None = None) -> Manifest:
    """The manifest of a folder from its tables. Raises ModelError as `read_manifest` does."""
    where = f'{MANIFEST_FILE} of the model "{called or folder.name}"'
    try:
        manifest = _ADAPTER.validate_python({**data, "folder": folder})
    except ValidationError as exc:
        raise ModelError(f"{where} is not valid. {_sentences(exc)}", folder=str(folder)) from exc
    problem = _problem(manifest)
    if problem is not None:
        raise ModelError(f"{where} is not valid. {problem}", folder=str(folder))
    return manifest


def _problem(manifest: Manifest) -> str | None:
    """What is wrong between keys that are right one by one."""
    for key, vectors, count in _vectors(manifest):
        if len(vectors) != count:
            return f"{key}: {len(vectors)} rows, but there should be {count}."
        for vector in vectors:
            if len(vector) != manifest.dimension:
                return f"{key}: {len(vector)} numbers, but dimension is {manifest.dimension}."
    shortest = manifest.image.shortest_edge
    if shortest is not None and (manifest.image.resize != "crop" or shortest < manifest.image.size):
        return 'image.shortest_edge: only for resize = "crop", and at least image.size.'
    if manifest.image.crop_offset is not None and manifest.image.resize != "crop":
        return 'image.crop_offset: only for resize = "crop".'
    return None


def _vectors(manifest: Manifest) -> Iterator[tuple[str, tuple[tuple[float, ...], ...], int]]:
    """Every list of vectors that a manifest holds: its key, the vectors, and how many there should be."""
    if manifest.calibration is not None:
        yield "calibration.text_mean", (manifest.calibration.text_mean,), 1
        yield "calibration.image_mean", (manifest.calibration.image_mean,), 1
    if manifest.golden is not None:
        yield "golden.text_vectors", manifest.golden.text_vectors, len(manifest.golden.texts)
        yield "golden.image_vectors", manifest.golden.image_vectors, len(manifest.golden.seeds)


def _sentences(exc: ValidationError) -> str:
    """One short sentence a key, at most five: a wrong file would else fill the screen."""
    lines = []
    for error in exc.errors()[:5]:
        key = ".".join(str(part) for part in error["loc"])
        lines.append(f"{key}: {_reason(error)}.")
    return " ".join(lines)


def _reason(error: Any) -> str:
    reasons = {
        "missing": "this key is missing",
        "unexpected_keyword_argument": "this key is unknown",
        "dataclass_type": "must be a table",
    }
    message = str(error["msg"]).removeprefix("Value error, ")
    return reasons.get(error["type"], message[:1].lower() + message[1:])
