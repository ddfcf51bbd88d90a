"""Which public keys are believed, and why: those of the configured secrets, and those that an endorsement leads to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import combinations, pairwise
from types import MappingProxyType
from typing import Any

from .. import verify
from ..site import ConsentError
from ..store import Store
from ..tokens import Keys, token

FARTHEST = 10_000
"""How far back a key is said to be at most, whatever one that is out of use says of it."""


class UnknownKey(ConsentError):
    """No key of that name is waiting to be vouched for."""

    problem = "unknown-key"


def endorsements(keys: Keys) -> list[str]:
    """Return what the keys of the configured secrets sign of each other.

    Each says who is its next one, and which are the previous ones and how far back: what these say leads nowhere.
    """
    jwks = keys.jwks()["keys"]
    texts = [_endorsement(keys, older, jwks[newer], {"is": "next"}) for newer, older in pairwise(range(len(jwks)))]
    for newer, older in combinations(range(len(jwks)), 2):
        texts.append(_endorsement(keys, newer, jwks[older], {"is": "previous", "back": older - newer}))
    return texts


def _endorsement(keys: Keys, by: int, jwk: Mapping[str, Any], way: Mapping[str, Any]) -> str:
    signer = keys.jwks()["keys"][by]["kid"]
    content = {"typ": "key", "by": signer, "kid": jwk["kid"], "x": jwk["x"], **way}
    return token(content, keys.sign(content, by))


def remember(store: Store, keys: Keys, seals: Mapping[date, str] = MappingProxyType({})) -> None:
    """Keep what the configured keys sign of each other; and have the newest endorse each other key that is believed.

    From its first start on nothing else leads to a previous key, so that no older secret brings in another. What it
    once said of a key stays, and nothing is kept that the log contradicts (``_fitting``).

    Args:
        store: where that is kept from then on.
        keys: the configured ones.
        seals: of a site, in order.
    """
    kept = store.keys.endorsements()
    known = believed(store, keys, seals)
    done = {said["kid"] for said in _begun(known, kept, keys.jwks()["keys"][0]["kid"])}
    texts = [
        _endorsement(keys, 0, known.jwks[kid], {"is": "previous", "back": _back(known, kid)})
        for kid in sorted(known.previous - done - {jwk["kid"] for jwk in keys.jwks()["keys"]})
    ]
    store.keys.remember([*_fitting(keys, kept, seals), *texts])


def _fitting(keys: Keys, kept: Sequence[str], seals: Mapping[date, str]) -> list[str]:
    """Return what the configured keys sign of each other, without what is refuted.

    That is an order that another start was contrary to, and the log too: it has a seal of the one that is now called
    the newer, and later the first one of the other. Such is a start with the secrets in the wrong order.
    """
    texts = endorsements(keys)
    if len(keys.jwks()["keys"]) > 1 and seals:
        proved = verify.Keys(keys.jwks()["keys"], kept).endorsements
        orders = {_order(text) for text in proved}
        first = [*dict.fromkeys(str(verify.unsigned(text).get("kid")) for text in seals.values())]
        places = {kid: place for place, kid in enumerate(first)}
        refuted = {
            (older, newer)
            for newer, older in orders
            if newer in places and older in places and places[older] < places[newer] and (older, newer) not in orders
        }
        texts = [text for text in texts if _order(text) not in refuted]
    return texts


def _order(text: str) -> tuple[str, str]:
    """Return which of two keys an endorsement calls the newer one, and which the older; nothing if neither."""
    said = verify.unsigned(text)
    by, kid = str(said.get("by")), str(said.get("kid"))
    if said.get("is") == "next":
        return kid, by
    return (by, kid) if said.get("back") != 0 else ("", "")


def published(keys: Keys) -> dict[str, Any]:
    """Return the configured public keys, newest first, what they sign of each other, and which one is the root."""
    jwks = keys.jwks()
    return {**jwks, "root": jwks["keys"][0]["kid"], "endorsements": endorsements(keys)}


def believed(store: Store, keys: Keys, seals: Mapping[date, str] = MappingProxyType({})) -> verify.Keys:
    """Return the keys that are believed: those of the configured secrets, and whatever these lead to.

    What is in the store is believed of nobody: a key that somebody wrote there leads nowhere. Once the newest one has
    endorsed the one before it, or sealed a day, the others lead nowhere; at its first start it takes over what that one
    did. With the ``seals`` of a site, in order, what these refute of the order of keys is left out.
    """
    jwks, kept = keys.jwks()["keys"], store.keys.endorsements()
    newest, *older = (jwk["kid"] for jwk in jwks)
    texts = [*_fitting(keys, kept, seals), *kept]
    known = verify.Keys(jwks, texts, newest)
    begun = any(said["kid"] == older[0] and said["back"] for said in _begun(known, kept, newest)) if older else True
    if not begun and not _has_sealed(known, newest, seals):
        before = verify.Keys(jwks[1:], texts, older[0])
        taken = [
            _endorsement(keys, 0, before.jwks[kid], {"is": "previous", "back": 1 + _back(before, kid)})
            for kid in sorted(before.previous - {jwk["kid"] for jwk in jwks})
        ]
        known = verify.Keys(jwks, [*texts, *taken], newest)
    return known


def _begun(known: verify.Keys, kept: Sequence[str], newest: str) -> list[dict[str, Any]]:
    """Return what the newest key has signed, and is kept, of its previous ones: which these are, and how far back."""
    said = [verify.unsigned(text) for text in kept if text in known.endorsements]
    return [each for each in said if (each["by"], each.get("is")) == (newest, "previous") and "back" in each]


def _has_sealed(known: verify.Keys, kid: str, seals: Mapping[date, str]) -> bool:
    """Return whether a key has: who writes to the store can take away what it has endorsed."""
    return any(verify.unsigned(text).get("kid") == kid == known.signer(text) for text in seals.values())


def _back(known: verify.Keys, kid: str) -> int:
    """Return how far back a previous key is of the root.

    One of which nobody said it is older than all others, and than the one that named it: or whoever stole that one
    could bring in another that no newer one outranks.
    """
    if known.ranks.get(kid, 0) < 0:
        return min(-known.ranks[kid], FARTHEST)
    steps, named_by = 1, known.by.get(kid)
    while named_by and named_by not in known.ranks:
        steps, named_by = steps + 1, known.by.get(named_by)
    return min(steps - min(known.ranks.values(), default=0), FARTHEST)


def all_published(store: Store, keys: Keys, seals: Mapping[date, str] = MappingProxyType({})) -> dict[str, Any]:
    """Return every key that is believed, the configured ones first, and the endorsements between them.

    ``seals``: as ``believed`` takes them.
    """
    found = believed(store, keys, seals)
    jwks, root = [*found.jwks.values()], keys.jwks()["keys"][0]["kid"]
    return {"keys": jwks, "root": root, "endorsements": [*found.endorsements]}


def unendorsed(store: Store, keys: Keys) -> list[str]:
    """Return the names of the keys that versions without endorsements kept, and that nobody has endorsed."""
    known = believed(store, keys).jwks
    return [name for name in store.keys.unendorsed() if name not in known]


def vouch(store: Store, keys: Keys, name: str, kept: Mapping[str, Any] | None) -> None:
    """Have the newest configured key call a key its previous one, whose secret is gone; it does not say how far back.

    Args:
        store: where that is kept from then on.
        keys: the configured ones.
        name: of the key.
        kept: a JWK set from elsewhere that has it; or None: what a version without endorsements kept in the store.

    Raises:
        UnknownKey: there is none of that name, or it is another key than its name says, or is believed already.
    """
    remember(store, keys)  # as the first start does: what the key before led to is taken over then, and only then
    if name in believed(store, keys).jwks:
        raise UnknownKey(f"{name} is believed already.")
    jwk: Any
    if kept is None:
        jwk = store.keys.unendorsed().get(name)
    else:
        jwk = verify.Keys(kept["keys"], kept.get("endorsements", ()), kept.get("root")).jwks.get(name)
    try:  # once endorsed it is everybody's, so it has to be a key in every way
        fits = name in verify.Keys([jwk]).jwks
    except verify.NoKeys:
        fits = False
    if not fits:
        where = "The store holds" if kept is None else "That file holds"
        raise UnknownKey(f"{where} no public key that is {name!r}.")
    store.keys.remember([_endorsement(keys, 0, jwk, {"is": "previous", "back": 0})])
