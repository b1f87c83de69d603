"""What is remembered: of a conversation beyond its last turns, of a user across conversations, and in which tier.

`history` bounds what a prompt holds · `entities` and `summary` say in short what was said · `recall` is a
conversation's long memory · `user` is a person's, with their consent · `tiers`, `cold`, `shelf` and `mover` keep
conversations where they are cheapest and read them wherever they are.
"""
