"""A specialist's settings: the only place of its process that reads the environment."""

from datetime import date
from pathlib import Path

from pydantic import AliasChoices, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from switchboard.agent.clock import Clock, clock_on, real_clock
from switchboard.models.gateway import url_behind_sidecar


class AgentSettings(BaseSettings):
    """What differs between deployments of one specialist. Tools get it from `Agent(tools=factory)`."""

    model_config = SettingsConfigDict(env_prefix="SWITCHBOARD_", populate_by_name=True, extra="ignore")

    app_id: str = Field(default="", validation_alias=AliasChoices("APP_ID", "app_id"))
    """Dapr app id under which the supervisor invokes this agent; empty means the card's id."""
    dapr_http_port: int = Field(default=3500, validation_alias=AliasChoices("DAPR_HTTP_PORT", "dapr_http_port"))
    dapr_grpc_port: int = Field(default=50001, validation_alias=AliasChoices("DAPR_GRPC_PORT", "dapr_grpc_port"))
    dapr_api_token: str | None = Field(default=None, validation_alias=AliasChoices("DAPR_API_TOKEN", "dapr_api_token"))
    app_api_token: str | None = Field(default=None, validation_alias=AliasChoices("APP_API_TOKEN", "app_api_token"))
    """Where set, only the sidecar can deliver events."""
    gateway_app_id: str = "gateway"
    model_url: str | None = None
    """OpenAI-compatible base URL to use instead of the gateway behind the sidecar: for tests and benches."""
    data_dir: Path = Path(".switchboard/data")
    knowledge_dir: Path | None = None
    """Where the article indexes lie; None means `<data_dir>/knowledge`. Systems may share one: it is keyed by content."""
    knowledge_cosmos_endpoint: str | None = None
    """Azure Cosmos DB account for the article indexes of all replicas, instead of files; signed in to by identity."""
    knowledge_cosmos_database: str = "switchboard"
    grounding_score_share: float = Field(default=0.05, ge=0, le=1)
    """Of the turns of real models that are scored by meaning: each costs an embedding request."""
    demo_seed: int = 20260101
    demo_today: date | None = None
    """The fixed day that it is in the demo company; None, as everywhere else, is the real one."""
    otlp_endpoint: str | None = Field(
        default=None, validation_alias=AliasChoices("OTEL_EXPORTER_OTLP_ENDPOINT", "otlp_endpoint")
    )
    applicationinsights_connection_string: str | None = Field(
        default=None,
        validation_alias=AliasChoices("APPLICATIONINSIGHTS_CONNECTION_STRING", "applicationinsights_connection_string"),
    )

    @property
    def clock(self) -> Clock:
        """What prompts, articles and tools take for the moment."""
        return real_clock if self.demo_today is None else clock_on(self.demo_today)

    @property
    def model_base_url(self) -> str:
        """Where the OpenAI client points: the gateway through this process's own sidecar."""
        if self.model_url:
            return self.model_url
        return url_behind_sidecar(self.dapr_http_port, self.gateway_app_id)
