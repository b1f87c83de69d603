"""Embedded models, and the client of the gateway. Importing this loads no model, no onnxruntime and no client."""

from switchboard.models.embedder import DIMENSIONS, Embedder, Vectors
from switchboard.models.minilm import MiniLmEmbedder

__all__ = ["DIMENSIONS", "Embedder", "MiniLmEmbedder", "Vectors"]
