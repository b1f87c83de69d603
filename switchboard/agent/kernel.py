"""Semantic Kernel, imported without the template language that no agent uses."""

import importlib
import sys
from collections.abc import Generator
from contextlib import contextmanager
from types import ModuleType
from typing import Final, NoReturn

HANDLEBARS: Final = "pybars"


def import_loop() -> ModuleType:
    """The module of `ModelLoop`; it takes its time."""
    with without_handlebars():
        return importlib.import_module("switchboard.agent.loop")


@contextmanager
def without_handlebars() -> Generator[None]:
    """While it lasts, whoever imports `pybars` gets a stand-in; where it is imported already, nothing changes.

    Semantic Kernel imports Handlebars with everything else, and that compiles a grammar: 10 MiB a process, and a fifth of
    a second. A Handlebars template then fails when it is made, and says why.
    """
    if HANDLEBARS in sys.modules:
        yield
        return
    stand_in = ModuleType(HANDLEBARS)
    vars(stand_in).update(Compiler=_no_compiler, PybarsError=ValueError)
    sys.modules[HANDLEBARS] = stand_in
    try:
        yield
    finally:
        del sys.modules[HANDLEBARS]


def _no_compiler() -> NoReturn:
    raise ImportError("An agent's process has no Handlebars templates: switchboard/agent/kernel.py leaves them out.")
