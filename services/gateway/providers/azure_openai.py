"""Azure OpenAI with a key: the same protocol under another URL and header."""

from services.gateway.providers.openai_compatible import OpenAiCompatible


class AzureOpenAi(OpenAiCompatible):
    """Calls deployments of one Azure OpenAI resource; a call's `model` is the deployment's name."""

    def __init__(
        self, *, endpoint: str, api_key: str, api_version: str, connect_s: float, first_token_s: float, total_s: float
    ) -> None:
        super().__init__(
            base_url=f"{endpoint.rstrip('/')}/openai/deployments",
            api_key=None,
            connect_s=connect_s,
            first_token_s=first_token_s,
            total_s=total_s,
        )
        self._key = api_key
        self._api_version = api_version

    @property
    def name(self) -> str:
        return "azure.ai.openai"

    def _url(self, path: str, model: str) -> str:
        return f"{self._base_url}/{model}/{path}?api-version={self._api_version}"

    def _headers(self) -> dict[str, str]:
        return {"content-type": "application/json", "api-key": self._key}
