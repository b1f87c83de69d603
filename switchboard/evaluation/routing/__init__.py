"""Routing measured on labelled messages: the classifier alone, and whole decisions."""
