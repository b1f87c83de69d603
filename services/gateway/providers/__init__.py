"""Providers of models: one port, one file each."""
