"""The character network that judges URLs, file paths and registry keys."""
