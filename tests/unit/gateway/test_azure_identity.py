"""Azure OpenAI without a key: the machine's identity signs in, and its token is kept."""

import time
from types import SimpleNamespace
from typing import Any

import pytest

azure_identity = pytest.importorskip("azure.identity.aio", reason="The Azure packages are not installed.")

from azure.core.exceptions import ClientAuthenticationError  # noqa: E402

from services.gateway.providers.azure_openai import SCOPE, AzureOpenAi, ManagedIdentity  # noqa: E402
from switchboard.contracts.errors import Unavailable  # noqa: E402


class Credential:
    """Stands for `DefaultAzureCredential`."""

    lives_s = 3600.0
    fails = False

    def __init__(self, **options: Any) -> None:
        self.options = options
        self.asked: list[str] = []

    async def get_token(self, scope: str) -> SimpleNamespace:
        self.asked.append(scope)
        if self.fails:
            raise ClientAuthenticationError("secret of the endpoint")
        return SimpleNamespace(token=f"token-{len(self.asked)}", expires_on=time.time() + self.lives_s)

    async def close(self) -> None: ...


@pytest.fixture(autouse=True)
def credential(monkeypatch: pytest.MonkeyPatch) -> type[Credential]:
    made = type("Made", (Credential,), {})
    monkeypatch.setattr(azure_identity, "DefaultAzureCredential", made)
    return made


async def test_a_token_is_used_until_it_is_about_to_expire(credential: type[Credential]):
    identity = ManagedIdentity("my-identity")
    provider = AzureOpenAi(endpoint="https://x.openai.azure.com/", api_version="v", credential=identity)
    assert (await provider._headers())["authorization"] == "Bearer token-1"
    assert (await provider._headers())["authorization"] == "Bearer token-1"
    assert identity._credential.asked == [SCOPE]
    assert identity._credential.options["managed_identity_client_id"] == "my-identity"
    credential.lives_s = 200.0
    short = ManagedIdentity()
    assert [await short.token(), await short.token()] == ["token-1", "token-2"]


async def test_an_identity_that_gets_no_token_is_told_in_our_words(credential: type[Credential]):
    credential.fails = True
    with pytest.raises(Unavailable) as raised:
        await ManagedIdentity().token()
    assert "secret" not in raised.value.message


async def test_with_a_key_the_key_is_sent():
    provider = AzureOpenAi(endpoint="https://x.openai.azure.com", api_version="v", credential="key")
    assert (await provider._headers())["api-key"] == "key"
    assert provider._url("chat/completions", "dep") == (
        "https://x.openai.azure.com/openai/deployments/dep/chat/completions?api-version=v"
    )
