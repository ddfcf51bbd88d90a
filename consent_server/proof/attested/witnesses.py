"""Cosignatures: what witnesses sign of the checkpoint, checked, kept, and given on (C2SP tlog-cosignature)."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, date, datetime

from ... import verify
from ...site import ConsentError, Site
from ...store import Store
from ...tokens import Keys
from ...verify import Failed, Witness, read_checkpoint
from ..seals import chain, checkpoint, origin

LONGEST = 20_000
"""Characters of a note with all its cosignatures."""

MOST = 2_000_000
"""Bytes of all notes in an export, as of 20 witnesses that cosigned daily for a year and a half; a line has double."""

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
    if not (size.isascii() and size.isdigit() and 0 < int(size[:9]) <= len(seals)):
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
        others = [line for line in kept.partition("\n\n")[2].splitlines() if _by(line) not in ("", name, witness.name)]
        whole = "\n".join([f"{text}\n\n{signatures}{own}", *others, ""])
        if len(whole) > LONGEST:
            raise NotCosigned(f"There are cosignatures enough of the first {size} seals.")
        if store.attestations.keep_cosigned(site, int(size), whole, kept):  # or another one came in between
            return int(size), at


def genuine(notes: Mapping[int, str], site: Site, known: verify.Keys, now: int) -> dict[int, str]:
    """Return what is kept of checkpoints that this server made, also if they are not over these seals any more.

    Whoever writes to the store may have added anything else, by which exports would fail that prove themselves.

    Args:
        notes: as they are kept, by the number of seals that they are over.
        site: the shop.
        known: the keys that are believed.
        now: what the clock of the store says, in seconds since 1970.
    """
    found: dict[int, str] = {}
    for many, note in notes.items():
        text, _, lines = note.partition("\n\n")
        name = text.partition("\n")[0]  # the first of `origins` may have been another one then
        ours = [line for line in lines.splitlines() if _by(line) == name]
        with suppress(Failed, ValueError):
            size, _ = read_checkpoint("\n".join([f"{text}\n", *ours]), known)
            signed = [line for line in lines.splitlines() if 0 < cosigned_at(line) <= now + LEEWAY]
            whole = "\n".join([f"{text}\n", *ours, *signed, ""])
            if signed and (size, True) == (many, name.endswith(f"/consent/{site.id}")) and len(whole) <= LONGEST:
                found[many] = whole
    return found


def newest_of_each(notes: Mapping[int, str]) -> dict[int, str]:
    """Return as many notes as an export may hold, in order: of each witness the newest one, then the newest ones."""
    seen, first, rest = set[str](), list[int](), list[int]()
    for size in sorted(notes, reverse=True):
        witnesses = {_by(line) for line in notes[size].partition("\n\n")[2].splitlines()}
        (rest if witnesses <= seen else first).append(size)
        seen |= witnesses
    chosen, room = list[int](), MOST
    for size in [*first, *rest]:
        room -= len(notes[size].encode())
        if room >= 0:
            chosen.append(size)
    return {size: notes[size] for size in sorted(chosen)}


def cosigned_at(line: str) -> int:
    """Return when a line of a note says that a witness cosigned it, in seconds since 1970; -1 if it is no such line."""
    try:
        raw = b64decode(line.split(" ")[2], validate=True) if _by(line) else b""
    except ValueError:
        raw = b""
    return int.from_bytes(raw[4:12]) if len(raw) == 76 else -1


def with_cosignatures(store: Store, site: Site, size: int, note: str) -> str:
    """Return a checkpoint over ``size`` seals with the cosignatures that were kept of it."""
    text, name = note.partition("\n\n")[0], origin(site)
    kept, _, lines = store.attestations.cosigned(site).get(size, "").partition("\n\n")
    return note + "".join(f"{line}\n" for line in lines.splitlines() if kept == text and _by(line) not in ("", name))


def _by(line: str) -> str:
    """Return whose signature a line of a note is, or nothing where somebody else wrote it into the store."""
    dash, name, signature = [*line.split(" "), "", ""][:3]
    return name if dash == "—" and signature else ""


def first(seals: Mapping[date, str], many: int) -> dict[date, str]:
    """Return the first seals of a log, so ``many``."""
    return dict([*seals.items()][:many])
