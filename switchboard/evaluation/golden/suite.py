"""A suite of golden cases, read from YAML files: `evals/golden/*.yaml`."""

import importlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from switchboard.contracts.errors import BadConfiguration
from switchboard.evaluation.golden.cases import Case
from switchboard.scoring.expected import alternatives_of, is_pattern

CASES_MAX = 5_000
PLACEHOLDER: Final = re.compile(r"<([a-z0-9][a-z0-9_-]*(?:\.[a-z0-9_+-]+)+)>")
"""A name has a dot, so that `<script>` stays what it is."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the cases of a company may name instead of writing it down: `values` by name; `users` by nickname, as `tenant/user`."""

    values: Mapping[str, str] = field(default_factory=dict[str, str])
    users: Mapping[str, str] = field(default_factory=dict[str, str])

    def filled(self, value: Any) -> Any:
        """The value with every placeholder in its strings replaced. Raises `KeyError` with an unknown name."""
        if isinstance(value, str):
            return PLACEHOLDER.sub(lambda found: self.values[found[1]], value) if self.values else value
        if isinstance(value, list):
            return [self.filled(each) for each in cast("list[Any]", value)]
        return value


class SuiteFile(BaseModel):
    """One file of cases."""

    model_config = ConfigDict(extra="forbid")

    suite: str
    facts: str = ""
    """A module with a function `facts() -> Facts`, such as `evals.facts`: its names are filled in for `<ada.latest.total>`."""
    defaults: dict[str, str] = Field(default_factory=dict)
    """Of `user`."""
    cases: list[dict[str, object]] = Field(max_length=CASES_MAX)


def load_cases(path: Path) -> list[Case]:
    """The cases of a file, or of all `*.yaml` files of a folder, by name; placeholders are filled in.

    Raises `BadConfiguration` with the file and the case that is wrong.
    """
    files = sorted(path.glob("*.yaml")) if path.is_dir() else [path]
    if not files:
        raise BadConfiguration(f"There are no golden cases in {path}.")
    cases = [case for file in files for case in _read(file)]
    seen: set[str] = set()
    for case in cases:
        if case.id in seen:
            raise BadConfiguration(f"Two golden cases have the id {case.id}.")
        seen.add(case.id)
    return cases


def _read(file: Path) -> list[Case]:
    try:
        suite = SuiteFile.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError) as error:
        raise BadConfiguration(f"The golden cases {file} cannot be read: {error}") from error
    except ValidationError as error:
        raise BadConfiguration(f"The golden cases {file} are wrong: {_first(error)}") from error
    facts = _facts(suite.facts, file)
    return [_case(suite, raw, file, facts) for raw in suite.cases]


def _facts(module: str, file: Path) -> Facts:
    if not module:
        return Facts()
    try:
        found: Any = importlib.import_module(module).facts()
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise BadConfiguration(f"The facts {module} of the golden cases {file} cannot be had: {error}.") from error
    if not isinstance(found, Facts):
        raise BadConfiguration(f"{module}.facts() of the golden cases {file} does not return Facts.")
    return found


def _case(suite: SuiteFile, raw: dict[str, object], file: Path, facts: Facts) -> Case:
    name = str(raw.get("id", "without an id"))
    try:
        filled = {**suite.defaults, **{key: facts.filled(value) for key, value in raw.items()}}
        case = Case.model_validate(filled)
        for pattern in _patterns(case):
            re.compile(pattern)
    except ValidationError as error:
        raise BadConfiguration(f"The golden case {name} in {file} is wrong: {_first(error)}") from error
    except KeyError as error:
        raise BadConfiguration(f"The golden case {name} in {file} names an unknown fact: {error.args[0]}.") from error
    except re.error as error:
        raise BadConfiguration(f"The golden case {name} in {file} has a wrong expression: {error}.") from error
    return case.model_copy(update={"user": facts.users.get(case.user, case.user), "tags": [suite.suite, *case.tags]})


def _patterns(case: Case) -> list[str]:
    texts = [*alternatives_of(case.facts), *case.forbidden]
    return [text[1:-1] for text in texts if is_pattern(text)]


def _first(error: ValidationError) -> str:
    wrong = error.errors(include_url=False)[0]
    return f"'{'.'.join(str(part) for part in wrong['loc'])}': {wrong['msg']}"
