"""Which of the cosigned checkpoints that are kept go into an export: what this server made, and not too many."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from contextlib import suppress

from ... import verify
from ...site import Site
from ...verify import Failed, read_checkpoint
from .witnesses import LEEWAY, LONGEST, signer_of

MOST = 2_000_000
"""Bytes of all notes in an export, as of 20 witnesses that cosigned daily for a year and a half; a line has double."""


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
        ours = [line for line in lines.splitlines() if signer_of(line) == name]
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
        witnesses = {signer_of(line) for line in notes[size].partition("\n\n")[2].splitlines()}
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
        raw = b64decode(line.split(" ")[2], validate=True) if signer_of(line) else b""
    except ValueError:
        raw = b""
    return int.from_bytes(raw[4:12]) if len(raw) == 76 else -1
