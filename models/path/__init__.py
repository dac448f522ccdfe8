"""Windows file paths and registry keys."""
