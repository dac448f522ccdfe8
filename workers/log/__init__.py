"""The log that workers read from and publish to, and its two implementations."""
