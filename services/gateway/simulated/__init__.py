"""A simulated model provider: its times, its answers, its faults, and what it served.

In the gateway as the provider kind `simulated`, and as an OpenAI-protocol server of its own:

    python -m services.gateway.simulated --port 9100
"""
