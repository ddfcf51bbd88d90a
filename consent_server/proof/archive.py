"""Old days of the log moved to a file: exported, verified, and only then trimmed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from ..site import Site
from ..store import Store
from ..tokens import Keys
from ..verify import opened, verify
from .log import export, seal, write


def archive(store: Store, site: Site, keys: Keys, folder: Path, now: datetime) -> tuple[Path, int] | None:
    """Export the days past ``keep`` and ``prove`` to a file in ``folder``, verify it, then trim them from the log.

    Returns:
        The file and how many entries were trimmed, or None if no day is old enough.

    Raises:
        CannotWrite: nothing was trimmed.
        verify.Failed: the file does not prove itself; nothing was trimmed.
    """
    seal(store, site, keys, now)
    before = (now.astimezone(UTC) - timedelta(seconds=site.keep + site.prove)).date()
    first = store.log.first_day(site)
    if first is None or first >= before:
        return None
    path = folder / f"{site.id}-{first}-{before - timedelta(1)}.jsonl.gz"
    write(path, export(store, site, keys, first, before - timedelta(1), now))
    with opened(path) as lines:
        verify(lines, {"keys": [*store.keys.all(), *keys.jwks()["keys"]]})
    return path, store.log.trim(site, before)
