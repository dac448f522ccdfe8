"""How large a record, and the page in it, may be."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1_048_576

# What a record may have beside its page: names, id, URL (65,536 code points of at most 12 bytes
# each in JSON's escapes, which is 768 KiB), further fields, white space.
_BESIDE_THE_PAGE = MIB

# JSON writes a character of a page in at most three times its bytes of UTF-8 where it escapes all
# but ASCII (``\u00e9``: 6 for 2; 6 for 3; a pair of 6 for 4), in twice where it escapes a quote, a
# backslash or a new line; base64 takes 4/3, of gzip or zstd hardly more. Six for one is taken by
# other control characters and, with writers that guard against HTML (Go, Gson), by ``<``, ``>``
# and ``&``: a page would have to be two fifths of these.
_WRITTEN_TO_PAGE = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodingLimits:
    """What decoders take; what is larger is refused, not cut.

    Attributes:
        max_text_record_bytes: Greatest length of a record with a URL or a path.
        max_page_bytes: Greatest length of a page, after decompression.
        max_part_bytes: Pages that are decoded at one go (`schemas.telemetry.in_parts`): once
            they have this many bytes, the part ends. A part is thus at most one page larger.

    Raises:
        ValueError: a limit is less than 1.
    """

    max_text_record_bytes: int = MIB
    max_page_bytes: int = 32 * MIB
    max_part_bytes: int = 64 * MIB

    def __post_init__(self) -> None:
        for name in ("max_text_record_bytes", "max_page_bytes", "max_part_bytes"):
            if getattr(self, name) < 1:
                raise ValueError(f"Limit {name} is {getattr(self, name)}; at least 1")

    @property
    def max_page_record_bytes(self) -> int:
        """Greatest length of a record with a page: three times the page's, and 1 MiB.

        Every page within its limit fits in base64, and as a string however JSON is escaped, but
        for the largest if two fifths of them are characters that take six bytes each.
        """
        return _WRITTEN_TO_PAGE * self.max_page_bytes + _BESIDE_THE_PAGE


DEFAULT_LIMITS = DecodingLimits()
"""Records of 1 MiB with a text, pages of 32 MiB in records of 97 MiB."""
