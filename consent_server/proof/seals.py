"""The chain of seals, for anyone: the newest one, a checkpoint over all, and the way up to it from an answer."""

from __future__ import annotations

import hashlib
import json
import threading
from base64 import b64encode, urlsafe_b64decode
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from .. import verify
from ..site import ConsentError, Site
from ..store import Store
from ..tokens import Keys
from ..verify import Failed, leaf, seal_hash
from .entries import Unproven, fields
from .keys import believed
from .merkle import Levels

DAYS_KEPT = 4
"""How many days' trees a process keeps, 64 bytes an entry."""

_days: dict[str, Levels] = {}
"""Trees of days, by their seals, which say what is in them."""
_making = threading.Lock()


class NoSeals(ConsentError):
    """There are fewer seals than somebody says to know."""

    problem = "no-seals"


def newest(store: Store, site: Site, keys: Keys) -> str:
    """Return the newest seal, or nothing if there is none.

    Raises:
        Unproven: somebody else wrote it.
    """
    seals = store.log.seals(site)
    return newest_of(site, seals, believed(store, keys))


def newest_of(site: Site, seals: Mapping[date, str], known: verify.Keys) -> str:
    """Return the newest of these seals, or nothing; likewise."""
    if seals:
        _read(site.id, max(seals), seals[max(seals)], known)
    return seals[max(seals)] if seals else ""


def _read(site: str, day: date, token: str, known: verify.Keys) -> dict[str, Any]:
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
        Unproven: one was not made here, or does not follow the one before; nothing is built on them.
    """
    seals = store.log.seals(site)
    _require_chain(site.id, tuple(seals.items()), tuple(jwk["x"] for jwk in believed(store, keys).jwks.values()))
    return seals


@lru_cache(maxsize=64)  # of three years it takes a tenth of a second
def _require_chain(site: str, seals: tuple[tuple[date, str], ...], keys: tuple[str, ...]) -> None:
    known = verify.Keys({"kty": "OKP", "crv": "Ed25519", "x": x} for x in keys)
    previous: tuple[date, str] | None = None
    for day, token in seals:
        said = _read(site, day, token, known)
        if previous and (previous[0] + timedelta(1), seal_hash(previous[1])) != (day, said["prev"]):
            raise Unproven(f"The seal of {day} of {site} does not follow the one before, of {previous[0]}.")
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
    return f"{name}+{_key_hash(name, keys).hex()}+{key}"


def _key_hash(name: str, keys: Keys) -> bytes:
    return hashlib.sha256(name.encode() + b"\n\1" + keys.public[0]).digest()[:4]


def checkpoint(site: Site, keys: Keys, seals: Mapping[date, str], old: int | None = None) -> str:
    """Return a checkpoint over seals (C2SP tlog-checkpoint), of which each is a leaf.

    Args:
        site: the shop.
        keys: the newest signs.
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
    signed = b64encode(_key_hash(name, keys) + keys.sign_note(text.encode())).decode()
    note = f"{text}\n— {name} {signed}\n"
    if old is None:
        return note
    proof = [b64encode(each).decode() for each in tree.consistency(old)] if old else []
    return "\n".join([f"old {old}", *proof, "", note])


def proofs(store: Store, site: Site, keys: Keys, subject: str | None) -> dict[str, Any]:
    """Return the way up from each sealed decision of a shopper: to its day's root, its seal, and the checkpoint.

    Raises:
        Unproven: the log or its seals are not what was sealed.
    """
    seals = chain(store, site, keys)
    note = checkpoint(site, keys, seals)
    by_seal, days = _over(tuple(seals.values())), [*seals]
    found, unsealed = [], []
    for entry in store.decisions.history(site, subject) if subject else ():
        line = fields(entry, site)
        day = datetime.fromtimestamp(entry.at // 1000, UTC).date()
        if day not in seals:
            unsealed.append(entry.id)
            continue
        tree, hashed = _of_day(store, site, day, seals[day]), leaf(line)
        index, number = tree.find(hashed), days.index(day)
        if index is None:
            raise Unproven(f"The decision {entry.id} of {day} is not in the log as it was sealed.")
        found.append(
            {
                "entry": line,
                "day": day.isoformat(),
                "number": index,
                "of": tree.size,
                "path": [each.hex() for each in tree.path(index)],
                "seal": seals[day],
                "seal_number": number,
                "seal_path": [each.hex() for each in by_seal.path(number)],
            }
        )
    return {"site": site.id, "checkpoint": note, "sealed": found, "unsealed": unsealed}


def _of_day(store: Store, site: Site, day: date, seal: str) -> Levels:
    """Return the tree of a sealed day."""
    root = json.loads(urlsafe_b64decode(seal.partition(".")[0] + "=="))["root"]
    with _making:  # one at a time, and once
        tree = _days.get(seal)
        if tree is None:
            tree = Levels(leaf(fields(entry, site)) for entry in store.log.day(site, day))
            if tree.root.hex() != root:
                raise Unproven(f"The entries of {day} of {site.id} are not those that were sealed.")
            for oldest in [*_days][: max(0, len(_days) - DAYS_KEPT + 1)]:
                del _days[oldest]
            _days[seal] = tree
    return tree
