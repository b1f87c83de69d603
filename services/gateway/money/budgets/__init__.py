"""What a tenant, a turn and a conversation may spend."""
