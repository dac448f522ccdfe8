"""Scoring a fixed range of history again, beside the live workers."""
