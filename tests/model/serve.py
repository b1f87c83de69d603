"""Runs llama-cpp-python's server, in the environment that `model_server.py` makes: `python serve.py PORT WEIGHTS [FORMAT]`.

The server is as it comes, but for two things that every provider has: a most of tokens that an answer may be, and requests
that do not end each other.
"""

import sys

import uvicorn
from llama_cpp.server.app import create_app
from llama_cpp.server.settings import ModelSettings, ServerSettings
from llama_cpp.server.types import CreateChatCompletionRequest

ANSWER_TOKENS_MAX = 120
CONTEXT_TOKENS = 4096


def main() -> None:
    port, weights, *chat_format = sys.argv[1:]
    CreateChatCompletionRequest.model_fields["max_tokens"].default = ANSWER_TOKENS_MAX
    CreateChatCompletionRequest.model_rebuild(force=True)
    model = ModelSettings(
        model=weights,
        model_alias="weights",
        n_ctx=CONTEXT_TOKENS,
        n_threads=1,  # two wait for each other where the machine has other work, a hundred times longer
        chat_format=chat_format[0] if chat_format else None,
        verbose=False,
    )
    # As it comes, it breaks a stream off when another request arrives: no provider for many does.
    server = ServerSettings(host="127.0.0.1", port=int(port), interrupt_requests=False)
    app = create_app(server_settings=server, model_settings=[model])
    uvicorn.run(app, host="127.0.0.1", port=int(port), log_level="warning")


if __name__ == "__main__":
    main()
