"""Merkle trees with their proofs (RFC 9162, 2.1): that a leaf is in a tree, and that a tree is another's beginning."""

from __future__ import annotations

import hashlib
import struct
from bisect import bisect_right
from collections.abc import Iterable

from ...verify import node

PIECE = 512
"""Leaves of which one node is kept: a power of two. A path takes reading as many of them again."""

_PLACE = struct.Struct(">IQI")
Place = tuple[int, int, int]
"""Bucket, time in ms, sequence."""


class Levels:
    """A whole tree in memory, 64 bytes a leaf, that gives a proof in as many steps as it is high.

    Args:
        leaves: the hashes of the leaves.
    """

    def __init__(self, leaves: Iterable[bytes]) -> None:
        self._levels = [b"".join(leaves)]
        while len(below := self._levels[-1]) > 32:
            pairs = range(0, len(below) - 32, 64)
            above = b"".join(node(below[at : at + 32], below[at + 32 : at + 64]) for at in pairs)
            # A node without a sibling goes up as it is.
            self._levels.append(above + (below[-32:] if len(below) % 64 else b""))

    @property
    def size(self) -> int:
        """How many leaves there are."""
        return len(self._levels[0]) // 32

    @property
    def root(self) -> bytes:
        """The root; that of no leaf is the hash of nothing."""
        return self._levels[-1] or hashlib.sha256().digest()

    def find(self, hashed: bytes) -> int | None:
        """Return the place of a leaf, from 0, or None."""
        at = self._levels[0].find(hashed)
        while at % 32 and at >= 0:
            at = self._levels[0].find(hashed, at + 1)
        return at // 32 if at >= 0 else None

    def leaf(self, index: int) -> bytes:
        """Return a leaf."""
        return self._levels[0][index * 32 : index * 32 + 32]

    def path(self, index: int) -> list[bytes]:
        """Return the hashes that lead from a leaf to the root (2.1.3.1)."""
        found = []
        for level in self._levels[:-1]:
            beside = (index ^ 1) * 32
            if beside < len(level):
                found.append(level[beside : beside + 32])
            index >>= 1
        return found

    def consistency(self, size: int) -> list[bytes]:
        """Return the hashes that show that one of the first ``size`` leaves, at least one, grew to be it (2.1.4)."""
        start, end, beside = 0, self.size, []
        while size < end - start:
            half = 1 << (end - start - 1).bit_length() - 1  # the largest power of two that is less
            if size <= half:
                beside.append(self._over(start + half, end))
                end = start + half
            else:
                beside.append(self._over(start, start + half))
                start, size = start + half, size - half
        # Whoever asks knows the old root; a part of it has to be told.
        return ([self._over(start, end)] if start else []) + beside[::-1]

    def _over(self, start: int, end: int) -> bytes:
        """Return the node over the leaves from ``start`` to ``end``: a full subtree, or the right edge of the tree."""
        height = (end - start - 1).bit_length()
        at = (start >> height) * 32
        return self._levels[height][at : at + 32]


class Sketch:
    """The upper levels of a tree, 80 bytes for each PIECE of leaves, and where in the log each piece begins.

    Args:
        leaves: the hashes of the leaves, each with its place in the log.
    """

    def __init__(self, leaves: Iterable[tuple[Place, bytes]]) -> None:
        self.size = 0
        starts, roots, piece = bytearray(), list[bytes](), list[bytes]()
        for place, hashed in leaves:
            if not piece:
                starts += _PLACE.pack(*place)
            piece.append(hashed)
            self.size += 1
            if len(piece) == PIECE:
                roots.append(Levels(piece).root)
                piece = []
        if piece:
            roots.append(Levels(piece).root)
        self._starts = bytes(starts)
        self._upper = Levels(roots)

    @property
    def root(self) -> bytes:
        """The root; that of no leaf is the hash of nothing."""
        return self._upper.root

    def piece(self, place: Place) -> tuple[int, Place, Place | None]:
        """Return the number of the piece in which a place is, where that begins, and where the next one does."""
        many = len(self._starts) // _PLACE.size
        number = max(0, bisect_right(range(many), place, key=self._start) - 1)
        return number, self._start(number), self._start(number + 1) if number + 1 < many else None

    def _start(self, number: int) -> Place:
        bucket, at, seq = _PLACE.unpack_from(self._starts, number * _PLACE.size)
        return bucket, at, seq

    def is_piece(self, number: int, piece: Levels) -> bool:
        """Return whether these are the leaves of the piece of this number."""
        return self._upper.leaf(number) == piece.root

    def path(self, number: int, piece: Levels, index: int) -> list[bytes]:
        """Return the hashes that lead from a leaf of a piece, by its place in it, to the root (2.1.3.1)."""
        return [*piece.path(index), *self._upper.path(number)]
