"""A simulated model provider, for tests and load: its times, its answers, its faults, and what it served.

A server of OpenAI's protocol in a process of its own; no production image carries it:

    python -m tools.simulated_provider --port 9100
"""
