"""What a million events cost, here and by other means, measured side by side: `make bench`."""
