"""`vitrine models verify`: is an installed model still the one that was installed, and what its original is?"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from server.embedding.clip import ClipEncoder
from server.embedding.files import check_digest, digests
from server.embedding.manifest import Manifest
from server.embedding.ort import Runtime
from server.errors import ModelError
from server.model_store.add import LEAST_PARITY, make_draft, tower_precisions
from server.model_store.at_hand import at_hand, fetch_against
from server.model_store.golden import ask_again
from server.model_store.install import hidden_folder
from server.model_store.originals import hear, original_of, parity
from server.model_store.sources import Fetched, shown
from server.model_store.tokenizer_check import check_tokenizer

# Processors round float32 a little differently, and int8 more so: the same graph gives cosines of 0.9999 and above.
LEAST_GOLDEN = 0.999

# A float32 graph repeats its original but for rounding. An int8 one is as near as it was when it was installed.
LEAST_PARITY_INT8 = 0.9
SLACK = 0.005


@dataclass(frozen=True)
class Check:
    """One thing that was looked at. least: what a figure has to reach. ok None: could not be looked at."""

    name: str
    ok: bool | None
    value: float | None = None
    least: float | None = None
    note: str = ""


def verify_model(
    manifest: Manifest,
    models_dir: Path,
    runtime: Runtime,
    *,
    against: str | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> list[Check]:
    """Digests, tokenizer, towers, golden texts and pictures; the original where it is at hand.

    models_dir: where the graphs of an original are made, in a hidden folder. against: SOURCE of the original. What is
    wrong with the model is in the checks; a source that cannot be had raises ModelError.
    """
    checks = [_digest(manifest, name, sha256) for name, sha256 in digests(manifest).items()]
    if not all(check.ok for check in checks):
        return checks
    encoder = ClipEncoder(manifest, runtime)
    checks += [_tried("tokenizer", lambda: check_tokenizer(manifest)), _tried("towers load", lambda: _load(encoder))]
    if not all(check.ok for check in checks):
        return checks
    checks += _golden(encoder)
    return checks + _compared(encoder, models_dir, against, say)


def _compared(encoder: ClipEncoder, models_dir: Path, against: str | None, say: Callable[[str], None]) -> list[Check]:
    """The checks against the original. One that nobody named makes no model wrong by being unusable."""
    manifest = encoder.manifest
    if against is not None:
        say(f"Comparing with {shown(against)} ...")
        return _original(encoder, fetch_against(against, manifest), models_dir)
    found = at_hand(manifest)
    if found is None:
        return []
    if isinstance(found, str):
        return [Check("original", None, note=found)]
    say(f"Comparing with {found.source} ...")
    try:
        return _original(encoder, found, models_dir)
    except ModelError as exc:
        return [Check("original", None, note=exc.message)]


def _digest(manifest: Manifest, name: str, sha256: str) -> Check:
    return _tried(f"sha256 of {name}", lambda: check_digest(manifest.folder / name, sha256))


def _tried(name: str, check: Callable[[], None]) -> Check:
    try:
        check()
    except ModelError as exc:
        return Check(name, False, note=exc.message)
    return Check(name, True)


def _load(encoder: ClipEncoder) -> None:
    encoder.load_text()
    encoder.load_image()


def _golden(encoder: ClipEncoder) -> list[Check]:
    golden = encoder.manifest.golden
    if golden is None:
        return [Check("golden vectors", None, note="the manifest keeps none")]
    try:
        again = ask_again(encoder, golden)
    except ModelError as exc:
        return [Check("golden vectors", False, note=exc.message)]
    return [
        Check("golden token ids", again.same_tokens, note="" if again.same_tokens else "the tokenizer gives other ids"),
        _at_least("golden texts", again.text, LEAST_GOLDEN),
        _at_least("golden pictures", again.image, LEAST_GOLDEN),
    ]


def _original(encoder: ClipEncoder, fetched: Fetched, models_dir: Path) -> list[Check]:
    manifest = encoder.manifest
    try:
        with hidden_folder(models_dir, manifest.name) as folder:
            heard = hear(original_of(make_draft(fetched, manifest.name, folder)), manifest)
    except OSError as exc:
        raise ModelError(f"The original cannot be unpacked for comparison in {models_dir}: {exc.strerror}.") from exc
    if heard.texts.shape[1] != manifest.dimension:
        return [Check("original", False, note=f"its vectors have {heard.texts.shape[1]} numbers")]
    figures = parity(encoder, heard)
    checks = []
    for (key, value), precision in zip(figures.items(), tower_precisions(manifest), strict=True):
        least = LEAST_PARITY
        if precision != "float32":
            least = manifest.measured.get(key, LEAST_PARITY_INT8 + SLACK) - SLACK
        checks.append(_at_least(f"original, {key.removeprefix('parity_')}", value, least))
    return checks


def _at_least(name: str, value: float, least: float) -> Check:
    return Check(name, value >= least, round(value, 6), round(least, 6))
