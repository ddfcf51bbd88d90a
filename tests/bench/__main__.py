"""Measure: ``python -m tests.bench`` all but what is slow, ``python -m tests.bench speed growth`` what is named.

``ENTRIES=200000 python -m tests.bench proof`` seals, exports and checks a log of so many; a million as it comes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from tests.bench import audit, away, banner, costs, figures, growth, log, pages, peers

PARTS: dict[str, Callable[[], None]] = {
    "speed": figures.speed,
    "profile": figures.profile,
    "sustained": figures.sustained,
    "workers": figures.workers,
    "costs": costs.costs,
    "away": away.away,
    "bytes": figures.scripts,
    "memory": figures.memory,
    "spread": figures.spread,
    "banner": banner.main,
    "pages": pages.main,
    "peers": peers.main,
    "audit": audit.main,
    "log": log.main,
}
SLOW: dict[str, Callable[[], None]] = {"growth": growth.growth, "proof": log.proof}
"""Measured when they are named only."""


def main(names: list[str]) -> int:
    """Run the parts of these names, all but the slow ones if there are none; return the exit status."""
    known = PARTS | SLOW
    unknown = [name for name in names if name not in known]
    if unknown:
        print(f"There is no {', '.join(unknown)}; there are {', '.join(known)}.", file=sys.stderr)
        return 2
    for name in names or PARTS:
        print(f"\n## {name}", flush=True)
        known[name]()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
