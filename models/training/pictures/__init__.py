"""Pictures of what a network learned, one a file; each gives a figure, and `save` writes it."""
