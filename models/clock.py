"""A clock that counts only the time a run was really running, and the learning rate that follows it."""

from __future__ import annotations

import math
import statistics
from collections import deque

# A step that took more than this many medians was interrupted (SIGSTOP, a suspended machine): count it as this many.
LONGEST_STEP = 3.0
REMEMBERED_STEPS = 51


class RunningClock:
    """Adds up the seconds of steps; a pause adds at most LONGEST_STEP medians."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self._recent: deque[float] = deque(maxlen=REMEMBERED_STEPS)

    def add(self, step_seconds: float) -> float:
        """Count one step of so many seconds; returns what was counted."""
        counted = step_seconds
        if len(self._recent) >= 5:
            counted = min(step_seconds, LONGEST_STEP * statistics.median(self._recent))
        self._recent.append(step_seconds)
        self.seconds += counted
        return counted


def learning_rate_factor(progress: float, warmup: float) -> float:
    """Linear warm-up, then half a cosine down to zero. progress runs from 0 to 1 over the whole budget."""
    if progress < warmup:
        return max(progress / warmup, 1e-3)
    done = min((progress - warmup) / (1 - warmup), 1.0)
    return 0.5 * (1 + math.cos(math.pi * done))
