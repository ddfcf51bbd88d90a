"""What a site asks from a moment on, as far as it matters to whoever compares days."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from math import gcd

import msgspec

from ...site import Notice


class BannerVersion(msgspec.Struct, frozen=True):
    """What a site asks from ``at`` (milliseconds since 1970) on.

    ``words``, ``cookies`` and ``look`` are hashes of them all; older versions wrote down no ``look``. ``weights`` are
    how many of the visits each of the variants gets, in the lowest terms; older versions wrote down none.
    """

    at: int
    revision: int
    words: str
    cookies: str
    variants: tuple[str, ...]
    look: str = ""
    weights: tuple[int, ...] = ()

    @classmethod
    def of(cls, notices: Sequence[Notice], at: int, weights: Mapping[str, int] | None = None) -> BannerVersion:
        """Return what these notices ask, by whatever version of the scripts; ``weights``: those of the variants."""

        def digest(*parts: str) -> str:
            ordered = sorted(notices, key=lambda notice: (notice.lang, notice.variant, notice.rule))
            said = [
                [notice.lang, notice.variant, *([notice.rule] if notice.rule else []), *map(notice.content.get, parts)]
                for notice in ordered
            ]
            return hashlib.sha256(msgspec.json.encode(said, order="sorted")).hexdigest()[:16]

        variants = tuple(sorted({notice.variant for notice in notices}))
        revision, look = max(notice.revision for notice in notices), digest("layout", "theme")
        shares = [(weights or {}).get(name, 0) for name in variants]
        lowest = tuple(share // gcd(*shares) for share in shares) if len(shares) > 1 and any(shares) else ()
        return cls(at, revision, digest("words"), digest("cookies"), variants, look, lowest)

    def same_as(self, other: BannerVersion) -> bool:
        """Return whether nothing but the moment differs."""
        return msgspec.structs.replace(self, at=other.at) == other
