"""The Redis that replicas share: where it is, and how to sign in."""

from dataclasses import dataclass
from typing import Any, Self

from redis.asyncio import Redis
from redis.asyncio.retry import Retry

PORT = 6379
CONNECT_S = 0.5
ANSWER_S = 1.0
CONNECTIONS_MAX = 64


@dataclass(frozen=True, slots=True)
class RedisServer:
    """Azure Cache for Redis needs a password and TLS (port 6380); the embedded default neither."""

    host: str
    port: int = PORT
    password: str | None = None
    tls: bool = False

    @classmethod
    def at(cls, address: str, *, password: str | None = None, tls: bool = False) -> Self:
        """`address` is host:port, or a host alone."""
        name, _, port = address.rpartition(":")
        host, number = (name, int(port)) if name and port.isdigit() else (address, PORT)
        return cls(host, number, password, tls)

    def settings(self) -> dict[str, Any]:
        """Of a connection."""
        return {"host": self.host, "port": self.port, "password": self.password}

    def client(
        self, *, connections: int = CONNECTIONS_MAX, retry: Retry | None = None, answer_s: float = ANSWER_S
    ) -> Redis:
        """A client; it connects when it is first used. Without `retry` it tries again as redis-py does by default."""
        trying: dict[str, Any] = {"retry": retry} if retry is not None else {}
        return Redis(
            **self.settings(),
            ssl=self.tls,
            socket_connect_timeout=CONNECT_S,
            socket_timeout=answer_s,
            max_connections=connections,
            **trying,
        )
