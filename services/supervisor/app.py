"""The supervisor's entry: `app`, made when the server asks for it; importing this module wires nothing."""

from fastapi import FastAPI

from services.supervisor.api.application import create_app
from services.supervisor.bootstrap import build
from services.supervisor.settings import Settings

__all__ = ["create_app"]


def __getattr__(name: str) -> FastAPI:
    if name != "app":
        raise AttributeError(name)
    made = create_app(build(Settings()))
    globals()["app"] = made
    return made
