"""Azure OpenAI: the same protocol under another URL and header, with a key or the machine's own identity."""

import asyncio
import time
from typing import Any

from services.gateway.providers.openai_compatible import OpenAiCompatible
from switchboard.contracts.errors import BadConfiguration, Unavailable

SCOPE = "https://cognitiveservices.azure.com/.default"
RENEW_S = 300
"""A token is renewed when it has no longer than this to live."""
TOKEN_S_MAX = 30.0


class ManagedIdentity:
    """Microsoft Entra tokens of the machine this runs on (managed or workload identity), kept until they expire."""

    def __init__(self, client_id: str | None = None) -> None:
        """`client_id` chooses a user-assigned identity. Raises `BadConfiguration` where azure-identity is missing."""
        try:
            from azure.identity.aio import DefaultAzureCredential
        except ImportError as error:
            raise BadConfiguration(
                "Signing in to Azure OpenAI without a key needs the package azure-identity."
            ) from error
        self._credential: Any = DefaultAzureCredential(
            managed_identity_client_id=client_id, exclude_interactive_browser_credential=True
        )
        self._lock = asyncio.Lock()
        self._token = ""
        self._expires_at = 0.0

    async def token(self) -> str:
        """Raises `Unavailable` when the identity's endpoint gives none."""
        if time.time() < self._expires_at - RENEW_S:
            return self._token
        from azure.core.exceptions import AzureError

        async with self._lock:
            if time.time() >= self._expires_at - RENEW_S:
                try:
                    async with asyncio.timeout(TOKEN_S_MAX):
                        told = await self._credential.get_token(SCOPE)
                except (AzureError, TimeoutError) as error:
                    raise Unavailable("The gateway cannot sign in to its model provider at the moment.") from error
                self._token, self._expires_at = told.token, float(told.expires_on)
        return self._token

    async def close(self) -> None:
        await self._credential.close()


class AzureOpenAi(OpenAiCompatible):
    """Calls deployments of one Azure OpenAI resource; a call's `model` is the deployment's name."""

    def __init__(self, *, endpoint: str, api_version: str, credential: str | ManagedIdentity) -> None:
        """`credential` is a key or an identity."""
        super().__init__(base_url=f"{endpoint.rstrip('/')}/openai/deployments", api_key=None)
        self._credential = credential
        self._api_version = api_version

    @property
    def name(self) -> str:
        return "azure.ai.openai"

    async def close(self) -> None:
        await super().close()
        if isinstance(self._credential, ManagedIdentity):
            await self._credential.close()

    def _url(self, path: str, model: str) -> str:
        return f"{self._base_url}/{model}/{path}?api-version={self._api_version}"

    async def _headers(self) -> dict[str, str]:
        if isinstance(self._credential, ManagedIdentity):
            return {"content-type": "application/json", "authorization": f"Bearer {await self._credential.token()}"}
        return {"content-type": "application/json", "api-key": self._credential}
