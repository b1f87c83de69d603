"""Tenants: who is asking, and what they may do."""

from switchboard.identity.keys import ApiKeys, KeyEntry, KeyFile, load_key_file

__all__ = ["ApiKeys", "KeyEntry", "KeyFile", "load_key_file"]
