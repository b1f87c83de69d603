"""Walls that import-linter cannot see: who holds a provider's key, and who could take one from the environment unawares."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
GATEWAY = ROOT / "services" / "gateway"
TREES = {
    path: ast.parse(path.read_text())
    for folder in ("services", "switchboard")
    for path in sorted((ROOT / folder).rglob("*.py"))
}
PROVIDER_SECRET = re.compile(
    r"^(?:AZURE_)?(?:OPENAI|ANTHROPIC|COHERE|MISTRAL|GEMINI|GOOGLE|GROQ)_\w*(?:KEY|TOKEN|SECRET)\w*$"
)
MODEL_CLIENTS = {
    *("OpenAI", "AsyncOpenAI", "AzureOpenAI", "AsyncAzureOpenAI", "OpenAIModelConfiguration", "AzureOpenAIModelConfiguration"),
}  # fmt: skip
"""Each takes OPENAI_API_KEY and OPENAI_BASE_URL from the environment where it is given none."""


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def calls_of_model_clients(tree: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in MODEL_CLIENTS:
                yield node


def test_only_the_gateway_names_a_providers_secret() -> None:
    named = [
        f"{name(path)}: {node.value}"
        for path, tree in TREES.items()
        if not path.is_relative_to(GATEWAY)
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and PROVIDER_SECRET.match(node.value)
    ]
    assert not named


def test_a_client_of_a_model_is_given_its_address_and_key() -> None:
    unaware: list[str] = []
    for path, tree in TREES.items():
        for call in calls_of_model_clients(tree):
            given = {keyword.arg for keyword in call.keywords}
            if "api_key" not in given or not given & {"base_url", "azure_endpoint"}:
                unaware.append(f"{name(path)}: {ast.unparse(call)}")
    assert not unaware


def test_only_the_server_imports_an_entry_point() -> None:
    """Importing a service's `app.py` wires the service; tests and documentation import `create_app` and `build`."""
    entry = re.compile(r"services\.\w+\.app\b|from services\.\w+ import .*\bapp\b")
    read = [
        *TREES,
        *(path for folder in ("tests", "bench", "evals", "docs") for path in (ROOT / folder).rglob("*.[pm][yd]")),
    ]
    assert not [name(path) for path in read if entry.search(path.read_text())]


def test_an_entry_point_only_gives_the_app() -> None:
    entries = sorted((ROOT / "services").glob("*/app.py"))
    assert entries
    for path in entries:
        assert len(path.read_text().splitlines()) <= 20, name(path)
        assigned = [
            target.id
            for node in TREES[path].body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        ]
        assert assigned[-1] == "app", name(path)


def test_the_gateway_is_where_the_secrets_are() -> None:
    assert any(PROVIDER_SECRET.match(word) for word in re.findall(r"\w+", (GATEWAY / "settings.py").read_text()))
