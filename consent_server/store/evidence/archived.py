"""What is written down of days that were moved to a file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import msgspec

from ..connection.foreign import log_day


@dataclass(frozen=True, slots=True)
class Archive:
    """Days that were moved to a file, both included; ``sha256`` of it in hexadecimal.

    Until it is ``trimmed`` some of their entries may still be in the log.
    """

    first: date
    last: date
    file: str
    sha256: str
    entries: int
    trimmed: bool = False

    @classmethod
    def of(cls, packed: bytes) -> Archive:
        """Read one as it is kept.

        Raises:
            ValueError: it is none: no log has such days, or its names are for no terminal.
        """
        read = msgspec.json.decode(packed, type=cls)
        if log_day(f"{read.first}") > log_day(f"{read.last}") or not (read.file + read.sha256).isprintable():
            raise ValueError(f"{read.file!r} is no archive")
        return read
