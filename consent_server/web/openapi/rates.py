"""What /openapi.json says of the rates."""

from __future__ import annotations

from ...decision import DIMENSIONS
from ...rates.compare import GOALS
from .schema import DATE, TEXT, WHOLE, Schema, each, nullable, one, ref, some, thing

RATES: dict[str, Schema] = {
    "Counted": thing({"counts": each(WHOLE), "rates": each(ref("Rate"))}, closed=False),
    "Rate": thing(
        {
            "numerator": WHOLE,
            "denominator": WHOLE,
            "value": nullable("number"),
            "low": nullable("number"),
            "high": nullable("number"),
            "too_few": {"type": "boolean"},
        }
    ),
    "Rates": thing(
        {
            "site": TEXT,
            "from": DATE,
            "to": DATE,
            "by": one(*DIMENSIONS),
            "timezone": TEXT,
            "zone_since": DATE,
            "parts_since": DATE,
            "against": thing({"from": DATE, "to": DATE}),
            "only": each(TEXT),
            "goal": one(*GOALS),
            "total": ref("Counted"),
            "change": each(
                {"type": ["object", "null"]}
                | {"required": ["difference", "low", "high", "clear"], "properties": {"clear": {"type": "boolean"}}}
            ),
            "rows": some(ref("Counted")),
            "trend": thing(
                {
                    "says": one("up", "down", "mixed", "flat", "unknown"),
                    "rates": each(one("up", "down", "flat", "unknown")),
                }
            ),
        },
        "only",
        "goal",
        "zone_since",
        "parts_since",
        closed=False,
    ),
}
"""The bodies that tell rates, by name."""
