"""Which models are there, and which one the settings name."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from server import resources
from server.embedding.clip import ClipEncoder
from server.embedding.files import missing_files
from server.embedding.manifest import MANIFEST_FILE, Manifest, read_manifest
from server.embedding.ort import Runtime, check_provider
from server.errors import ModelError
from server.settings import Settings

DEFAULT = "default"


@dataclass(frozen=True)
class InstalledModel:
    """A model folder. `name` is what VITRINE_MODEL takes; exactly one of `manifest` and `problem` is None."""

    name: str
    folder: Path
    manifest: Manifest | None
    problem: str | None


def find_model(settings: Settings) -> Path:
    """Folder of the model that the settings name: `default`, a name in the models folder, or a path.

    Raises ModelError with a sentence that lists the models there are.
    """
    if settings.model == DEFAULT:
        candidates = [resources.DEFAULT_MODEL]
    else:
        candidates = [settings.models_dir / settings.model, Path(settings.model).expanduser()]
    for folder in candidates:
        if (folder / MANIFEST_FILE).is_file():
            return folder.absolute()
    names = [model.name for model in list_models(settings) if model.manifest is not None]
    if names:
        advice = f"There are: {', '.join(names)}. Set VITRINE_MODEL to one of these or to a model folder."
    else:
        advice = "No model is installed. Set VITRINE_MODEL to a model folder."
    raise ModelError(
        f'There is no model "{settings.model}". {advice}',
        looked_in=[str(folder) for folder in candidates],
    )


def list_models(settings: Settings) -> list[InstalledModel]:
    """The bundled model and every folder in the models folder, by name, each with what is wrong with it.

    Files are looked for and not read, so this is quick; a damaged graph shows when it is loaded.
    """
    folders = {DEFAULT: resources.DEFAULT_MODEL}
    if settings.models_dir.is_dir():
        for folder in sorted(settings.models_dir.iterdir()):
            # A hidden folder is an installation under way. `default` always means the bundled model.
            if folder.is_dir() and not folder.name.startswith(".") and folder.name != DEFAULT:
                folders[folder.name] = folder
    return [_inspect(name, folder) for name, folder in folders.items()]


def find_installed(settings: Settings, digest: str) -> Manifest | None:
    """The model of this digest that is bundled, in DATA_DIR/models, or where VITRINE_MODEL is; None: there is none."""
    found = [model.manifest for model in list_models(settings)]
    with suppress(ModelError):
        # VITRINE_MODEL may be a path to somewhere else.
        found.append(read_complete(find_model(settings)))
    return next((manifest for manifest in found if manifest is not None and manifest.digest == digest), None)


def load_encoder(settings: Settings) -> ClipEncoder:
    """The encoder of the model that the settings name. Its towers open on first use. Raises ModelError."""
    return open_encoder(read_complete(find_model(settings)), settings)


def open_encoder(manifest: Manifest, settings: Settings) -> ClipEncoder:
    """The encoder of an installed model. Its towers open on first use.

    Raises SettingError where the settings ask for an execution provider that onnxruntime does not offer.
    """
    check_provider(settings.execution_provider)
    runtime = Runtime(settings.execution_provider, settings.text_threads, settings.tower_threads, settings.memory_arena)
    return ClipEncoder(manifest, runtime)


def read_complete(folder: Path) -> Manifest:
    """The manifest of the model in that folder, whose files are there. Raises ModelError."""
    manifest = read_manifest(folder)
    _check_complete(manifest)
    return manifest


def _inspect(name: str, folder: Path) -> InstalledModel:
    try:
        manifest = read_complete(folder)
    except ModelError as exc:
        return InstalledModel(name, folder, None, exc.message)
    return InstalledModel(name, folder, manifest, None)


def _check_complete(manifest: Manifest) -> None:
    missing = missing_files(manifest)
    if missing:
        raise ModelError(
            f'The model "{manifest.name}" is not complete: {", ".join(missing)} missing. Install it again.',
            folder=str(manifest.folder),
        )
