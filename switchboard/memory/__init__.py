"""What is remembered: of a conversation beyond its last turns, of a user across conversations, and in which tier.

`history` bounds what a prompt holds of the last turns · `conversation_memory` is what is remembered of a conversation
before them, `user_memory` what is of a user, with their consent · `entities` and `summary` find what is worth it ·
`tiers/` keeps the records where they are cheapest and reads them wherever they are.
"""
