"""Measures what `evals/cache/README.md` publishes: `python -m evals.cache.measure [--data ../shared/data]`.

Writes `results.json` beside this file: banking77 in the file's order and shuffled, the half of its intents
that nothing was trained on, and the near misses, each also without agreement and with a plain cosine of 0.92.
"""

import argparse
import json
import random
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evals.cache import near_misses
from evals.cache.command import figures, read_rows
from evals.cache.replay import Row, replay, replay_plain
from evals.cache.train import is_development
from switchboard.caching.semantic.decision import Thresholds
from switchboard.caching.semantic.verifier import load
from switchboard.evaluation.machine import facts
from switchboard.models.minilm import MiniLmEmbedder

TARGET = Path(__file__).parent / "results.json"
SEEDS = (1,)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--data", type=Path, default=Path("../shared/data"))
    source: Path = arguments.parse_args().data / "banking77" / "train.csv"
    if not source.is_file():
        sys.exit(f"There is no file {source}: banking77 is needed to measure.")
    machine = facts()
    embedder = MiniLmEmbedder()
    verifier = load(lru_cache(maxsize=65_536)(embedder.rarity))
    banking, near = read_rows(source), read_rows(near_misses.TARGET)
    texts = list(dict.fromkeys(row.text for row in [*banking, *near]))
    vectors = dict(zip(texts, embedder.encode(texts), strict=True))
    streams: dict[str, list[Row]] = {"banking77, the file's order": banking}
    for seed in SEEDS:
        shuffled = list(banking)
        random.Random(seed).shuffle(shuffled)
        streams[f"banking77, shuffled with seed {seed}"] = shuffled
    streams["banking77, intents not trained on"] = [row for row in banking if not is_development(row.category)]
    streams["near misses"] = near
    measured = {name: _figures(rows, vectors, verifier) for name, rows in streams.items()}
    near_hits = measured["near misses"]["semantic cache"]["hits"]
    pairs = len(near) - len({row.category for row in near})
    measured["near misses"]["true_pairs"] = {"pairs": pairs, "refused_share": round(1 - near_hits / pairs, 4)}
    written = {"machine": machine, "streams": measured}
    TARGET.write_text(json.dumps(written, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _figures(rows: list[Row], vectors: dict[str, NDArray[np.float32]], verifier: Any) -> dict[str, Any]:
    matrix = np.stack([vectors[row.text] for row in rows])
    thresholds = Thresholds()
    print(f"{len(rows)} rows", file=sys.stderr)
    return {
        "semantic cache": figures(replay(rows, matrix, verifier, thresholds)),
        "without agreement": figures(replay(rows, matrix, verifier, thresholds, use_agreement=False)),
        "plain cosine 0.92": figures(replay_plain(rows, matrix, 0.92)),
    }


if __name__ == "__main__":
    main()
