"""The URL detector: featuriser, network, and the network's algebra."""
