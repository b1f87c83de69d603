"""Whether answers are good: golden cases, evaluators, runs, reports, differences, experiments; and retrieval.

One turn in, scores out: `evaluators.scores_of(transcript, expected, embedder)`. The same evaluators judge golden cases
(with what is expected) and sampled turns of real users (without).
"""
