"""Answers that are given again: what may serve which question. `semantic` decides, `entries` is the port of what is kept."""
