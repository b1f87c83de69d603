"""The sub-commands of `switchboard eval`."""
