"""What judges: text in, logits out. Knows nothing of Kafka or of topics."""
