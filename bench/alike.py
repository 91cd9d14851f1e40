"""Are two samples of times told apart? Mann-Whitney's test, and the difference of medians with a bootstrap interval."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Compared", "compare", "seen_from"]

_RESAMPLES = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Two samples, side by side.

    Args:
        p: the chance of so large a difference where there is none (two-sided, normal approximation with ties).
        auc: how often a time of the first is longer than one of the second: 0.5 where they are alike.
        difference: of the medians, in the samples' unit.
        low: with `high` the 99 % interval of that difference.
        high: see `low`.
    """

    p: float
    auc: float
    difference: float
    low: float
    high: float


def compare(first: Sequence[float], second: Sequence[float], seed: int = 0) -> Compared:
    """Compare two samples of independent values."""
    u, p = _mann_whitney(first, second)
    draw = random.Random(seed)
    differences = sorted(
        statistics.median(draw.choices(first, k=len(first))) - statistics.median(draw.choices(second, k=len(second)))
        for _ in range(_RESAMPLES)
    )
    return Compared(
        p=p,
        auc=u / (len(first) * len(second)),
        difference=statistics.median(first) - statistics.median(second),
        low=differences[int(_RESAMPLES * 0.005)],
        high=differences[int(_RESAMPLES * 0.995)],
    )


def seen_from(sample: Sequence[float], other: Sequence[float], bound: float) -> float:
    """Return the least shift of one sample that the test would have called a difference: what it can see."""
    low, high = 0.0, max(sample) - min(sample) + 1.0
    for _ in range(20):
        middle = (low + high) / 2
        if _mann_whitney([each + middle for each in sample], other)[1] < bound:
            high = middle
        else:
            low = middle
    return high


def _mann_whitney(first: Sequence[float], second: Sequence[float]) -> tuple[float, float]:
    n, m = len(first), len(second)
    values = sorted([(value, 0) for value in first] + [(value, 1) for value in second])
    ranks, ties, at = 0.0, 0.0, 0
    while at < len(values):
        end = at
        while end < len(values) and values[end][0] == values[at][0]:
            end += 1
        count = end - at
        ranks += sum(1 for _, which in values[at:end] if which == 0) * (at + 1 + end) / 2
        ties += count**3 - count
        at = end
    u = ranks - n * (n + 1) / 2
    total = n + m
    spread = math.sqrt(n * m / 12 * (total + 1 - ties / (total * (total - 1))))
    z = (abs(u - n * m / 2) - 0.5) / spread if spread else 0.0
    return u, math.erfc(max(z, 0.0) / math.sqrt(2))
