"""What /openapi.json says of the rates."""

from __future__ import annotations

from ...decision import DIMENSIONS
from ...rates.compare import GOALS
from .schema import DATE, TEXT, WHOLE, Schema, each, nullable, one, ref, some, thing

_MOVE: Schema = {
    "type": ["object", "null"],
    "required": ["difference", "low", "high", "clear"],
    "properties": {"clear": {"type": "boolean"}},
}

_VERDICT = thing(
    {
        "goal": one(*GOALS),
        "a": TEXT,
        "b": TEXT,
        "says": one("better", "worse", "equal", "early", "impossible"),
        "difference": nullable("number"),
        "low": nullable("number"),
        "high": nullable("number"),
        "more": WHOLE,
    }
)

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
            "change": each(_MOVE),
            "rows": some(ref("Counted")),
            "trend": thing(
                {
                    "says": one("up", "down", "mixed", "flat", "unknown"),
                    "rates": each(one("up", "down", "flat", "unknown")),
                }
            ),
            "moves": each(_MOVE),
            "marks": some(thing({"kind": TEXT, "from": DATE, "to": DATE, "what": TEXT})),
            "variants": thing(
                {
                    "from": DATE,
                    "to": DATE | nullable("string"),
                    "is_running": {"type": "boolean"},
                    "counts": each(each(WHOLE)),
                    "verdicts": some(_VERDICT),
                }
            ),
        },
        "only",
        "goal",
        "variants",
        "marks",
        "zone_since",
        "parts_since",
        closed=False,
    ),
}
"""The bodies that tell rates, by name."""
