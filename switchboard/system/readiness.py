"""Whether a process of the system can do its work yet."""

import httpx

from switchboard.system.process import Child

ASK_TIMEOUT_S = 3.0


def is_ready(child: Child) -> bool:
    """One question: /readyz of an app, the sidecar's own health of a sidecar; infrastructure is not asked."""
    return not why_not_ready(child)


def why_not_ready(child: Child) -> str:
    """Empty when it is ready."""
    if child.kind == "infrastructure":
        return ""
    path = f"{child.ports['app']}/readyz" if child.kind == "app" else f"{child.ports['http']}/v1.0/healthz/outbound"
    url = f"http://127.0.0.1:{path}"
    try:
        answer = httpx.get(url, timeout=ASK_TIMEOUT_S, trust_env=False)
    except httpx.HTTPError:
        return "it does not answer"
    return "" if answer.is_success else f"{url} says {answer.status_code}: {answer.text[:200]}"


def agents_known(api_url: str, key: str) -> set[str]:
    """The ids of the agents that the supervisor routes to now; empty when it does not answer."""
    headers = {"authorization": f"Bearer {key}"}
    try:
        answer = httpx.get(f"{api_url}/v1/agents", headers=headers, timeout=ASK_TIMEOUT_S, trust_env=False)
        return {each["id"] for each in answer.json()["agents"]} if answer.is_success else set()
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return set()
