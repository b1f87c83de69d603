"""The sub-commands of `switchboard kb`."""
