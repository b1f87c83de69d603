"""`python -m evals.grounding [--gate]`: good answers told whole and bad ones stopped, by the kind of fault; both halves."""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

import yaml
from rich.console import Console
from rich.table import Table

from evals.grounding.cases import load_cases
from evals.grounding.measure import DEEDS, GOOD, HARD_FACTS, INSTRUCTIONS, Share, pooled, shares

BARS = Path(__file__).with_name("bars.yaml")
POOLS = {GOOD: (GOOD,), "hard_facts": HARD_FACTS, "deeds": DEEDS, "instructions": INSTRUCTIONS}


def main() -> int:
    """Prints the table; 1 where `--gate` finds a share below its bar."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gate", action="store_true")
    options = parser.parse_args()
    found = shares(load_cases())
    table = Table("half", "kind", "right", "share", "95 %")
    for part, by_kind in found.items():
        rows = {
            **{f"[{name}]": pooled(by_kind, kinds) for name, kinds in POOLS.items()},
            **dict(sorted(by_kind.items())),
        }
        for kind, share in rows.items():
            table.add_row(
                part, kind.replace("[", "\\["), f"{share.right}/{share.of}", f"{share.value:.3f}", _interval(share)
            )
    Console().print(table)
    return 1 if options.gate and below_bars(found) else 0


def below_bars(found: Mapping[str, Mapping[str, Share]]) -> list[str]:
    """What is below its bar of bars.yaml, as "half kind: share < bar"."""
    wrong: list[str] = []
    all_bars = yaml.safe_load(BARS.read_text(encoding="utf-8"))
    for part, by_kind in found.items():
        for name, bar in all_bars[part].items():
            share = pooled(by_kind, POOLS[name])
            if share.value < bar:
                wrong.append(f"{part} {name}: {share.value:.3f} < {bar}")
    return wrong


def _interval(share: Share) -> str:
    return f"{share.interval.low:.2f} to {share.interval.high:.2f}"


if __name__ == "__main__":
    sys.exit(main())
