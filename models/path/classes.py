"""Codes of classes: what is put in place of what says nothing beyond its kind.

They are those of capitals, which the alphabet leaves free; `models.path.featuriser` says what each
stands for.
"""

from __future__ import annotations

# What a path begins with, or a user's name in it.
DRIVE, NETWORK, DEVICE, USER = (ord(c) for c in "DNPU")
# Hives, and the control set in one of them.
MACHINE, CURRENT_USER, USERS, CLASSES_ROOT, CONFIG, APPLICATION, CONTROL_SET = (
    ord(c) for c in "MCKRFAY"
)
# Identifiers: GUIDs by their making, long SIDs, hexadecimal runs by length, numbers.
RANDOM_GUID, TIMED_GUID, VERSIONED_GUID, BROKEN_GUID, SID = (ord(c) for c in "GTWBS")
HEX_8, HEX_16, HEX_32, HEX_64, NUMBER = (ord(c) for c in "HIJLZ")
ANY_DIGIT = ord("0")
# What was left out of a text that is too long.
GAP = ord("X")
