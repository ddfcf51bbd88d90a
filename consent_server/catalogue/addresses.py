"""What patterns of addresses mean: a host or ``*.host``, with a path if need be that may end with ``*``."""

from __future__ import annotations

import re

_PATTERN = re.compile(
    r"""(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)+(:(?!(443|80)(?!\d))[1-9]\d{0,4})?(/[^\s*?#"<>\\`{}\x7f-\U0010ffff]*\*?)?"""
)


def is_pattern(text: str) -> bool:
    """Return whether a text is one: as browsers spell addresses, without a query, or it would match none."""
    return bool(_PATTERN.fullmatch(text))


def covers(wide: str, narrow: str) -> bool:
    """Return whether every address that ``narrow`` means is one that ``wide`` means."""
    host, _, path = wide.partition("/")
    host2, _, path2 = narrow.partition("/")
    beneath = host[1:] if host.startswith("*.") else None
    hosts = host == host2 or bool(beneath and f".{host2.removeprefix('*.')}".endswith(beneath))
    return hosts and (not path or path == path2 or (path.endswith("*") and path2.startswith(path[:-1])))
