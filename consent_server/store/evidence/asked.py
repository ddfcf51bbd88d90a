"""What a site asks from a moment on, as far as it matters to whoever compares days."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import msgspec

from ...site import Notice


class Asked(msgspec.Struct, frozen=True):
    """What a site asks from ``at`` (milliseconds since 1970) on.

    ``words``, ``cookies`` and ``look`` are hashes of them all; older versions wrote down no ``look``.
    """

    at: int
    revision: int
    words: str
    cookies: str
    variants: tuple[str, ...]
    look: str = ""

    @classmethod
    def of(cls, notices: Sequence[Notice], at: int) -> Asked:
        """Return what these notices ask, whatever version of the scripts asks it."""

        def digest(*parts: str) -> str:
            ordered = sorted(notices, key=lambda notice: (notice.lang, notice.variant, notice.rule))
            said = [
                [notice.lang, notice.variant, *([notice.rule] if notice.rule else []), *map(notice.content.get, parts)]
                for notice in ordered
            ]
            return hashlib.sha256(msgspec.json.encode(said, order="sorted")).hexdigest()[:16]

        variants = tuple(sorted({notice.variant for notice in notices}))
        revision, look = max(notice.revision for notice in notices), digest("layout", "theme")
        return cls(at, revision, digest("words"), digest("cookies"), variants, look)

    def same_as(self, other: Asked) -> bool:
        """Return whether nothing but the moment differs."""
        return msgspec.structs.replace(self, at=other.at) == other
