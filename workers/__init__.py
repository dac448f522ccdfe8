"""What moves: topic, batch, detector, topic."""
