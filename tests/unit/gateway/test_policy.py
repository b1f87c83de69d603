from pathlib import Path

import pytest

from services.gateway.money.prices import cost_of, price_of
from services.gateway.policy.catalog import ModelCatalog
from services.gateway.policy.file import load_policy
from services.gateway.providers.openai_compatible import error_of
from services.gateway.providers.port import Spent, spent_of
from services.gateway.settings import Settings
from switchboard.contracts.errors import BadConfiguration, NotFound

POLICY = load_policy(Path("services/gateway/gateway.yaml"))
MODELS = {"embedded": "switchboard-embedded", "openai": "gpt-4o-mini", "azure_openai": "my-deployment"}


def catalog(*configured: str) -> ModelCatalog:
    return ModelCatalog(POLICY, MODELS, ("embedded", *configured))


def test_without_a_provider_every_alias_is_embedded():
    assert {catalog().target(alias).provider for alias in POLICY.aliases} == {"embedded"}
    assert catalog().target("embedding").model == "all-MiniLM-L6-v2-onnx-int8"


def test_a_configured_provider_serves_chat_and_azure_comes_first():
    assert catalog("openai").target("fast").model == "gpt-4o-mini"
    assert catalog("openai", "azure_openai").target("fast").model == "my-deployment"
    assert catalog("openai").target("embedding").provider == "embedded"


def test_a_providers_own_model_name_passes_through():
    assert catalog("openai").target("gpt-4.1").provider == "openai"
    assert catalog("openai").target("switchboard-embedded").provider == "embedded"


def test_an_unknown_model_is_not_found_and_the_aliases_are_named():
    with pytest.raises(NotFound, match="fast, quality, cheap, embedding"):
        catalog().target("gpt-4o")


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("version: 2\ndeployments: {}\naliases: {}", "version"),
        ("version: 1\ndeployments: {a: {provider: magic}}\naliases: {fast: [a]}", "deployments.a.provider"),
        ("version: 1\ndeployments: {a: {provider: embedded}}\naliases: {fast: [b]}", "names the deployment 'b'"),
        ("{", "cannot be read"),
    ],
)
def test_a_wrong_policy_is_refused_with_what_is_wrong(tmp_path: Path, text: str, where: str):
    file = tmp_path / "gateway.yaml"
    file.write_text(text)
    with pytest.raises(BadConfiguration, match=where):
        load_policy(file)


def test_prices_come_from_the_list_and_are_zero_for_what_it_does_not_know():
    spent = Spent(prompt_tokens=1_000_000, completion_tokens=1_000_000)
    openai, embedded = catalog("openai").target("fast"), catalog().target("fast")
    assert cost_of(price_of(openai, "gpt-4o-mini"), spent) == 750_000_000_000
    assert cost_of(price_of(openai, "gpt-4o-mini-2024-07-18"), spent) == 750_000_000_000
    assert cost_of(price_of(embedded, "gpt-4o-mini"), spent) == 0
    unknown = catalog("openai").target("nobody-knows")
    assert cost_of(price_of(unknown, "nobody-knows"), spent) == 0


def test_usage_is_read_whatever_is_missing():
    assert spent_of(None) == Spent()
    told = {"prompt_tokens": 3, "completion_tokens": None, "prompt_tokens_details": {"cached_tokens": 2}}
    assert spent_of(told) == Spent(prompt_tokens=3, cached_tokens=2)


@pytest.mark.parametrize(
    ("status", "ours"),
    [(400, 422), (401, 500), (403, 500), (404, 500), (408, 504), (413, 400), (429, 429), (500, 503), (529, 503)],
)
def test_every_status_of_a_provider_has_an_error_of_ours(status: int, ours: int):
    assert error_of(status, None).status == ours


def test_retry_after_is_kept_and_bounded():
    assert error_of(429, "9").retry_after_s == 9
    assert error_of(429, "999999").retry_after_s == 3_600
    assert error_of(503, "Wed, 21 Oct").retry_after_s == 5


def test_settings_read_the_environment_and_hide_the_key(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.setenv("OPENAI_MODEL", "")
    settings = Settings()
    assert settings.openai_model == "gpt-4o-mini"
    assert "sk-secret" not in repr(settings)
