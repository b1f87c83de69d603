"""Routing: which agents a message is for, learned from the cards of those that are registered."""
