"""Ctrl-C, SIGTERM and SIGHUP, so that what was started is always stopped."""

import signal
import threading
from types import FrameType


class StopSignal:
    """At first a signal breaks off what runs, as `KeyboardInterrupt`; once `quietly`, it only sets `event`."""

    def __init__(self) -> None:
        self.event = threading.Event()
        self._quiet = False
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)

    def quietly(self) -> None:
        self._quiet = True

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.event.set()
        if not self._quiet:
            raise KeyboardInterrupt
