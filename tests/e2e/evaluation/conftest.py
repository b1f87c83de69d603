"""One fresh system for the golden set and what comes with it: other tests' tickets and refunds must not be there."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from switchboard.testing.system import System, app_names

SHARE = 0.5
EXPERIMENTS = """
experiments:
  - name: brief-words
    variants:
      - {name: control, weight: 1}
      - {name: brief, weight: 1, instructions: Answer in one sentence.}
"""


@pytest.fixture(scope="package")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    experiments = Path(tmp_path_factory.mktemp("experiments")) / "experiments.yaml"
    experiments.write_text(EXPERIMENTS)
    environment = {
        "SWITCHBOARD_EVALUATION_SHARE": str(SHARE),
        "SWITCHBOARD_EXPERIMENTS_FILE": str(experiments),
    }
    with System(apps=app_names(), environment=environment) as system:
        yield system
