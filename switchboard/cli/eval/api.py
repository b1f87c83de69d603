"""The supervisor's API as the evaluation commands read it: one GET, its problem as a sentence."""

from pathlib import Path

import httpx

from switchboard.contracts.errors import NotFound
from switchboard.system import runfile
from switchboard.system.errors import OperatorError

SECONDS_MAX = 15.0


class Missing(OperatorError):
    """There is nothing by that name for this key."""


def get(api_url: str, key: str, path: str) -> bytes:
    """The body of an answer. Raises `Missing` for 404, `OperatorError` for whatever else is not 200."""
    try:
        answer = httpx.get(
            f"{api_url}{path}", headers={"authorization": f"Bearer {key}"}, timeout=SECONDS_MAX, trust_env=False
        )
    except httpx.TransportError:
        raise OperatorError("The system does not answer: look at `switchboard up`.") from None
    if answer.status_code == NotFound.status:
        raise Missing(_message(answer))
    if answer.status_code != 200:
        raise OperatorError(_message(answer))
    return answer.content


def where(api_url: str | None, key: str | None, state_dir: Path, *, role: str = "") -> tuple[str, list[str]]:
    """The API's address, and the keys to try: the given one, else those of run.json that have the role.

    Raises `OperatorError`.
    """
    if api_url is not None:
        if key is None:
            raise OperatorError("With --api-url say also which key to use: --key.")
        return api_url.rstrip("/"), [key]
    run = runfile.load(state_dir)
    keys = [key] if key is not None else [each.key for each in run.keys if not role or role in each.roles]
    if not keys:
        raise OperatorError("run.json names no key for this: say which to use with --key.")
    return run.api_url, keys


def _message(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["message"])
    except (ValueError, KeyError, TypeError):
        return f"The system answered with status {answer.status_code}."
