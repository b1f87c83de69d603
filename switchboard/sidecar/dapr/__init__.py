"""The real sidecar: every port of the room on a Dapr runtime of version 1.17 or later."""

from switchboard.sidecar.dapr.sidecar import DaprSidecar

__all__ = ["DaprSidecar"]
