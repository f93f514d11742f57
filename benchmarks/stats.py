"""Order statistics, small and exact."""

import math
from collections.abc import Iterable
from statistics import median as median  # the one figure that a noisy neighbour moves least


def percentile(values: Iterable[float], percent: float) -> float:
    """The smallest value that at least `percent` of all values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]
