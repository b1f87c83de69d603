"""What the C library keeps of memory that was freed, for a next time that does not come."""

import ctypes
from contextlib import suppress


def trim_heap() -> None:
    """Gives it back, in 3 ms. For after large work that is seldom done: loading a model, embedding documents, a fit."""
    with suppress(AttributeError, OSError):  # another C library keeps less
        ctypes.CDLL(None).malloc_trim(0)
