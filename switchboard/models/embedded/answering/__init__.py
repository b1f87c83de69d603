"""Answers made of what tools returned, or of what the messages hold: extracted, never made up."""
