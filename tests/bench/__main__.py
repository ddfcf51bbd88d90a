"""Measure: ``python -m tests.bench`` all of it, ``python -m tests.bench speed memory`` some of it."""

from __future__ import annotations

import sys
from collections.abc import Callable

from tests.bench import audit, banner, figures, peers

PARTS: dict[str, Callable[[], None]] = {
    "speed": figures.speed,
    "profile": figures.profile,
    "sustained": figures.sustained,
    "workers": figures.workers,
    "full": figures.full,
    "bytes": figures.scripts,
    "memory": figures.memory,
    "spread": figures.spread,
    "banner": banner.main,
    "peers": peers.main,
    "audit": audit.main,
}


def main(names: list[str]) -> int:
    """Run the parts of these names, all if there are none; return the exit status."""
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        print(f"There is no {', '.join(unknown)}; there are {', '.join(PARTS)}.", file=sys.stderr)
        return 2
    for name in names or PARTS:
        print(f"\n## {name}", flush=True)
        PARTS[name]()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
