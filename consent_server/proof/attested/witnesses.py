"""Cosignatures: what witnesses sign of the checkpoint, checked, kept, and given on (C2SP tlog-cosignature)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime

from ...site import ConsentError, Site
from ...store import Store
from ...tokens import Keys
from ...verify import Failed, Witness
from ..seals import chain, checkpoint, origin

LONGEST = 20_000
"""Characters of a note with all its cosignatures."""

LEEWAY = 600
"""Seconds that the clock of a witness may be ahead of the store's."""


class NotCosigned(ConsentError):
    """This is no checkpoint of ours that the witness cosigned."""

    problem = "not-cosigned"


def cosign(store: Store, site: Site, keys: Keys, note: str, witness: Witness) -> tuple[int, int]:
    """Keep the cosignature of a witness on a checkpoint of ours, beside those of others.

    Args:
        store: where.
        site: whose log.
        keys: sign the checkpoint too.
        note: the checkpoint as the witness gave it back.
        witness: whose cosignature it has to have.

    Returns:
        How many seals it is over, and when the witness cosigned it, in seconds since 1970.

    Raises:
        NotCosigned: the witness did not, or not a checkpoint of this log as it is here; nothing is kept.
        Unproven: the seals are not those that this server made.
    """
    text, _, lines = note.replace("\r\n", "\n").partition("\n\n")
    name, size, *_ = [*text.split("\n"), "", ""]
    seals = chain(store, site, keys)
    if name != origin(site):
        raise NotCosigned(f"This is a checkpoint of {name[:100]!r}; the log of {site.id} is {origin(site)!r}.")
    if not (size.isascii() and size.isdigit() and len(size) < 10 and 0 < int(size) <= len(seals)):
        raise NotCosigned(f"It is over {size[:20]!r} seals, and the log of {site.id} has {len(seals)}.")
    ours, _, signatures = checkpoint(site, keys, first(seals, int(size))).partition("\n\n")
    if text != ours:
        raise NotCosigned(f"It is over {size} other seals than the log of {site.id} has.")
    try:
        at = witness.cosigned(f"{text}\n\n{lines}")
    except Failed as error:
        raise NotCosigned(f"It is not cosigned: {error}.") from None
    if not at:
        raise NotCosigned(f"It is not cosigned by {witness.name}, whose key has the hash {witness.hash.hex()}.")
    now = store.attestations.time(site) // 1000
    if at > now + LEEWAY:  # it would be the newest one for good
        dated, today = (f"{datetime.fromtimestamp(each, UTC):%Y-%m-%d %H:%M}" for each in (at, now))
        raise NotCosigned(f"It is not cosigned: {witness.name} dates it {dated}, and now it is {today} (UTC).")
    own = next(line for line in lines.splitlines() if witness.cosigned(f"{text}\n\n{line}"))
    while True:
        kept = store.attestations.cosigned(site).get(int(size), "")
        others = [
            line for line in kept.partition("\n\n")[2].splitlines() if signer_of(line) not in ("", name, witness.name)
        ]
        whole = "\n".join([f"{text}\n\n{signatures}{own}", *others, ""])
        if len(whole) > LONGEST:
            raise NotCosigned(f"There are cosignatures enough of the first {size} seals.")
        if store.attestations.keep_cosigned(site, int(size), whole, kept):  # or another one came in between
            return int(size), at


def with_cosignatures(store: Store, site: Site, size: int, note: str) -> str:
    """Return a checkpoint over ``size`` seals with the cosignatures that were kept of it."""
    text, name = note.partition("\n\n")[0], origin(site)
    kept, _, lines = store.attestations.cosigned(site).get(size, "").partition("\n\n")
    return note + "".join(
        f"{line}\n" for line in lines.splitlines() if kept == text and signer_of(line) not in ("", name)
    )


def signer_of(line: str) -> str:
    """Return whose signature a line of a note is, or nothing where somebody else wrote it into the store."""
    dash, name, signature = [*line.split(" "), "", ""][:3]
    return name if dash == "—" and signature else ""


def first(seals: Mapping[date, str], many: int) -> dict[date, str]:
    """Return the first seals of a log, so ``many``."""
    return dict([*seals.items()][:many])
