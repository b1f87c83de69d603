"""Starts, watches and stops a whole Switchboard on one machine: Redis, the Dapr runtime, the apps."""
