"""Metrics of a worker: one catalogue, what fills it, and how Prometheus reads it."""
