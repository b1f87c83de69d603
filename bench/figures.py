"""Small statistics over measured samples."""

from collections.abc import Sequence

import numpy as np


def percentile(samples: Sequence[float], share: float) -> float:
    """The nearest-rank percentile; `share` from 0 to 1. Raises `ValueError` without samples."""
    if not samples:
        raise ValueError("a percentile needs at least one sample")
    return float(np.percentile(samples, share * 100, method="inverted_cdf"))


def spread(name: str, samples_ms: Sequence[float]) -> dict[str, float]:
    """`<name>_ms_p50`, `_p95` and `_p99`, in milliseconds."""
    return {f"{name}_ms_p{p}": round(percentile(samples_ms, p / 100), 2) for p in (50, 95, 99)}
