"""Whether everything this service needs answers now; asked at most once a second, however often probes come."""

import asyncio
import time

from switchboard.contracts import paths
from switchboard.contracts.errors import SwitchboardError
from switchboard.sidecar.ports import Sidecar

FRESH_S = 1.0
CHECK_S_MAX = 4.0


class ReadinessChecks:
    """Checks `sidecar`, `statestore`, `pubsub` and `gateway`."""

    def __init__(self, sidecar: Sidecar, gateway_app_id: str) -> None:
        self._sidecar = sidecar
        self._gateway_app_id = gateway_app_id
        self._checks: dict[str, bool] = {}
        self._read_at = float("-inf")
        self._lock = asyncio.Lock()

    async def checks(self) -> dict[str, bool]:
        async with self._lock:
            if time.monotonic() - self._read_at > FRESH_S:
                sidecar, gateway = await asyncio.gather(self._sidecar_answers(), self._gateway_answers())
                self._checks = {**sidecar, "gateway": gateway}
                self._read_at = time.monotonic()
            return self._checks

    async def _sidecar_answers(self) -> dict[str, bool]:
        try:
            async with asyncio.timeout(CHECK_S_MAX):
                return await self._sidecar.ready()
        except (TimeoutError, SwitchboardError):
            return {"sidecar": False, "statestore": False, "pubsub": False}

    async def _gateway_answers(self) -> bool:
        try:
            opened = self._sidecar.invoker.open(self._gateway_app_id, paths.HEALTH, method="GET", timeout_s=CHECK_S_MAX)
            async with asyncio.timeout(CHECK_S_MAX), opened as response:
                return response.status == 200
        except (TimeoutError, SwitchboardError):
            return False
