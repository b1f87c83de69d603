from pathlib import Path

import pytest

from services.gateway.policy.file import parse_policy
from switchboard.contracts.errors import BadConfiguration

GOOD = """\
version: 1
deployments:
  a: {provider: embedded}
  b:
    provider: embedded
    weight: 2
aliases:
  fast: [a, b]
  quality:
    deployments: [a]
    routing: latency
"""


@pytest.mark.parametrize(
    ("was", "becomes", "line", "told"),
    [
        ("    weight: 2", "    weight: heavy", 6, "weight"),
        ("    weight: 2", "    wieght: 2", 6, "wieght"),
        ("    routing: latency", "    routing: magic", 11, "latency"),
        ("  fast: [a, b]", "  fast: [a, c]", 8, "'c'"),
        ("  fast: [a, b]", "  fast: []", 8, "fast"),
        ("    deployments: [a]", "    deployments:\n    - a\n    - z", 12, "'z'"),
        ("  a: {provider: embedded}", "  a: {provider: nobody}", 3, "nobody"),
        ("    provider: embedded\n", "", 4, "provider"),
        ("version: 1", "version: 1\nversion: 1", 2, "twice"),
        ("version: 1", "version: [1", 2, "read"),
        ("    routing: latency", "    fallback: {alias: quality}", 11, "another alias"),
        ("    routing: latency", "    canary: {deployment: z}", 11, "'z'"),
        ("version: 1", "version: 1\nbulkheads: {lanes: {batch: {calls: 1, queue: 1}}}", 2, "both lanes"),
    ],
)
def test_a_fault_is_told_with_its_line(was: str, becomes: str, line: int, told: str):
    assert was in GOOD
    with pytest.raises(BadConfiguration) as raised:
        parse_policy(GOOD.replace(was, becomes), "gateway.yaml")
    assert f"line {line}" in raised.value.message
    assert told in raised.value.message


def test_a_list_is_an_alias_with_nothing_but_deployments():
    policy = parse_policy(GOOD, "gateway.yaml")
    assert policy.aliases["fast"].deployments == ("a", "b")
    assert policy.aliases["quality"].routing == "latency"


def test_the_file_of_this_repository_is_right():
    parse_policy(Path("services/gateway/gateway.yaml").read_text(), "gateway.yaml")
