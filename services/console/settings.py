"""The console's settings; the only reader of its environment."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """What differs between deployments of the console."""

    model_config = SettingsConfigDict(env_prefix="SWITCHBOARD_", extra="ignore", populate_by_name=True)

    demo: bool = False
    """Whether public keys are good, and handed to the page; and whether spans are taken without a token where none is set."""
    otlp_token: SecretStr | None = None
    """What exporters send as `x-switchboard-otlp-token`: whoever else sends spans could say anything of anybody."""
    data_dir: Path = Path(".switchboard/data")
    """Holds the span store."""
    keys_file: Path = Path("services/supervisor/demo-keys.yaml")
    api_url: str = "http://127.0.0.1:8080"
    """Where browsers find the supervisor's API."""
    spans_max: int = Field(default=200_000, ge=1_000)
    """How many spans the store keeps at most."""
