"""What travels: telemetry in, verdicts and dead letters out, as columns and as JSON Schema.

Imports neither `models` nor `workers`, and knows nothing of Kafka's clients.
"""
