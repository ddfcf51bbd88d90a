"""What stands in the store and is none of ours: somebody else wrote it, and it is named instead of read."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from ...site import ConsentError


class Unreadable(ConsentError):
    """Something in the store is none that this server wrote; names it."""

    problem = "unproven"


@contextmanager
def ours(where: str) -> Iterator[None]:
    """Say in which key something stands that cannot be read.

    Raises:
        Unreadable: what is read within is none of ours.
    """
    try:
        yield
    except (ValueError, LookupError, struct.error, msgspec.MsgspecError) as error:
        raise Unreadable(f"In {where} stands what this server did not write.") from error
