"""Tenants: who is asking, and what they may do."""

from switchboard.identity.key_file import KeyEntry, KeyFile, load_key_file
from switchboard.identity.keys import CHECK_S, ApiKeys, Session

__all__ = ["CHECK_S", "ApiKeys", "KeyEntry", "KeyFile", "Session", "load_key_file"]
