"""Settings: from the command line, the environment and a TOML file, as frozen typed objects."""
