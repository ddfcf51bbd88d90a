"""The chain of seals, for anyone: the newest one, a checkpoint over all, and the way up to it from an answer."""

from __future__ import annotations

import hashlib
import json
import threading
from base64 import b64encode, urlsafe_b64decode
from collections import OrderedDict
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from .. import verify
from ..decision import Entry
from ..site import ConsentError, Site
from ..store import SealedAhead, Store
from ..store.feed.entries import END
from ..tokens import Keys
from ..verify import Failed, leaf, seal_hash
from .days.merkle import PIECE, Levels, Sketch
from .entries import Unproven, fields
from .keys import believed

DAYS_KEPT = 400
"""Of how many days a process keeps what their paths are made with, 80 bytes for each 512 entries."""

MOST_DAYS, MOST_ANSWERS = 10, 50
"""Of how many days, and how many answers in all, one call gives the paths: the newest."""

SECONDS_TO_WAIT = 1.0
"""How long a call waits for another that reads a day for the first time."""

_days: OrderedDict[str, Sketch] = OrderedDict()
"""Trees of days, by their seals, which say what is in them."""
_making = threading.Lock()


class AnotherDayIsRead(ConsentError):
    """A day is read whole for the first time, one at a time, and that takes a while."""

    problem = "too-many"


class NoSeals(ConsentError):
    """There are fewer seals than somebody says to know."""

    problem = "no-seals"


def newest(store: Store, site: Site, keys: Keys) -> str:
    """Return the newest seal, or nothing if there is none.

    Raises:
        Unproven: somebody else wrote it.
    """
    seals = store.log.seals(site)
    return newest_of(site, seals, believed(store, keys, seals))


def newest_of(site: Site, seals: Mapping[date, str], known: verify.Keys) -> str:
    """Return the newest of these seals, or nothing; likewise."""
    if seals:
        read_seal(site.id, max(seals), seals[max(seals)], known)
    return seals[max(seals)] if seals else ""


def newest_to_seal_after(site: Site, seals: Mapping[date, str], known: verify.Keys) -> str:
    """Return the newest of these seals, or nothing; likewise.

    Raises:
        Unproven: a newer key than today's has made it, after which this one would prove nothing.
    """
    previous = newest_of(site, seals, known)
    by = known.signer(previous)
    if known.ranks.get(by, 0) > 0:
        raise Unproven(
            f"The seal of {max(seals)} of {site.id} is by a newer key, {by}, than today's: put its secret, or one that "
            "is newer still, first in CONSENT_SECRET. If today's is the newer one, put the other behind it."
        )
    return previous


def require_newest_key(store: Store, site: Site, keys: Keys, last: date) -> None:
    """Return if an export up to ``last`` would prove itself that the newest of these keys signs.

    Raises:
        Unproven: a newer one has sealed a day; or another one that nothing leads to, and the day is in it; or the seal
            of ``last``, which is to come, is none that this server made.
        SealedAhead: ``last`` is sealed, and is to come by the store's clock.
    """
    seals = store.log.seals(site)
    known = believed(store, keys, seals)
    if last in seals:
        try:
            store.clock.must_be_over(site, last)
        except SealedAhead:
            read_seal(site.id, last, seals[last], known)  # or somebody else wrote it, and no backup has to be put back
            raise
    if seals and (last >= max(seals) or known.signer(seals[max(seals)])):
        newest_to_seal_after(site, seals, known)


def read_seal(site: str, day: date, token: str, known: verify.Keys) -> dict[str, Any]:
    """Return what a seal says, or raise Unproven."""
    try:
        said = known.read(token, "seal")
        if (said["site"], said["day"], said.get("open")) == (site, day.isoformat(), None):
            return said
    except (Failed, LookupError, TypeError, ValueError, AttributeError):
        pass
    kid = verify.unsigned(token).get("kid")
    foreign = "" if kid in known.jwks or not isinstance(kid, str) else f": no key of today leads to {kid[:20]!r}"
    raise Unproven(f"What the store holds as the seal of {day} of {site} is none that this server made{foreign}.")


def chain(store: Store, site: Site, keys: Keys) -> dict[date, str]:
    """Return the seals of all days, in order, each of which names the one before.

    Raises:
        Unproven: one was not made here, or does not follow the one before; nothing is built on them. In which order
            keys signed them is nothing to refuse all of it for: ``verify`` tells of it.
    """
    seals = store.log.seals(site)
    public = tuple(jwk["x"] for jwk in believed(store, keys, seals).jwks.values())
    _require_chain(site.id, tuple(seals.items()), public)
    return seals


@lru_cache(maxsize=64)  # of three years it takes a tenth of a second
def _require_chain(site: str, seals: tuple[tuple[date, str], ...], keys: tuple[str, ...]) -> None:
    known = verify.Keys({"kty": "OKP", "crv": "Ed25519", "x": x} for x in keys)
    previous: tuple[date, str] | None = None
    for day, token in seals:
        said = read_seal(site, day, token, known)
        if previous and (previous[0] + timedelta(1), seal_hash(previous[1])) != (day, said["prev"]):
            raise Unproven(f"The seal of {day} of {site} does not follow the one before, of {previous[0]}.")
        if not previous and said["prev"]:
            raise Unproven(f"The seal of {day} of {site} follows another one, which is missing.")
        previous = (day, token)


@lru_cache(maxsize=64)
def _over(tokens: tuple[str, ...]) -> Levels:
    """Return the tree whose leaves are seals."""
    return Levels(hashlib.sha256(b"\0" + token.encode()).digest() for token in tokens)


def origin(site: Site) -> str:
    """Return the name under which witnesses know the log of a site: its first address and its id, without a scheme."""
    return f"{urlsplit(site.origins[0]).netloc}/consent/{site.id}"


