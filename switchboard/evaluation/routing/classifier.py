"""How well the classifier tells labelled texts apart: anybody's files, each category as a skill."""

import csv
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from switchboard.contracts.errors import BadConfiguration
from switchboard.evaluation import machine
from switchboard.evaluation.statistics import percentile
from switchboard.models import MiniLmEmbedder
from switchboard.routing.classifier import ELSEWHERE, Classification, Classifier, Example

ROWS_MAX = 200_000
OUT_OF_SCOPE_NAMES = frozenset({"oos", "out_of_scope", "out-of-scope", "none"})
"""Categories that mean "none of these", in anybody's files."""


@dataclass(frozen=True, slots=True)
class Labelled:
    text: str
    category: str

    @property
    def out_of_scope(self) -> bool:
        return self.category.strip().lower() in OUT_OF_SCOPE_NAMES


def labelled_rows(path: Path, *, categories: bool = True) -> list[Labelled]:
    """The rows of a CSV file with the columns text and category; without `categories` the second may be missing.

    Raises `BadConfiguration` for a file that cannot be read, lacks a column, or is empty.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            names = {name.strip().lower(): name for name in reader.fieldnames or ()}
            missing = [name for name in ("text", "category")[: 1 + categories] if name not in names]
            if missing:
                raise BadConfiguration(f"{path} has no column '{missing[0]}'; its first line must name text, category.")
            rows: list[Labelled] = []
            for row in reader:
                text = (row[names["text"]] or "").strip()
                category = (row.get(names.get("category", "")) or "").strip()
                if text and (category or not categories):
                    rows.append(Labelled(text, category))
                if len(rows) > ROWS_MAX:
                    raise BadConfiguration(f"{path} has more than {ROWS_MAX} rows.")
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadConfiguration(f"{path} cannot be read: {error}") from error
    if not rows:
        raise BadConfiguration(f"{path} has no rows with a text{' and a category' if categories else ''}.")
    return rows


def evaluate(
    train: Sequence[Labelled], test: Sequence[Labelled], out_of_scope: Sequence[Labelled] = ()
) -> dict[str, Any]:
    """Learns from `train` alone, thresholds included, then decides each other text by itself, timed.

    `accuracy` and `macro_f1` are over the in-scope test texts, by the likeliest skill; `acceptance` is the share of
    them that is not rejected as out of scope; `out_of_scope_recall` is the share of the others that is.
    Raises `BadConfiguration` when no training row is in scope.
    """
    if all(each.out_of_scope for each in train):
        raise BadConfiguration("The training file has no category that is in scope.")
    embedder = MiniLmEmbedder()
    examples = [_example(each) for each in train]
    names = {each.agent: _spoken(each.agent) for each in examples}
    examples += [Example(name, agent, agent, is_name=True) for agent, name in names.items() if name]
    started_s = time.perf_counter()
    vectors = embedder.encode([each.text for each in examples])
    embedded_s = time.perf_counter()
    classifier = Classifier.learned(examples, vectors)
    fitted_s = time.perf_counter()

    inside = [each for each in test if not each.out_of_scope]
    outside = [each for each in test if each.out_of_scope] + list(out_of_scope)
    durations_ms: list[float] = []
    cpu_ms: list[float] = []

    def read(text: str) -> Classification:
        from_cpu_s, from_s = time.process_time(), time.perf_counter()
        (classification,) = classifier.classify([text], embedder.encode([text]))
        durations_ms.append((time.perf_counter() - from_s) * 1000)
        cpu_ms.append((time.process_time() - from_cpu_s) * 1000)
        return classification

    classifications = [read(each.text) for each in inside]
    others = [read(each.text) for each in outside]
    predicted = [next(iter(each.agents)) for each in classifications]
    right = np.array([name == each.category for name, each in zip(predicted, inside, strict=True)], dtype=bool)
    accepted = np.array([not _rejected(each, classifier) for each in classifications], dtype=bool)
    return {
        "accuracy": share(right),
        "macro_f1": macro_f1([each.category for each in inside], predicted),
        "acceptance": share(accepted),
        "accuracy_of_accepted": share(right[accepted]),
        "out_of_scope_recall": share([_rejected(each, classifier) for each in others]),
        "decision_ms_p50": percentile(durations_ms, 50) if durations_ms else None,
        "decision_ms_p95": percentile(durations_ms, 95) if durations_ms else None,
        "decision_cpu_ms_p50": percentile(cpu_ms, 50) if cpu_ms else None,
        "thresholds": {
            "familiarity_min": round(classifier.calibration.familiarity_min, 4),
            "temperature": round(classifier.calibration.temperature, 4),
        },
        "embedding_s": round(embedded_s - started_s, 2),
        "fit_s": round(fitted_s - embedded_s, 3),
        "skills": len(classifier.agents),
        "train_rows": len(train),
        "test_rows": len(inside),
        "out_of_scope_rows": len(outside),
        "machine": machine.facts(),
    }


def macro_f1(truth: Sequence[str], predicted: Sequence[str]) -> float | None:
    """The mean over the true categories of the harmonic mean of precision and recall; None without rows."""
    if not truth:
        return None
    scores: list[float] = []
    for category in sorted(set(truth)):
        hits = sum(t == p == category for t, p in zip(truth, predicted, strict=True))
        claims, members = sum(p == category for p in predicted), sum(t == category for t in truth)
        scores.append(2 * hits / (claims + members))
    return round(float(np.mean(scores)), 4)


def _example(row: Labelled) -> Example:
    agent = ELSEWHERE if row.out_of_scope else row.category
    return Example(row.text, agent, agent)


def _spoken(category: str) -> str:
    """A category's name as words, which describe it like the description on a card; empty where it has none."""
    words = re.findall(r"[^\W\d_]{2,}", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", category))
    return " ".join(words).lower()


def _rejected(classification: Classification, classifier: Classifier) -> bool:
    return (
        classification.elsewhere > classification.best
        or classification.familiarity < classifier.calibration.familiarity_min
    )


def share(flags: Any) -> float | None:
    """Of those that are true; None of nothing."""
    return round(float(np.asarray(flags, dtype=float).mean()), 4) if len(flags) else None
