"""The words that the model knows: what it understands as it stands is never taken for a slip."""

import logging
import time

from server.embedding.current import CurrentEncoder
from server.errors import VitrineError

# A model that could not be opened is not asked again for so long.
SKIP_SECONDS = 60.0

log = logging.getLogger(__name__)


class ModelWords:
    """A container of words, asked for one at a time. Without a model it holds none."""

    def __init__(self, current: CurrentEncoder) -> None:
        self._current = current
        self._skip_until = 0.0

    def __contains__(self, word: object) -> bool:
        if not isinstance(word, str) or time.monotonic() < self._skip_until:
            return False
        try:
            return self._current.get().encoder.knows_word(word)
        except VitrineError as exc:
            log.warning("Words are corrected without asking the model: %s", exc.message)
            self._skip_until = time.monotonic() + SKIP_SECONDS
            return False