def verifier_key(site: Site, keys: Keys) -> str:
    """Return the newest public key as witnesses and their tools take it (C2SP signed-note)."""
    name = origin(site)
    key = b64encode(b"\1" + keys.public[0]).decode()
    return f"{name}+{_key_hash(name, keys.public[0]).hex()}+{key}"


def _key_hash(name: str, key: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n\1" + key).digest()[:4]


def checkpoint(site: Site, keys: Keys, seals: Mapping[date, str], old: int | None = None) -> str:
    """Return a checkpoint over seals (C2SP tlog-checkpoint), of which each is a leaf.

    Args:
        site: the shop.
        keys: each of the configured ones signs, the newest first.
        seals: all of them, by day and in order.
        old: how many seals a witness knows already; the note then follows the proof that they are the beginning of
            these, as a witness takes it (C2SP tlog-witness, add-checkpoint).

    Raises:
        NoSeals: there are fewer than ``old``.
    """
    tree, name = _over(tuple(seals.values())), origin(site)
    if (old or 0) > tree.size:
        raise NoSeals(f"The log of {site.id} has {tree.size} seals, not {old}.")
    text = f"{name}\n{tree.size}\n{b64encode(tree.root).decode()}\n"
    # A witness that knows the key before takes the new one when somebody gives it to them, and not a day before.
    note = f"{text}\n" + "".join(
        f"— {name} {b64encode(_key_hash(name, raw) + keys.sign_note(text.encode(), by)).decode()}\n"
        for by, raw in enumerate(keys.public)
    )
    if old is None:
        return note
    proof = [b64encode(each).decode() for each in tree.consistency(old)] if old else []
    return "\n".join([f"old {old}", *proof, "", note])


def proofs(store: Store, site: Site, keys: Keys, subject: str | None, last: date = date.max) -> dict[str, Any]:
    """Return the way up from a shopper's sealed decisions: to the day's root, its seal, and the checkpoint.

    Args:
        store: where the log is.
        site: the shop.
        keys: sign the checkpoint.
        subject: whose decisions.
        last: the day up to which they are wanted: of the newest MOST_ANSWERS, on MOST_DAYS days, the way is given, and
            how many older ones there are.

    Raises:
        Unproven: the log or its seals are not what was sealed.
        AnotherDayIsRead: so that this call would take long.
    """
    seals = chain(store, site, keys)
    note = checkpoint(site, keys, seals)
    by_seal, numbers = _over(tuple(seals.values())), {day: number for number, day in enumerate(seals)}
    history = store.history.of(site, subject) if subject else []
    dated = [(entry, datetime.fromtimestamp(entry.at // 1000, UTC).date()) for entry in history]
    sealed = [(entry, day) for entry, day in dated if day in seals and day <= last]
    newest_days = sorted({day for _, day in sealed})[-MOST_DAYS:]
    wanted = [(entry, day) for entry, day in sealed if day in newest_days][-MOST_ANSWERS:]
    found = []
    for entry, day in wanted:
        line, tree, number = fields(entry, site), _of_day(store, site, day, seals[day]), numbers[day]
        index, path = _path(store, site, day, tree, entry)
        found.append(
            {
                "entry": {name: value for name, value in line.items() if name != "own"},
                "day": day.isoformat(),
                "number": index,
                "of": tree.size,
                "path": [each.hex() for each in path],
                "seal": seals[day],
                "seal_number": number,
                "seal_path": [each.hex() for each in by_seal.path(number)],
            }
        )
    unsealed = [entry.id for entry, day in dated if day not in seals]
    return {
        "site": site.id,
        "checkpoint": note,
        "sealed": found,
        "unsealed": unsealed,
        "older": len(sealed) - len(wanted),
    }


def _path(store: Store, site: Site, day: date, tree: Sketch, entry: Entry) -> tuple[int, list[bytes]]:
    """Return the number of an entry in its day, and the hashes that lead up from it."""
    place = (entry.bucket, entry.at, entry.seq)
    number, start, following = tree.piece(place) if tree.size else (0, place, None)
    until = following[:2] if following else END
    leaves = [
        leaf(fields(each, site))
        for each in store.log.day(site, day, start[:2], until)
        if start <= (each.bucket, each.at, each.seq) < (following or (each.bucket + 1, 0, 0))
    ]
    piece = Levels(leaves)
    index = piece.find(leaf(fields(entry, site)))
    if index is None or not tree.is_piece(number, piece):
        raise Unproven(f"The decision {entry.id} of {day} is not in the log as it was sealed.")
    return number * PIECE + index, tree.path(number, piece, index)


def _of_day(store: Store, site: Site, day: date, seal: str) -> Sketch:
    """Return the tree of a sealed day."""
    if not (tree := _days.get(seal)):
        if not _making.acquire(timeout=SECONDS_TO_WAIT):  # one at a time, and once
            raise AnotherDayIsRead("Days of the log are being read for others; ask again in a minute.")
        try:
            tree = _days.get(seal) or _read_day(store, site, day, seal)
        finally:
            _making.release()
    return tree


def _read_day(store: Store, site: Site, day: date, seal: str) -> Sketch:
    tree = Sketch(
        ((entry.bucket, entry.at, entry.seq), leaf(fields(entry, site))) for entry in store.log.day(site, day)
    )
    if tree.root.hex() != json.loads(urlsafe_b64decode(seal.partition(".")[0] + "=="))["root"]:
        raise Unproven(f"The entries of {day} of {site.id} are not those that were sealed.")
    while len(_days) >= DAYS_KEPT:
        _days.popitem(last=False)
    _days[seal] = tree
    return tree
