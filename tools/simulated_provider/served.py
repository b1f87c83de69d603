"""What a simulated provider served, request by request: the other side of the gateway's ledger."""

from collections import OrderedDict
from dataclasses import asdict, dataclass
from typing import Any

REQUESTS_MAX = 200_000


@dataclass(slots=True)
class ServedRequest:
    """Tokens that were sent. `stopped`: nothing more will be."""

    model: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    stopped: bool = False


class Served:
    """By request id; the oldest are forgotten, the sums are not."""

    def __init__(self) -> None:
        self._by_id: OrderedDict[str, ServedRequest] = OrderedDict()
        self.requests = 0
        self.prompt_tokens = 0
        self.completion_tokens = 0
        self.cached_tokens = 0

    def begin(self, request_id: str, model: str) -> ServedRequest:
        self.requests += 1
        request = self._by_id[request_id] = ServedRequest(model)
        if len(self._by_id) > REQUESTS_MAX:
            self._by_id.popitem(last=False)
        return request

    def prompt(self, request: ServedRequest, tokens: int, cached: int) -> None:
        """Charged with the first token of the answer."""
        request.prompt_tokens, request.cached_tokens = tokens, cached
        self.prompt_tokens += tokens
        self.cached_tokens += cached

    def completion(self, request: ServedRequest, tokens: int) -> None:
        request.completion_tokens += tokens
        self.completion_tokens += tokens

    def stop(self, request_id: str) -> ServedRequest:
        """What a request has cost; it goes no further."""
        request = self._by_id.get(request_id)
        if request is None:
            request = self.begin(request_id, "")
            self.requests -= 1
        request.stopped = True
        return request

    def snapshot(self, *, with_requests: bool = False) -> dict[str, Any]:
        sums: dict[str, Any] = {
            "requests": self.requests,
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "cached_tokens": self.cached_tokens,
        }
        if with_requests:
            sums["by_request"] = {name: asdict(request) for name, request in self._by_id.items()}
        return sums
