"""The Cosmos-protocol server of an npm package, with a database and a container as our Bicep makes them."""

import base64
import hashlib
import hmac
import json
import os
import urllib.error
import urllib.request
from email.utils import formatdate
from pathlib import Path
from typing import Any
from urllib.parse import quote

from runtime import Bench, wait_until

from switchboard.system.process import Child
from tests.integration.node_package import node_command

PINS = Path(__file__).parent / "cosmos"
KEY = "C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM+4QDU5DE2nQ9nDuVTqobD4b8mGGyPMbIZnqyMsEcaGQy67XIw/Jw=="
"""The key that every Cosmos emulator has; no secret."""


def command() -> list[str]:
    """Starts the server."""
    return node_command(PINS, "server.js", name="cosmosdb-server", what="the Cosmos-protocol server")


class CosmosServer:
    """A server that runs, reached by REST with signed requests."""

    def __init__(self, machines: Bench) -> None:
        port = machines.ports.take()
        self.url = f"http://127.0.0.1:{port}"
        child = Child(
            "cosmos",
            [*command(), "--port", str(port), "--host", "127.0.0.1", "--no-ssl"],
            dict(os.environ),
            machines.folder,
            machines.folder / "cosmos.log",
            {"cosmos": port},
            kind="infrastructure",
        )
        machines.start(child)
        wait_until(self._answers, child)
        self.call("POST", "dbs", "", {"id": "switchboard"})
        container = {"id": "state", "partitionKey": {"paths": ["/partitionKey"], "kind": "Hash"}, "defaultTtl": -1}
        self.call("POST", "colls", "dbs/switchboard", container)

    def document(self, key: str, partition: str) -> dict[str, Any]:
        """The document as it is stored."""
        link = f"dbs/switchboard/colls/state/docs/{key}"
        return self.call("GET", "docs", link, None, {"x-ms-documentdb-partitionkey": json.dumps([partition])})

    def call(
        self, method: str, kind: str, link: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> dict[str, Any]:
        """One REST call; `link` is the resource that is signed (for a POST the parent)."""
        date = formatdate(usegmt=True)
        text = f"{method.lower()}\n{kind}\n{link}\n{date.lower()}\n\n"
        signature = base64.b64encode(hmac.new(base64.b64decode(KEY), text.encode(), hashlib.sha256).digest()).decode()
        path = "/".join(part for part in (link, kind if method == "POST" else "") if part)
        request = urllib.request.Request(
            f"{self.url}/{quote(path)}",
            method=method,
            data=json.dumps(body).encode() if body is not None else None,
            headers={
                "authorization": quote(f"type=master&ver=1.0&sig={signature}", safe=""),
                "x-ms-date": date,
                "x-ms-version": "2018-12-31",
                "content-type": "application/json",
                **(headers or {}),
            },
        )
        with urllib.request.urlopen(request, timeout=5) as answer:
            return json.loads(answer.read())

    def _answers(self) -> bool:
        try:
            urllib.request.urlopen(self.url, timeout=1).close()
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False
        return True
