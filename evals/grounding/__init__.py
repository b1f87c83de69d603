"""What of good answers is told as it stands, and what of bad ones is stopped: `python -m evals.grounding`."""
