"""What an installation needs that may be missing here: asked as soon as the layout is known, before large downloads."""

from server.model_store.checkpoints import check_extra
from server.model_store.layouts import Layout, published_precision
from server.model_store.precision import TOWERS, Choice, Tower, check_choice


def check_needs(layout: Layout, choice: Choice) -> None:
    """Raises ModelError where a package is missing, or the choice cannot be had of what is published."""
    if layout.converts:
        check_extra()
    check_choice(choice, _published(layout))


def _published(layout: Layout) -> dict[Tower, str]:
    """Precision of each tower as far as the names of files tell it; a manifest has to be read."""
    if layout.name == "manifest":
        return {}
    if layout.name != "transformers.js":
        return dict.fromkeys(TOWERS, "float32")
    text, image = (layout.graph(f"onnx/{tower}_model") for tower in ("text", "vision"))
    return {"text": published_precision(text), "image": published_precision(image)}
