"""What stands in the store and is none of ours: somebody else wrote it, and it is named instead of read."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

import msgspec

from ...site import ConsentError

NOT_OURS = re.compile(r"NOTOURS (consent:\S+)")
"""By what a script says in which key that stands."""

EARLIEST, LATEST = date(1970, 1, 1), date(9999, 1, 1)


class Unreadable(ConsentError):
    """Something in the store is none that this server wrote; names it."""

    problem = "unproven"


def not_ours_in(error: Exception) -> None:
    """Return where it is not what a script says of what it has found.

    Raises:
        Unreadable: it is; names the key.
    """
    if found := NOT_OURS.search(str(error)):
        raise Unreadable(f"In {found[1]} stands what this server did not write.") from error


@contextmanager
def ours(where: str) -> Iterator[None]:
    """Say in which key something stands that cannot be read.

    Raises:
        Unreadable: what is read within is none of ours.
    """
    try:
        yield
    except (ValueError, LookupError, OverflowError, RecursionError, struct.error, msgspec.MsgspecError) as error:
        raise Unreadable(f"In {where} stands what this server did not write.") from error


def log_day(text: str) -> date:
    """Return a day that a log may have: one of which the day before, and the one after, can be said.

    Raises:
        ValueError: it is none.
    """
    day = date.fromisoformat(text)
    if not EARLIEST <= day <= LATEST:
        raise ValueError(f"no log has a day {day}")
    return day
