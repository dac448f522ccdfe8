"""The HTML detector: pages of bytes as bags of tokens, and the network that inspects windows."""
