"""The gateway's settings: the only reader of its environment, and the only holder of a provider's key."""

import os
from pathlib import Path

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

AZURE_API_VERSION = "2024-10-21"


class Settings(BaseSettings):
    """One process's configuration."""

    model_config = SettingsConfigDict(extra="ignore", populate_by_name=True, env_ignore_empty=True)

    gateway_file: Path = Field(
        default=Path(__file__).parent / "gateway.yaml", validation_alias="SWITCHBOARD_GATEWAY_FILE"
    )
    otlp_endpoint: str | None = Field(default=None, validation_alias="OTEL_EXPORTER_OTLP_ENDPOINT")
    azure_monitor: str | None = Field(default=None, validation_alias="APPLICATIONINSIGHTS_CONNECTION_STRING")

    demo: bool = Field(default=False, validation_alias="SWITCHBOARD_DEMO")
    """Whether a caller is believed where there is nothing to know it by, and `/admin` answers this machine without a token."""
    app_api_token: SecretStr | None = Field(default=None, validation_alias="APP_API_TOKEN")
    """Dapr's: the sidecar shows it with every call that it delivers."""
    keys: str = Field(default="", validation_alias="SWITCHBOARD_GATEWAY_KEYS", repr=False)
    """Keys of callers that come without a sidecar, with commas between; they are sent as `Authorization: Bearer`."""
    admin_token: SecretStr | None = Field(default=None, validation_alias="SWITCHBOARD_GATEWAY_ADMIN_TOKEN")
    """What `/admin` asks for as a bearer token. None: `/admin` is closed, in a demo open to this machine."""
    admin_hosts: str = Field(default="localhost,127.0.0.1,::1", validation_alias="SWITCHBOARD_GATEWAY_ADMIN_HOSTS")
    """Names that `/admin` is asked under: another one in a `Host` header is somebody's page that has its name lead here."""
    redis_host: str | None = Field(default=None, validation_alias="SWITCHBOARD_REDIS_HOST")
    """host:port of the Redis that replicas share counters, breakers and caches in; None keeps them in this process."""
    redis_password: SecretStr | None = Field(default=None, validation_alias="SWITCHBOARD_REDIS_PASSWORD")
    redis_tls: bool = Field(default=False, validation_alias="SWITCHBOARD_REDIS_TLS")
    data_dir: Path = Field(default=Path(".switchboard/data"), validation_alias="SWITCHBOARD_DATA_DIR")

    openai_api_key: SecretStr | None = Field(default=None, validation_alias="OPENAI_API_KEY")
    openai_base_url: str | None = Field(
        default=None, validation_alias=AliasChoices("OPENAI_BASE_URL", "OPENAI_API_BASE")
    )
    openai_model: str = Field(default="gpt-4o-mini", validation_alias="OPENAI_MODEL")

    azure_endpoint: str | None = Field(default=None, validation_alias="AZURE_OPENAI_ENDPOINT")
    azure_api_key: SecretStr | None = Field(default=None, validation_alias="AZURE_OPENAI_API_KEY")
    azure_client_id: str | None = Field(default=None, validation_alias="AZURE_CLIENT_ID")
    """The user-assigned identity to sign in with, where there is an endpoint and no key."""
    azure_deployment: str = Field(default="gpt-4o-mini", validation_alias="AZURE_OPENAI_DEPLOYMENT")
    azure_api_version: str = Field(default=AZURE_API_VERSION, validation_alias="AZURE_OPENAI_API_VERSION")

    connect_s: float = Field(default=5.0, gt=0, validation_alias="SWITCHBOARD_MODEL_CONNECT_S")
    first_token_s: float = Field(default=30.0, gt=0, validation_alias="SWITCHBOARD_MODEL_FIRST_TOKEN_S")
    between_tokens_s: float = Field(default=30.0, gt=0, validation_alias="SWITCHBOARD_MODEL_BETWEEN_TOKENS_S")
    total_s: float = Field(default=120.0, gt=0, validation_alias="SWITCHBOARD_MODEL_TOTAL_S")


def secret(name: str) -> str | None:
    """The value of an environment variable that the policy names; None where it is unset or empty."""
    return os.environ.get(name) or None
