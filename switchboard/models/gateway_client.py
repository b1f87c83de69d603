"""A client of the gateway's embeddings: for services that hold no model themselves."""

import base64
from collections.abc import Sequence

import httpx
import numpy as np
import orjson

from switchboard.contracts.errors import Unavailable
from switchboard.models.caller import caller_headers
from switchboard.models.embedder import DIMENSIONS, Vectors

BATCH_TEXTS_MAX = 64
TIMEOUT_S = 30.0


class GatewayEmbedder:
    """Embeds through `<base_url>/embeddings`, alias `embedding`. Close it with the service."""

    def __init__(self, base_url: str, *, model: str = "embedding", client: httpx.AsyncClient | None = None) -> None:
        self._url = f"{base_url.rstrip('/')}/embeddings"
        self._model = model
        self._client = client or httpx.AsyncClient(timeout=httpx.Timeout(TIMEOUT_S, connect=5.0))
        self._model_id = model

    @property
    def model_id(self) -> str:
        """The model that answered last; before the first answer, the alias."""
        return self._model_id

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Raises `Unavailable` when the gateway does not answer or answers with something else."""
        if not texts:
            return np.empty((0, DIMENSIONS), dtype=np.float32)
        starts = range(0, len(texts), BATCH_TEXTS_MAX)
        return np.concatenate([await self._batch(texts[start : start + BATCH_TEXTS_MAX]) for start in starts])

    async def close(self) -> None:
        await self._client.aclose()

    async def _batch(self, texts: Sequence[str]) -> Vectors:
        body = orjson.dumps({"model": self._model, "input": list(texts), "encoding_format": "base64"})
        headers = {**caller_headers(), "content-type": "application/json", "x-switchboard-feature": "knowledge"}
        try:
            response = await self._client.post(self._url, content=body, headers=headers)
        except httpx.HTTPError as error:
            raise Unavailable("The model gateway does not answer at the moment.") from error
        if response.status_code != 200:
            raise Unavailable("The model gateway could not embed the text.")
        try:
            answer = orjson.loads(response.content)
            rows = sorted(answer["data"], key=lambda item: item["index"])
            vectors = np.stack([np.frombuffer(base64.b64decode(row["embedding"]), dtype="<f4") for row in rows])
            self._model_id = str(answer["model"])
        except (KeyError, TypeError, ValueError) as error:
            raise Unavailable("The model gateway gave an answer that is no embedding.") from error
        if vectors.shape != (len(texts), DIMENSIONS):
            raise Unavailable("The model gateway gave vectors of another size than 384.")
        return vectors
