"""The supervisor's settings: the only place of its process that reads the environment."""

from pathlib import Path

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """What differs between deployments of the supervisor."""

    model_config = SettingsConfigDict(env_prefix="SWITCHBOARD_", populate_by_name=True, extra="ignore")

    dapr_http_port: int = Field(default=3500, validation_alias=AliasChoices("DAPR_HTTP_PORT", "dapr_http_port"))
    dapr_grpc_port: int = Field(default=50001, validation_alias=AliasChoices("DAPR_GRPC_PORT", "dapr_grpc_port"))
    dapr_api_token: str | None = Field(default=None, validation_alias=AliasChoices("DAPR_API_TOKEN", "dapr_api_token"))
    app_api_token: str | None = Field(default=None, validation_alias=AliasChoices("APP_API_TOKEN", "app_api_token"))
    """Dapr's: with it, only the sidecar can deliver events to this app's public port."""
    demo: bool = False
    """Whether keys that anybody can read are good for anything."""
    gateway_app_id: str = "gateway"
    redis_host: str | None = None
    """host:port of the Redis that holds the event logs of turns, and that may be the broker: what was published of a deleted
    conversation is erased there. Without it no other replica can go on with a stream."""
    redis_password: SecretStr | None = None
    redis_tls: bool = False
    keys_file: Path = Path("services/supervisor/demo-keys.yaml")
    console_url: str | None = None
    """Origin of the web page that browsers may call this API from."""
    turn_s_max: float = Field(default=45.0, gt=0, le=600)
    """An interactive turn's deadline, in seconds from its acceptance."""
    turns_max: int = Field(default=256, ge=1)
    """Turns that run in this process at once; more get 503."""
    turns_tenant_max: int = Field(default=128, ge=1)
    """Of these for one tenant; more get 429."""
    turns_user_max: int = Field(default=32, ge=1)
    """Of these for one user, and so many open WebSockets; more get 429."""
    sockets_tenant_max: int = Field(default=1_024, ge=1)
    """Open WebSockets of one tenant in this process."""
    drain_s: float = Field(default=3.0, ge=0)
    """At the process's end, for turns under way; then they end as interrupted. The server cuts its answers after five."""
    warm_store: str = "warmstore"
    """The state component that conversations move to when nobody uses them; empty for none."""
    cold_store: str = "coldstore"
    """The binding component (files, blobs) that they move to from there; empty for none."""
    hot_days: float = Field(default=7, gt=0)
    """A conversation that was not used for so long moves from hot to warm."""
    warm_days: float = Field(default=90, gt=0)
    """One that was not used for so long altogether moves to cold."""
    move_every_s: float = Field(default=300, gt=0)
    """Between two rounds of moving; one replica moves at a time."""
    summary_model: str = "cheap"
    """The gateway's alias that summarises conversations; empty, or an embedded model behind it, for extracts."""
    route_model: str = "cheap"
    """The gateway's alias that is asked where the classifier is unsure. Empty: none. The embedded model never is."""
    route_model_s_max: float = Field(default=1.5, gt=0, le=30)
    answer_cache_ttl_s: float = Field(default=86_400, ge=0, le=30 * 86_400)
    """How long an answer from articles is given again; 0 switches the answer cache off."""
    answer_cache_threshold: float = Field(default=0.90, ge=0.5, le=1)
    """How alike two questions must be for one answer."""
    answer_cache_offline_threshold: float = Field(default=0.88, ge=0.5, le=1)
    """The same while nobody answers; the answer stands under a banner."""
    evaluation_share: float = Field(default=0.05, ge=0, le=1)
    """Of the turns that are evaluated after they ended; 0 switches it off."""
    experiments_file: Path | None = None
    """YAML of A/B experiments; none without it."""
    otlp_endpoint: str | None = Field(
        default=None, validation_alias=AliasChoices("OTEL_EXPORTER_OTLP_ENDPOINT", "otlp_endpoint")
    )
    applicationinsights_connection_string: str | None = Field(
        default=None,
        validation_alias=AliasChoices("APPLICATIONINSIGHTS_CONNECTION_STRING", "applicationinsights_connection_string"),
    )
