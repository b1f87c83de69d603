"""Which turns are evaluated: a stable share of them, the same in every process and at every delivery."""

import hashlib


def sampled(turn_id: str, share: float) -> bool:
    """Whether a turn is in the sample; `share` is 0 to 1. A turn in a small sample is in every larger one."""
    place = int.from_bytes(hashlib.sha256(f"sample|{turn_id}".encode()).digest()[:8], "big") / 2**64
    return place < share
