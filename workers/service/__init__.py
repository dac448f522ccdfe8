"""Models in service: which judges, which takes over, which is tried, and whether traffic drifts."""
