"""Whether each entry of a day whose token does not say it all is signed by itself, and for how many days that is so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ... import verify
from ..entries import unproven


class Owned:
    """For how many days in a row each entry whose token does not say it all is signed by itself, which a seal says.

    After two such days nothing else is sealed any more; one alone may have been half a version's before.

    Args:
        previous: the seal of the day before, or nothing.
    """

    def __init__(self, previous: str) -> None:
        said = verify.unsigned(previous).get("own")
        self._before = said if isinstance(said, int) else 0
        self._any = self._lacks = False

    def add(self, line: Mapping[str, Any]) -> None:
        """Take the next entry of the day, a line of an export with tokens.

        Raises:
            Unproven: it is a refusal or a change that is neither erased nor signed by itself, and has to be.
        """
        if line["kind"] != "first" or not line["allow"]:  # erased or not: or an erasure would make it another seal
            self._any, self._lacks = True, self._lacks or not ("own" in line or "erased" in line)
            if self._lacks and self._before > 1:
                raise unproven(line, "is a refusal or a change that is signed by none of the keys")

    @property
    def days(self) -> int:
        """How many days there are with this one, whose entries were all taken: 2 at most, which is enough.

        So a seal that is made again, by the same key after the same one, is the same from the third day on.
        """
        return 0 if self._lacks or not (self._any or self._before) else min(self._before + 1, 2)
