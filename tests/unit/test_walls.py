"""Walls that import-linter cannot see: who holds a provider's key, and who could take one from the environment unawares."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GATEWAY = ROOT / "services" / "gateway"
FILES = sorted(path for folder in ("services", "switchboard") for path in (ROOT / folder).rglob("*.py"))
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


@pytest.mark.parametrize("path", [path for path in FILES if not path.is_relative_to(GATEWAY)], ids=name)
def test_only_the_gateway_names_a_providers_secret(path: Path) -> None:
    strings = [node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)]
    assert not [text for text in strings if isinstance(text, str) and PROVIDER_SECRET.match(text)]


@pytest.mark.parametrize("path", FILES, ids=name)
def test_a_client_of_a_model_is_given_its_address_and_key(path: Path) -> None:
    for call in calls_of_model_clients(ast.parse(path.read_text())):
        given = {keyword.arg for keyword in call.keywords}
        assert {"api_key"} <= given and given & {"base_url", "azure_endpoint"}, ast.unparse(call)


def test_the_gateway_is_where_the_secrets_are() -> None:
    assert any(PROVIDER_SECRET.match(word) for word in re.findall(r"\w+", (GATEWAY / "settings.py").read_text()))
