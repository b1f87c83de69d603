"""Writes BANKING77 and CLINC150 as the CSV files that `switchboard eval routing` takes; run it as a script.

From BANKING77's training file: a fifth of each intent held back, the rest, and ten texts of each intent of the rest. From CLINC150: training,
validation, and out-of-scope validation. Nothing of either is kept in the project.
"""

import argparse
import csv
import json
import random
from collections.abc import Iterable
from pathlib import Path

SEED = 7
HELD_BACK_SHARE = 5
SHOTS = 10

Row = tuple[str, str]


def banking(data: Path) -> dict[str, list[Row]]:
    by_intent: dict[str, list[str]] = {}
    with (data / "banking77" / "train.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            by_intent.setdefault(row["category"], []).append(row["text"])
    chance = random.Random(SEED)
    files: dict[str, list[Row]] = {"banking_train": [], "banking_held_back": [], "banking_ten": []}
    for intent, texts in by_intent.items():
        chance.shuffle(texts)
        held = len(texts) // HELD_BACK_SHARE
        files["banking_held_back"] += [(text, intent) for text in texts[:held]]
        files["banking_train"] += [(text, intent) for text in texts[held:]]
        files["banking_ten"] += [(text, intent) for text in texts[held : held + SHOTS]]
    return files


def clinc(data: Path) -> dict[str, list[Row]]:
    parts = json.loads((data / "clinc150" / "train_val.json").read_text(encoding="utf-8"))
    names = {"clinc_train": "train", "clinc_validation": "val", "clinc_out_of_scope": "oos_val"}
    return {name: [(text, intent) for text, intent in parts[part]] for name, part in names.items()}


def write(path: Path, rows: Iterable[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("text", "category"))
        writer.writerows(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--to", type=Path, required=True, help="A folder outside of the project.")
    wanted = parser.parse_args()
    if not wanted.data.is_dir():
        raise SystemExit(f"{wanted.data} is not there: the public data is not part of the project.")
    wanted.to.mkdir(parents=True, exist_ok=True)
    for name, rows in (banking(wanted.data) | clinc(wanted.data)).items():
        write(wanted.to / f"{name}.csv", rows)
        print(f"{len(rows):6} rows  {wanted.to / name}.csv")


if __name__ == "__main__":
    main()
