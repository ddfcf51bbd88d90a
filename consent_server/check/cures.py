"""What to type where somebody else has written into the store: always the least that mends it.

A whole backup loses what everybody answered since, so it is named where nothing less would do.
"""

from __future__ import annotations

from typing import NamedTuple

from ..proof.entries import Unproven
from ..site import Site
from ..store.counters import OddNumbers
from ..store.keys import single

WHO = "find out who else writes to Redis"

TO_BELIEVE_IT = (
    "put the secret that it was sealed with behind today's in CONSENT_SECRET, with a comma between; if that is lost, "
    "type: consent-server keys vouch KID --keys FILE, with a keys.json that was kept elsewhere"
)
"""What to do where a seal is by no key of today."""

TO_WAIT_OR_PUT_BACK = (
    "wait until those days are over, with what is asked meanwhile refused; or put back the backup from before, which "
    "loses what all shops were answered since: see docs/operating.md, A log ahead"
)
"""What to do where days to come are sealed: no seal is undone."""


class Without(NamedTuple):
    """What is not, without a right; ``grave`` where no shopper is answered, or erased, without it."""

    so: str
    grave: bool


TRIED = {
    Without("so nobody can be erased and nothing be archived", True): ["ZADD {} XX 0 nothing", "ZREM {} nothing"],
    Without("so decisions are refused", True): [
        *("EVAL return(1) 0", "TIME", "GET {}", "SET {} nothing XX", "EXISTS {}"),
        *("BITFIELD {} GET u8 0", "HGET {} nothing", "HMGET {} nothing", "HGETALL {}", "HKEYS {}", "HLEN {}"),
        *("LRANGE {} 0 0", "XADD {} NOMKSTREAM * e nothing", "XDEL {} 0-1", "XRANGE {} - +", "XINFO STREAM {}"),
    ],
    Without("so no rates can be read", False): ["GETRANGE {} 0 0"],
    Without("so not all is done that is due", False): [
        *("DEL {}", "UNLINK {}", "RENAME {} {}", "HDEL {} nothing", "HEXISTS {} nothing", "SISMEMBER {} nothing"),
        *("SMEMBERS {}", "XTRIM {} MINID 0", "XSETID {} 0-1", "ZSCORE {} nothing", "ZCARD {}", "ZCOUNT {} 0 0"),
        *("ZRANGE {} 0 0", "ZREMRANGEBYRANK {} 0 0", "EXPIRE {} 1"),
    ],
    Without("so it is not seen where somebody else wrote another kind of value", False): ["TYPE {}"],
}
"""What the server asks of Redis, as far as it changes nothing at a key that nobody has; and what is not, without it."""

ALONE = "put that one key back from the last backup (docs/operating.md, One key of a backup)"

THEN = {
    "seals": f"{ALONE}, with the server stopped: it would seal all days anew, and other seals than those you published",
    "archives": f"{ALONE}, with the server stopped",
    "buckets": f"{ALONE}, with the server stopped",
    "values": f"{ALONE}, with the server stopped; if you have none, put the keys of that name with `count` in the "
    "place of `values` aside too, which were counted by its numbers",
}
"""What has to follow, by what a key is called, where the server would begin anew, and wrongly."""


def to_set_aside(key: str) -> str:
    """Return what to type where a key holds another kind of value; ``KEY`` where it is one of several."""
    name = key if key.startswith("consent:") and " " not in key else "KEY"
    aside = f"{name}:aside" if "{" in name or name == "KEY" else f"{{{name}}}:aside"  # where a cluster has the same
    after = THEN.get(name.rpartition(":")[2], "what stood there before is in the last backup (docs/operating.md)")
    return f"{WHO}. To put it aside, and lose nothing of it, type: redis-cli renamenx '{name}' '{aside}'; {after}"


def of_words(site: Site) -> str:
    """Return what to do where the words of one notice were changed in the store."""
    return (
        f"{WHO}, and restart the server: it writes anew what it serves. Words from before stand in each export, on the "
        f"line of type notice: redis-cli hset '{single.notices(site)}' HASH CONTENT; what has no hash for its name is "
        "none of ours, and is taken out of that key"
    )


def of_seal(site: Site, error: Unproven) -> str:
    """Return what to do where a seal is none, or is missing."""
    if "no key of today" in str(error):
        return TO_BELIEVE_IT
    return (
        f"{WHO}. That one seal stands in each export from after it, on the line of type seal of its day: redis-cli "
        f"hset '{single.seals(site)}' DAY TOKEN; a day that no export has is none of ours, if it is to come, and is "
        "taken out of that key"
    )


def of_number(odd: OddNumbers) -> str:
    """Return what to do where values have no number of ours."""
    if len(odd.values) == 1 == len(odd.free):
        return f"{WHO}, and type, as this number is free: redis-cli hset '{odd.key}' '{odd.values[0]}' {odd.free[0]}"
    named = ", ".join(f"'{value}'" for value in odd.values[:6])
    return f"{WHO}, and take out what is not ours: in '{odd.key}' the fields {named}, which are counted anew then"
