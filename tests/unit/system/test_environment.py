"""A process inherits what it needs, and no other one's secrets."""

from switchboard.system.credentials import Credentials
from switchboard.system.environment import exporting, of_app, of_process, of_sidecar

RUN = Credentials(redis_password="redis-secret", otlp_token="otlp-secret", gateway_key="key-of-the-run")
SECRETS = {
    "OPENAI_API_KEY": "openai-secret",
    "AZURE_OPENAI_API_KEY": "azure-secret",
    "AZURE_CLIENT_SECRET": "identity-secret",
    "MY_PROVIDER_KEY": "provider-secret",
    "GOOGLE_API_KEY": "google-secret",
    "AWS_SECRET_ACCESS_KEY": "aws-secret",
    "SWITCHBOARD_GATEWAY_ADMIN_TOKEN": "admin-secret",
    "SWITCHBOARD_REDIS_PASSWORD": "old-redis-secret",
    "SWITCHBOARD_OTLP_TOKEN": "old-otlp-secret",
}
STARTED_IN = {**SECRETS, "PATH": "/bin", "HOME": "/home/ada", "LC_ALL": "C", "SWITCHBOARD_LOG_LEVEL": "debug"}


def test_a_specialist_and_a_sidecar_get_nobodys_secret() -> None:
    for inherited in (of_app("billing", RUN, STARTED_IN), of_process(STARTED_IN)):
        assert inherited == {name: STARTED_IN[name] for name in ("PATH", "HOME", "LC_ALL", "SWITCHBOARD_LOG_LEVEL")}
    sidecar = of_sidecar(RUN, STARTED_IN)
    assert sidecar.pop("SWITCHBOARD_REDIS_PASSWORD") == "redis-secret"
    assert not set(sidecar) & set(SECRETS)


def test_the_gateway_gets_the_providers_and_the_keys_that_it_is_called_with() -> None:
    inherited = of_app("gateway", RUN, {**STARTED_IN, "SWITCHBOARD_GATEWAY_KEYS": "mine"})
    assert inherited["MY_PROVIDER_KEY"] == "provider-secret"
    assert inherited["SWITCHBOARD_REDIS_PASSWORD"] == "redis-secret"
    assert inherited["SWITCHBOARD_GATEWAY_KEYS"] == "mine,key-of-the-run"


def test_the_console_takes_spans_from_who_exports_with_the_runs_token() -> None:
    assert of_app("console", RUN, STARTED_IN)["SWITCHBOARD_OTLP_TOKEN"] == "otlp-secret"
    assert exporting(RUN) == {"OTEL_EXPORTER_OTLP_HEADERS": "x-switchboard-otlp-token=otlp-secret"}


def test_what_an_agents_tools_read_is_inherited_when_it_is_named() -> None:
    inherited = of_process({**STARTED_IN, "SWITCHBOARD_INHERIT": "CRM_URL, CRM_KEY", "CRM_KEY": "k", "CRM": "no"})
    assert inherited["CRM_KEY"] == "k"
    assert "CRM" not in inherited


def test_a_runs_secrets_are_new_each_time_and_not_told_in_a_log() -> None:
    one, two = (Credentials.made() for _ in range(2))
    assert len({one.redis_password, one.otlp_token, one.gateway_key, two.redis_password, two.gateway_key}) == 5
    assert one.redis_password not in repr(one)
