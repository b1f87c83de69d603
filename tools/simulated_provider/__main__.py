"""Runs the simulated provider: `python -m tools.simulated_provider --port 9100 [--profile '{"ttft_ms": ...}']`."""

import argparse
import logging

import uvicorn

from tools.simulated_provider.model import BrokenOff, SimulatedModel
from tools.simulated_provider.profile import Profile
from tools.simulated_provider.server import app_of

KEEP_ALIVE_S = 120
"""As a provider's: longer than its clients keep an idle connection."""


def _is_news(record: logging.LogRecord) -> bool:
    return not (record.exc_info and isinstance(record.exc_info[1], BrokenOff | BaseExceptionGroup))


def main() -> None:
    parser = argparse.ArgumentParser(description="A simulated model provider that speaks OpenAI's protocol.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--profile", default="{}", help="JSON: ttft_ms, tokens_per_s, answer_tokens, script, ...")
    arguments = parser.parse_args()
    logging.getLogger("uvicorn.error").addFilter(_is_news)
    app = app_of(SimulatedModel(Profile.model_validate_json(arguments.profile)))
    uvicorn.run(
        app,
        host=arguments.host,
        port=arguments.port,
        loop="uvloop",
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=1,
        timeout_keep_alive=KEEP_ALIVE_S,
    )


if __name__ == "__main__":
    main()
