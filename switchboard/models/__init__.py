"""Embedded models and the client of the gateway. Importing this loads no model and no onnxruntime."""

from switchboard.models.embedder import DIMENSIONS, Embedder, Vectors
from switchboard.models.gateway_client import GatewayEmbedder
from switchboard.models.minilm import MiniLmEmbedder

__all__ = ["DIMENSIONS", "Embedder", "GatewayEmbedder", "MiniLmEmbedder", "Vectors"]
