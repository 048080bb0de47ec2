"""`vitrine models add`: from a source to an installed model."""

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from server.embedding.clip import ClipEncoder
from server.embedding.files import digests
from server.embedding.manifest import MANIFEST_FILE, Manifest, read_manifest
from server.embedding.ort import Runtime
from server.errors import ModelError
from server.model_store.calibration import draw_set
from server.model_store.draft import Draft
from server.model_store.golden import golden_table
from server.model_store.install import Staging, check_place, staging, taken
from server.model_store.manifest_file import with_digests, write_manifest
from server.model_store.needs import check_needs
from server.model_store.originals import GraphOriginal, Heard, hear, parity
from server.model_store.precision import Choice, Chosen, choose, tower_precision
from server.model_store.ready import draft_ready
from server.model_store.sources import Fetched, fetch, model_name, shown
from server.model_store.tokenizer_check import check_tokenizer

# Of the float32 graphs to the checkpoint that they were made from. A lower cosine is a mistake in the export, and what
# it would install is not the model that was asked for.
LEAST_PARITY = 0.9999
DECIMALS = 6

Say = Callable[[str], None]


def add_model(
    source: str,
    models_dir: Path,
    *,
    name: str | None = None,
    revision: str | None = None,
    precision: Choice = "auto",
    runtime: Runtime,
    say: Say = lambda _: None,
) -> Manifest:
    """Fetch, convert where needed, measure and install a model; what it then says of itself.

    runtime: what the towers are measured on. say: gets a line for each step. Nothing is installed unless all went
    well. Raises ModelError in a sentence.
    """
    name = model_name(source, name)
    if (models_dir / name).exists():
        raise taken(name)
    say(f"Looking at {shown(source)} ...")
    check_place(models_dir)
    fetched = fetch(source, revision, lambda layout: check_needs(layout, precision))
    with staging(models_dir, name) as stage:
        draft = make_draft(fetched, name, stage.folder, say)
        manifest = _checked(draft, fetched, name)
        heard = None
        if draft.original is not None:
            say("Comparing with the original ...")
            heard = hear(draft.original, manifest)
            del draft  # a checkpoint in memory is as large as all that follows
        exact = {} if heard is None else _exact(ClipEncoder(manifest, runtime), heard)
        chosen = choose(manifest, precision, draw_set(), runtime, say)
        if heard is None and chosen.manifest != manifest:
            # What int8 makes of these graphs, for `models verify` to judge by.
            heard = hear(GraphOriginal(ClipEncoder(manifest, runtime)), manifest)
        _finish(stage, replace(chosen, measured=exact | chosen.measured), heard, runtime)
        # What cannot be read must not take the name.
        read_manifest(stage.folder, name)
        return read_manifest(stage.install())


def make_draft(fetched: Fetched, name: str, into: Path, say: Say = lambda _: None) -> Draft:
    """Bring a source of any layout to a draft in the folder `into`. Raises ModelError, OSError."""
    if not fetched.layout.converts:
        return draft_ready(fetched, name, into)
    from server.model_store.checkpoints import convert_checkpoint

    say(f"Converting the checkpoint ({fetched.layout.name}) ...")
    return convert_checkpoint(fetched.folder, fetched.layout.name, into)


def _checked(draft: Draft, fetched: Fetched, name: str) -> Manifest:
    """Write the draft's manifest, read it as anybody would, and look whether tokenizer and tower belong together."""
    own = {"revision": fetched.revision, "source": fetched.source}
    named = {draft.manifest[tower]["file"] for tower in ("text", "image")} | {draft.manifest["text"]["tokenizer"]}
    # What else lies in the folder belongs to the graphs: weights above 2 GB.
    further = {path.name for path in draft.folder.iterdir() if not path.name.startswith(".")} - named - {MANIFEST_FILE}
    data = own | draft.manifest | {"name": name, "files": dict.fromkeys(sorted(further), "")}
    write_manifest(draft.folder, with_digests(data, draft.folder))
    manifest = read_manifest(draft.folder, name)
    check_tokenizer(manifest)
    return manifest


def _exact(encoder: ClipEncoder, heard: Heard) -> dict[str, float]:
    """The float32 graphs' parity, for [measured]. Raises ModelError where they are not the model that was asked for."""
    figures = parity(encoder, heard)
    worst = min(figures.values())
    if worst < LEAST_PARITY:
        raise ModelError(
            f"The converted graphs differ from the checkpoint (worst cosine {worst:.5f}), so the model was not "
            "installed. It may be of a kind that is not supported."
        )
    return {f"{key}_float32": value for key, value in figures.items()}


def _finish(stage: Staging, chosen: Chosen, heard: Heard | None, runtime: Runtime) -> None:
    """Golden vectors, means and figures into the manifest; what no graph needs any more goes."""
    encoder = ClipEncoder(chosen.manifest, runtime)
    measured = dict(chosen.measured)
    if heard is not None:
        measured |= parity(encoder, heard)
    data = _tables(chosen.manifest)
    data["precision"] = precision_in_words(chosen.manifest)
    data["text"]["precision"], data["image"]["precision"] = tower_precisions(chosen.manifest)
    data["quantisation"] = chosen.quantisation
    data["measured"] = {key: round(value, DECIMALS) for key, value in measured.items()}
    data["calibration"] = {
        "text_mean": [round(float(number), DECIMALS) for number in chosen.embedded.texts.mean(axis=0)],
        "image_mean": [round(float(number), DECIMALS) for number in chosen.embedded.pictures.mean(axis=0)],
    }
    data["golden"] = golden_table(encoder)
    write_manifest(stage.folder, data)
    kept = {MANIFEST_FILE, *digests(chosen.manifest)}
    for path in stage.folder.iterdir():
        if path.name not in kept and not path.name.startswith("."):
            path.unlink()


def precision_in_words(manifest: Manifest) -> str:
    """One word where both towers have the same precision, else one for each."""
    text, image = tower_precisions(manifest)
    return text if text == image else f"{text} text, {image} image"


def tower_precisions(manifest: Manifest) -> tuple[str, str]:
    """Precision of the text tower and of the image tower."""
    return tower_precision(manifest, "text"), tower_precision(manifest, "image")


def _tables(manifest: Manifest) -> dict[str, Any]:
    """A manifest as the tables of its file."""
    data = asdict(manifest)
    del data["folder"]
    return {key: _plain(value) for key, value in data.items() if value is not None}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return list(value) if isinstance(value, tuple) else value
