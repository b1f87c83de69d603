"""Redis, where a service reaches it directly: shared counters of the gateway, event logs of turns."""
