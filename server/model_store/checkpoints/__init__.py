"""PyTorch checkpoints to ONNX. Only this package imports torch and transformers, and only when it converts."""

from importlib.util import find_spec
from pathlib import Path

from server.errors import ModelError
from server.model_store.draft import Draft

EXTRA = ("torch", "transformers", "onnx")


def convert_checkpoint(folder: Path, layout: str, into: Path) -> Draft:
    """Write text.onnx, image.onnx (both float32) and tokenizer.json into the existing folder `into`.

    layout: "transformers" (CLIP, SigLIP, SigLIP 2 of one resolution, Chinese-CLIP), "sentence-transformers" (one that
    holds such a model) or "open_clip" (ViT towers). A graph above 2 GB keeps its weights in a file of its own beside
    it, named as the graph with `.data` added. Raises ModelError, in a sentence, for what cannot be converted exactly.
    """
    check_extra()
    from server.model_store.checkpoints.convert import convert

    return convert(folder, layout, into)


def check_extra() -> None:
    """Raises ModelError where a package of the extra [models] is missing."""
    missing = [name for name in EXTRA if find_spec(name) is None]
    if missing:
        raise ModelError(
            f"Converting a PyTorch checkpoint needs {', '.join(missing)}: pip install 'vitrine[models]'. "
            "Ready ONNX models are added without."
        )
