"""Two sets of verdicts on the same events, and what changed from one to the other."""
