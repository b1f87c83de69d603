"""Every error of every service is told as a problem."""

import httpx
import pytest
from fastapi import FastAPI

from switchboard.contracts import errors
from switchboard.contracts.errors import LimitExceeded, NotFound, SwitchboardError, Unauthenticated, error_of_code
from switchboard.serving import problems


def _all(kind: type[SwitchboardError]) -> list[type[SwitchboardError]]:
    return [kind, *(each for child in kind.__subclasses__() for each in _all(child))]


async def asked(error: Exception) -> httpx.Response:
    app = FastAPI()
    problems.install(app)

    @app.get("/")
    async def fail() -> None:
        raise error

    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://app") as client:
        return await client.get("/")


@pytest.mark.parametrize("kind", [each for each in _all(SwitchboardError) if each.__module__ == errors.__name__])
async def test_an_error_of_the_tree_has_its_status_code_and_sentence(kind: type[SwitchboardError]) -> None:
    answer = await asked(kind())
    assert answer.headers["content-type"] == problems.MEDIA_TYPE
    body = answer.json()
    assert (answer.status_code, body["status"], body["code"]) == (kind.status, kind.status, kind.code)
    assert body["message"] == kind.default


async def test_when_to_come_back_and_how_to_sign_in_are_in_the_headers() -> None:
    assert (await asked(LimitExceeded(retry_after_s=7))).headers["retry-after"] == "7"
    assert (await asked(Unauthenticated())).headers["www-authenticate"] == "Bearer"


async def test_what_nobody_foresaw_says_nothing_of_itself() -> None:
    answer = await asked(RuntimeError("a secret"))
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "secret" not in answer.text


def test_codes_map_back_to_their_errors() -> None:
    for kind in _all(SwitchboardError):
        if kind.__module__ == errors.__name__ and kind not in (errors.CallerError, errors.OurError, SwitchboardError):
            expected = kind if kind is not errors.CallerError else errors.InvalidRequest
            assert error_of_code(kind.code, "m").code == expected.code
    assert type(error_of_code("who knows", "m")) is errors.OurError
    assert isinstance(error_of_code("not_found", "m"), NotFound)
