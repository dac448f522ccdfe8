"""The command line `weir`, one file a verb."""
