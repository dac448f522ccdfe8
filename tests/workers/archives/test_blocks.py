"""Blocks depend on bytes alone; from any block on they are the same again."""

from __future__ import annotations

import hashlib

from hypothesis import example, given
from hypothesis import strategies as st

from tests.workers.archives.test_unpacking import Pieces
from workers.archives.blocks import Block, Blocks
from workers.archives.pieces import Piece

_PARTS = st.lists(st.sampled_from([b"a", b"bcd", b"e" * 30, b"\n", b"\n\n", b"\r\n"]), max_size=25)


def made(pieces: list[bytes], size: int, longest: int, skip: int = 0) -> list[Block]:
    blocks = Blocks(Pieces(pieces), size=size, longest=longest)
    blocks.skip(skip)
    return list(blocks)


@given(_PARTS, st.integers(1, 40), st.integers(1, 40))
@example([b"a", b"e" * 30, b"\r\n"], 32, 1)
def test_blocks(pieces: list[bytes], size: int, longest: int) -> None:
    whole = b"".join(pieces)

    blocks = made(pieces, size, longest)

    assert blocks == made([whole[at : at + 1] for at in range(len(whole))], size, longest)
    # Lines are those of the whole, but that too long ones are cut.
    lines = whole.split(b"\n")
    if not lines[-1]:
        lines.pop()
    given = [line for block in blocks for line in block.data.removesuffix(b"\n").split(b"\n")]
    assert len(given) == len(lines) == sum(block.count for block in blocks)
    for line, of in zip(given, lines, strict=True):
        assert line == of or (of.startswith(line) and len(line) == longest + 1)
    # Each says where it ends, and from there on the others are the same.
    end = 0
    for number, block in enumerate(blocks):
        end = block.end
        assert block.digest == hashlib.sha256(whole[:end]).hexdigest()
        again = made(pieces, size, longest, skip=end)
        assert again == blocks[number + 1 :]
    assert end == len(whole)


def test_a_line_without_end_is_not_held() -> None:
    held: list[int] = []

    class Endless:
        def __init__(self) -> None:
            self.left = 500

        def read1(self, size: int, /) -> bytes:
            held.append(len(blocks._held))
            self.left -= 1
            return b"x" * size if self.left > 0 else b""

    blocks = Blocks(Endless(), size=1_000, longest=100_000)

    (block,) = blocks

    assert len(block.data) == 100_002
    assert block.end == 499 * 65_536
    assert max(held) < 300_000


@given(_PARTS)
def test_a_piece_gives_its_lines_without_their_ends(parts: list[bytes]) -> None:
    whole = b"".join(parts)
    lines = whole.split(b"\n")
    if not lines[-1]:
        lines.pop()

    piece = Piece(lines=whole, first=1, count=len(lines), events=False)

    assert piece.split() == [line.removesuffix(b"\r") for line in lines]
