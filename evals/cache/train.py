"""Trains the verifier of the semantic cache: `python -m evals.cache.train [--data ../shared/data]`.

Pairs of near questions (cosine >= 0.85, at most 40 neighbours a question) that the guards let pass, from three public
sets: half of banking77's intents (`is_development`), clinc150's and bitext's training parts. A pair is the same
question where the intent is the same. Each set weighs alike, whatever its size.
"""

import argparse
import csv
import hashlib
import json
import sys
from functools import lru_cache
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from switchboard.caching.semantic.features import NAMES, Rarity, features
from switchboard.caching.semantic.guards import refusal
from switchboard.caching.semantic.reading import read
from switchboard.models.minilm import MiniLmEmbedder

COSINE_MIN = 0.85
NEIGHBOURS_MAX = 40
L2 = 1e-3
MATCHED_AT = (0.88, 0.95)
Labelled = list[tuple[str, str]]


def is_development(intent: str) -> bool:
    """Half of the intents, by a hash of the name: these may be tuned on, the others only measured."""
    return hashlib.sha256(intent.encode()).digest()[0] % 2 == 0


def banking(data: Path) -> Labelled:
    with (data / "banking77" / "train.csv").open(encoding="utf-8", newline="") as file:
        return [(row["text"], row["category"]) for row in csv.DictReader(file)]


def clinc(data: Path) -> Labelled:
    parts = json.loads((data / "clinc150" / "train_val.json").read_text(encoding="utf-8"))
    return [(text, intent) for text, intent in parts["train"]]


def bitext(data: Path) -> Labelled:
    path = data / "bitext" / "Bitext_Sample_Customer_Support_Training_Dataset.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return [(row["instruction"], row["intent"]) for row in csv.DictReader(file)]


def pairs(rows: Labelled, embedder: MiniLmEmbedder, rarity: Rarity) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Features and labels of the near pairs that pass the guards."""
    vectors = embedder.encode([text for text, _ in rows])
    readings = [read(text) for text, _ in rows]
    found: dict[tuple[int, int], float] = {}
    for index, vector in enumerate(vectors):
        cosines = vectors @ vector
        cosines[index] = -1.0
        near = np.flatnonzero(cosines >= COSINE_MIN)
        for other in near[np.argsort(-cosines[near])[:NEIGHBOURS_MAX]]:
            found[min(index, int(other)), max(index, int(other))] = float(cosines[other])
    kept = [(a, b, c) for (a, b), c in found.items() if refusal(readings[a], readings[b]) is None]
    return (
        np.array([features(c, readings[a], readings[b], rarity) for a, b, c in kept]),
        np.array([rows[a][1] == rows[b][1] for a, b, _ in kept]),
    )


def fit(rows: NDArray[np.float64], same: NDArray[np.bool_], weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weighted logistic regression with an L2 penalty, by Newton's method. The last value is the constant."""
    design = np.c_[rows, np.ones(len(rows))]
    penalty = np.diag([L2] * rows.shape[1] + [0.0])
    beta = np.zeros(design.shape[1])
    for _ in range(50):
        chance = 1 / (1 + np.exp(-design @ beta))
        gradient = design.T @ (weight * (chance - same)) + penalty @ beta
        hessian = (design * (weight * chance * (1 - chance))[:, None]).T @ design + penalty
        step = np.linalg.solve(hessian, gradient)
        beta -= step
        if np.abs(step).max() < 1e-9:
            break
    return beta


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--data", type=Path, default=Path("../shared/data"))
    data: Path = arguments.parse_args().data
    if not data.is_dir():
        sys.exit(f"There is no folder {data}: the public data sets are needed to train.")
    embedder = MiniLmEmbedder()
    rarity = lru_cache(maxsize=65_536)(embedder.rarity)
    sets = {
        "banking77 (development half of the intents)": [row for row in banking(data) if is_development(row[1])],
        "clinc150 (train)": clinc(data),
        "bitext": bitext(data),
    }
    parts: list[tuple[NDArray[np.float64], NDArray[np.bool_]]] = []
    for name, rows in sets.items():
        parts.append(pairs(rows, embedder, rarity))
        print(f"{name}: {len(rows)} questions, {len(parts[-1][1])} pairs", file=sys.stderr)
    rows = np.concatenate([part for part, _ in parts])
    same = np.concatenate([labels for _, labels in parts])
    weight = np.concatenate([np.full(len(labels), 1 / len(labels) / len(parts)) for _, labels in parts])
    mean, spread = rows.mean(axis=0), rows.std(axis=0) + 1e-9
    beta = fit((rows - mean) / spread, same, weight)
    weights = beta[:-1] / spread
    logits = rows @ weights + beta[-1] - mean @ weights
    low, high = (float(np.quantile(logits, np.mean(rows[:, 0] < at))) for at in MATCHED_AT)
    scale = (MATCHED_AT[1] - MATCHED_AT[0]) / (high - low)
    offset = MATCHED_AT[0] + scale * (beta[-1] - mean @ weights - low)
    written = {
        "trained_on": {name: len(part[1]) for name, part in zip(sets, parts, strict=True)},
        "embedding_model": embedder.model_id,
        "offset": round(float(offset), 6),
        "weights": {name: round(float(value * scale), 6) for name, value in zip(NAMES, weights, strict=True)},
    }
    target = Path(str(resources.files("switchboard.caching.semantic").joinpath("verifier.json")))
    target.write_text(json.dumps(written, indent=2) + "\n", encoding="utf-8")
    print(f"Written: {target.name}", file=sys.stderr)


if __name__ == "__main__":
    main()
