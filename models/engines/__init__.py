"""Engines: each evaluates the same weights in its own way."""
