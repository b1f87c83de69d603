from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.contracts.errors import BadConfiguration
from switchboard.experiments.assignment import Experiment, Experiments, VariantRule
from switchboard.experiments.sampling import sampled

YAML = """
experiments:
  - name: finished
    active: false
    variants: [{name: control}, {name: other}]
  - name: warmer-words
    tenants: [aurora, borealis]
    variants:
      - {name: control, weight: 1}
      - {name: warm, weight: 1, agents: [billing], model: quality, instructions: Begin with a kind word.}
"""


def split(weight: float, tenants: int = 4_000) -> float:
    """The share of the tenants in the second variant."""
    rules = [VariantRule(name="control", weight=1), VariantRule(name="other", weight=weight)]
    experiment = Experiment(name="x", variants=rules)
    counted = Counter(experiment.variant_of(f"tenant-{n}").name for n in range(tenants))
    return counted["other"] / tenants


@pytest.mark.parametrize("weight", [0.25, 1, 3])
def test_tenants_are_divided_by_the_weights(weight: float) -> None:
    assert split(weight) == pytest.approx(weight / (1 + weight), abs=0.03)


@given(st.text(max_size=40))
def test_a_tenant_stays_in_its_variant(tenant: str) -> None:
    experiment = Experiment(name="x", variants=[VariantRule(name="a"), VariantRule(name="b")])
    again = Experiment(name="x", variants=[VariantRule(name="a"), VariantRule(name="b")])
    assert experiment.variant_of(tenant) == again.variant_of(tenant)


def test_two_experiments_divide_the_tenants_differently() -> None:
    rules = [VariantRule(name="a"), VariantRule(name="b")]
    first, second = Experiment(name="first", variants=rules), Experiment(name="second", variants=rules)
    alike = sum(first.variant_of(f"t{n}").name == second.variant_of(f"t{n}").name for n in range(1_000))
    assert 400 < alike < 600


def test_the_first_active_experiment_that_takes_the_tenant_has_it(tmp_path: Path) -> None:
    path = tmp_path / "experiments.yaml"
    path.write_text(YAML)
    experiments = Experiments.load(path)
    assigned = experiments.assigned("aurora")
    assert assigned is not None
    assert assigned.experiment == "warmer-words"
    assert assigned.label in ("warmer-words=control", "warmer-words=warm")
    assert experiments.assigned("somebody-else") is None
    assert experiments.named("finished") is not None


def test_a_variant_changes_only_the_agents_it_is_about(tmp_path: Path) -> None:
    path = tmp_path / "experiments.yaml"
    path.write_text(YAML.replace("{name: control, weight: 1}", "{name: control, weight: 0.000001}"))
    assigned = Experiments.load(path).assigned("aurora")
    assert assigned is not None
    billing, tech = assigned.of("billing"), assigned.of("tech")
    assert (billing.model, billing.instructions) == ("quality", "Begin with a kind word.")
    assert (tech.model, tech.instructions) == (None, "")
    assert billing.label == tech.label == "warmer-words=warm"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("experiments: [{name: x, variants: [{name: a}]}]", "experiments.0.variants"),
        ("experiments: [{name: x, variants: [{name: a}, {name: a}]}]", "same name"),
        ("experiments: [{name: X!, variants: [{name: a}, {name: b}]}]", "experiments.0.name"),
        ("experiments: [{name: x, variants: [{name: a, weight: 0}, {name: b}]}]", "weight"),
        ("experiments: [", "cannot be read"),
    ],
)
def test_a_wrong_file_is_told_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "experiments.yaml"
    path.write_text(text)
    with pytest.raises(BadConfiguration) as raised:
        Experiments.load(path)
    assert told in raised.value.message


def test_without_a_file_nobody_is_in_an_experiment() -> None:
    assert Experiments.load(None).assigned("aurora") is None


@given(st.text(max_size=30), st.floats(0, 1), st.floats(0, 1))
def test_a_turn_in_a_small_sample_is_in_every_larger_one(turn_id: str, share: float, other: float) -> None:
    small, large = sorted((share, other))
    assert sampled(turn_id, large) or not sampled(turn_id, small)


def test_the_sample_is_as_large_as_its_share() -> None:
    assert sum(sampled(f"c{n}.1", 0.1) for n in range(10_000)) == pytest.approx(1_000, abs=100)
    assert not any(sampled(f"c{n}.1", 0.0) for n in range(100))
    assert all(sampled(f"c{n}.1", 1.0) for n in range(100))
