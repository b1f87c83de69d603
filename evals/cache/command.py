"""`switchboard eval cache`: replays a stream of questions through a cold semantic cache and prints the figures."""

import csv
import json
import random
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress

from evals.cache.replay import Outcome, Row, interval, replay
from switchboard.caching.semantic.decision import Thresholds
from switchboard.cli.exits import exit_on_error
from switchboard.system.errors import OperatorError

ROWS_MAX = 200_000
CHUNK_TEXTS = 256
THREADS = 2
DEFAULTS = Thresholds()


def cache(
    stream: Annotated[Path, typer.Option(help="A CSV file with the columns text and category, in the stream's order.")],
    threshold: Annotated[float, typer.Option(min=0.5, max=1.0, help="The score a hit needs.")] = DEFAULTS.score,
    agreement: Annotated[
        bool, typer.Option(help="Whether cached answers around a question must be the same for a hit.")
    ] = True,
    shuffle: Annotated[int | None, typer.Option(help="Shuffle the rows with this seed first.")] = None,
    compare: Annotated[
        bool, typer.Option("--compare", help="Also without agreement, and with nothing but a plain 0.92 cosine.")
    ] = False,
    false_hits: Annotated[int, typer.Option(min=0, max=1000, help="List up to this many of the false hits.")] = 0,
) -> None:
    """Hit rate and false hits of the semantic cache on your own questions. A hit across categories is false.

    The cache starts empty. Every miss is stored with its category as the answer; a hit serves a stored answer. JSON on
    standard output, progress on standard error.
    """
    with exit_on_error():
        rows = read_rows(stream)
        if shuffle is not None:
            random.Random(shuffle).shuffle(rows)
        print(json.dumps(_measured(rows, threshold, agreement, compare, false_hits), indent=2, ensure_ascii=False))


def read_rows(path: Path) -> list[Row]:
    """Raises `OperatorError` for a file that cannot be read, lacks a column or has no or too many rows."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = {"text", "category"} - set(reader.fieldnames or ())
            if missing:
                raise OperatorError(f"{path} has no column {' and no column '.join(sorted(missing))}.")
            rows = [Row((line["text"] or "").strip(), (line["category"] or "").strip()) for line in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise OperatorError(f"{path} cannot be read as a CSV file in UTF-8: {error}") from error
    rows = [row for row in rows if row.text]
    if not rows:
        raise OperatorError(f"{path} holds no rows with a text.")
    if len(rows) > ROWS_MAX:
        raise OperatorError(f"{path} holds {len(rows)} rows; at most {ROWS_MAX} are replayed.")
    return rows


def _measured(rows: list[Row], threshold: float, agreement: bool, compare: bool, examples: int) -> dict[str, Any]:
    # Imported here: onnxruntime and the model are needed by nobody who only asks for help.
    import numpy as np

    from evals.cache.replay import replay_plain
    from switchboard.caching.semantic.verifier import load
    from switchboard.models.minilm import MiniLmEmbedder

    embedder = MiniLmEmbedder()
    thresholds = Thresholds(score=threshold)
    started = time.perf_counter()
    with Progress(console=Console(stderr=True), transient=True) as progress:
        # The vectors do not depend on what is cached, so they are computed ahead and in batches; the replay is in order.
        texts = list(dict.fromkeys(row.text for row in rows))
        chunks = [texts[start : start + CHUNK_TEXTS] for start in range(0, len(texts), CHUNK_TEXTS)]
        embedding = progress.add_task("embedding", total=len(texts))
        parts: list[Any] = []
        with ThreadPoolExecutor(THREADS) as pool:
            for part in pool.map(embedder.encode, chunks):
                parts.append(part)
                progress.advance(embedding, len(part))
        place = {text: index for index, text in enumerate(texts)}
        vectors = np.concatenate(parts)[[place[row.text] for row in rows]]
        embedded_s = time.perf_counter() - started
        verifier = load(lru_cache(maxsize=65_536)(embedder.rarity))
        replaying = progress.add_task("replaying", total=len(rows))

        def advance(done: int) -> None:
            if done % 100 == 0 or done == len(rows):
                progress.update(replaying, completed=done)

        outcome = replay(rows, vectors, verifier, thresholds, use_agreement=agreement, progress=advance)
        compared: dict[str, Any] = {}
        if compare:
            other = replay(rows, vectors, verifier, thresholds, use_agreement=not agreement)
            plain = replay_plain(rows, vectors, 0.92)
            compared = {"with_agreement" if not agreement else "without_agreement": figures(other)}
            compared["plain_cosine_0.92"] = figures(plain)
    return {
        **figures(outcome),
        "decisions": dict(outcome.reasons.most_common()),
        "thresholds": {"score": thresholds.score, "cosine": thresholds.cosine, "agreement": thresholds.agreement},
        "agreement": agreement,
        "categories": len({row.category for row in rows}),
        "embedding_model": embedder.model_id,
        "seconds": {"embedding": round(embedded_s, 1), "total": round(time.perf_counter() - started, 1)},
        **compared,
        **({"false": _examples(rows, outcome, examples)} if examples else {}),
    }


def figures(outcome: Outcome) -> dict[str, Any]:
    """Counts and shares with their 95 % confidence intervals (Wilson)."""
    false = len(outcome.false_hits)
    return {
        "rows": outcome.rows,
        "hits": outcome.hits,
        "false_hits": false,
        "entries": outcome.entries,
        "hit_rate": round(outcome.hits / outcome.rows, 5) if outcome.rows else 0.0,
        "hit_rate_ci95": [round(bound, 5) for bound in interval(outcome.hits, outcome.rows)],
        "false_share_of_hits": round(false / outcome.hits, 5) if outcome.hits else 0.0,
        "false_share_of_hits_ci95": [round(bound, 5) for bound in interval(false, outcome.hits)],
    }


def _examples(rows: Sequence[Row], outcome: Outcome, most: int) -> list[dict[str, Any]]:
    return [
        {
            "asked": rows[hit.asked].text,
            "category": rows[hit.asked].category,
            "served": rows[hit.served].text,
            "served_category": rows[hit.served].category,
            "score": round(hit.score, 4),
        }
        for hit in outcome.false_hits[:most]
    ]
