"""What a process inherits of the environment that the system was started in: what it needs, and nobody else's secrets."""

import os
from collections.abc import Mapping

from switchboard.contracts import headers
from switchboard.system.credentials import Credentials

NAMES = frozenset(
    {
        *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR", "VIRTUAL_ENV", "LD_LIBRARY_PATH"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
        *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"),
        *("GOGC", "GOMEMLIMIT", "GOMAXPROCS", "GODEBUG", "APP_API_TOKEN", "APPLICATIONINSIGHTS_CONNECTION_STRING"),
    }
)  # fmt: skip
PREFIXES = ("LC_", "XDG_", "PYTHON", "COVERAGE", "OPENBLAS_", "OMP_", "OTEL_", "DAPR_", "SWITCHBOARD_")
MODEL_SETTINGS = ("OPENAI_", "AZURE_OPENAI_")
"""What only the gateway may see: it alone holds a provider's key (DESIGN §1)."""
OWN_PREFIXES = ("SWITCHBOARD_GATEWAY_", "SWITCHBOARD_REDIS_", "SWITCHBOARD_OTLP_")
"""Of settings of single processes, secrets among them."""
INHERIT = "SWITCHBOARD_INHERIT"
"""Names of more variables that every app and sidecar inherits, with commas between: what an agent's own tools read."""
OTLP_HEADERS = "OTEL_EXPORTER_OTLP_HEADERS"
OTLP_TOKEN = "SWITCHBOARD_OTLP_TOKEN"
REDIS_PASSWORD = "SWITCHBOARD_REDIS_PASSWORD"
GATEWAY_KEYS = "SWITCHBOARD_GATEWAY_KEYS"
GATEWAY, CONSOLE, SUPERVISOR = "gateway", "console", "supervisor"


def of_process(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What any app or sidecar inherits."""
    more = {each.strip() for each in environment.get(INHERIT, "").split(",")}
    return {
        name: value
        for name, value in environment.items()
        if name in more or name in NAMES or (name.startswith(PREFIXES) and not name.startswith(OWN_PREFIXES))
    }


def of_app(app_id: str, credentials: Credentials, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What an app of `dapr.yaml` inherits, and those of the run's secrets that are its own.

    The gateway inherits all: its policy may name any variable as a provider's key, and change while it runs.
    """
    if app_id == GATEWAY:
        keys = [each for each in (environment.get(GATEWAY_KEYS, ""), credentials.gateway_key) if each]
        own = {GATEWAY_KEYS: ",".join(keys), REDIS_PASSWORD: credentials.redis_password}
        return {**environment, **own}
    if app_id == SUPERVISOR:
        return of_process(environment) | _redis(credentials, environment)
    if app_id == CONSOLE:
        return of_process(environment) | {OTLP_TOKEN: credentials.otlp_token}
    return of_process(environment)


def of_sidecar(credentials: Credentials, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What a sidecar inherits: its components sign in to Redis."""
    return of_process(environment) | _redis(credentials, environment)


def exporting(credentials: Credentials) -> dict[str, str]:
    """The setting with which the console takes a process's spans; for those that go there, and to no other collector."""
    return {OTLP_HEADERS: f"{headers.OTLP_TOKEN}={credentials.otlp_token}"}


def _redis(credentials: Credentials, environment: Mapping[str, str]) -> dict[str, str]:
    """How to sign in to Redis."""
    set_here = {name: value for name, value in environment.items() if name.startswith("SWITCHBOARD_REDIS_")}
    return set_here | {REDIS_PASSWORD: credentials.redis_password}
