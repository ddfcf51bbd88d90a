"""A part of the shoppers that is looked at by itself: phones, or phones with pages in Russian."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..decision import DEVICES
from ..store import PARTS, PLACED, SEPARATOR
from .period import BadQuestion

SEGMENTS = ("language", "variant", "device", "country")
"""The dimensions in which one part of the shoppers can do worse than the others."""

FILTERS = (*SEGMENTS, "rule")
"""The dimensions of which one value can be looked at by itself."""


class Filters(dict[str, str]):
    """The values that are looked at, by dimension; empty where everything is."""

    @classmethod
    def parse(cls, asked: Mapping[str, str], by: str = "day") -> Filters:
        """Read which part is asked for, out of a query's parameters.

        Args:
            asked: what was asked for, by name; the names of FILTERS say which part.
            by: the dimension that its rows are asked by.

        Raises:
            BadQuestion: there is no such part, or what it has in common with another one is not counted.
        """
        only = cls({name: asked[name] for name in FILTERS if asked.get(name)})
        if only.get("device", DEVICES[0]) not in DEVICES:
            raise BadQuestion("part", f"`device` must be one of {', '.join(DEVICES)}, not {only['device'][:40]!r}.")
        if "country" in only:
            only["country"] = only["country"].upper()
            if not re.fullmatch("[A-Z]{2}", only["country"]):
                raise BadQuestion("part", f"`country` must be two letters such as AZ, not {asked['country'][:40]!r}.")
        if only and by == "how":
            raise BadQuestion("filters", "Ways of answering are not counted by part: leave `by` or the part out.")
        if len({*only, by} - {"day"}) > 1 and "country" in {*only, by}:
            raise BadQuestion("filters", "A country is counted by itself alone: leave it or the other part out.")
        return only

    @property
    def alone(self) -> tuple[str, str] | None:
        """The one dimension and value, where there is no other."""
        return next(iter(self.items())) if len(self) == 1 else None

    def has(self, cell: str) -> bool:
        """Return whether a combination of PARTS or PLACED, as it is counted, belongs to this part."""
        values = dict(zip(PLACED, cell.split(SEPARATOR), strict=False))
        return all(values[name] == value for name, value in self.items())

    def counted(self, by: str = "day") -> str:
        """Return under which name that part was counted by ``by``: ``parts``, or ``placed`` where a rule is in it."""
        return "placed" if "rule" in {*self, by} else "parts"

    @property
    def crossed(self) -> tuple[str, ...]:
        """The dimensions by which this part can be looked at."""
        if not self:
            return SEGMENTS
        return () if "country" in self else tuple(name for name in PARTS if name not in self)


def value_in(cell: str, by: str) -> str:
    """Return the value of one of PARTS or PLACED in a combination of them."""
    return cell.split(SEPARATOR)[PLACED.index(by)]
