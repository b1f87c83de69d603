"""Unit vectors in a quarter of their size: one byte a dimension, which moves a cosine by less than 0.01."""

import numpy as np

from switchboard.models.embedder import DIMENSIONS, Vectors

SCALE = 127


def packed(vectors: Vectors) -> bytes:
    """`vectors`: shape (texts, 384). 384 bytes a text; how long a vector was is not kept, its direction is."""
    largest = np.maximum(np.abs(vectors).max(axis=1, keepdims=True, initial=0.0), 1e-9)
    return np.rint(vectors / largest * SCALE).astype(np.int8).tobytes()


def unpacked(data: bytes) -> Vectors:
    """Shape (texts, 384), each row of length 1. Raises `ValueError` for bytes that are not whole vectors."""
    vectors = np.frombuffer(data, dtype=np.int8).reshape(-1, DIMENSIONS).astype(np.float32)
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
