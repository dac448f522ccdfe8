"""Names of headers that kafka-python's producer would not write by itself."""

from __future__ import annotations

from typing import ClassVar


class NotUtf8(str):
    """A header's name as other producers may write it.

    Attributes:
        read: What is read of it.
    """

    __slots__ = ()
    read: ClassVar[str] = "\ufffd\ufffd name"

    def encode(self, *_: object) -> bytes:
        return b"\xff\xfe name"
