"""Which public keys are believed, and why: those of the configured secrets, and those that an endorsement leads to."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations, pairwise
from typing import Any

from .. import verify
from ..site import ConsentError
from ..store import Store
from ..tokens import Keys, token


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


def remember(store: Store, keys: Keys) -> None:
    """Keep what the configured keys sign of each other; and have the newest endorse each other key that is believed.

    From its first start on nothing else leads to a previous key, so that no older secret brings in another.
    """
    known, (newest, *_) = believed(store, keys), keys.jwks()["keys"]
    older = sorted((kid for kid in known.jwks if known.is_older(kid, newest["kid"])), key=lambda kid: -known.ranks[kid])
    texts = [_endorsement(keys, 0, known.jwks[kid], {"is": "previous", "back": -known.ranks[kid]}) for kid in older]
    store.keys.remember([*endorsements(keys), *texts])


def published(keys: Keys) -> dict[str, Any]:
    """Return the configured public keys, newest first, what they sign of each other, and which one is the root."""
    jwks = keys.jwks()
    return {**jwks, "root": jwks["keys"][0]["kid"], "endorsements": endorsements(keys)}


def believed(store: Store, keys: Keys) -> verify.Keys:
    """Return the keys that are believed: those of the configured secrets, and whatever these lead to.

    What is in the store is believed of nobody: a key that somebody wrote there leads nowhere. Once the newest one has
    endorsed those before it, the others lead nowhere; at its first start it takes over what the one before it did.
    """
    jwks, kept = keys.jwks()["keys"], store.keys.endorsements()
    newest, *older = (jwk["kid"] for jwk in jwks)
    known = verify.Keys(jwks, [*endorsements(keys), *kept], newest)
    if older and not any(said.get("by") == newest and "back" in said for said in map(verify.unsigned, kept)):
        before = verify.Keys(jwks[1:], [*endorsements(keys), *kept], older[0])
        taken = [
            _endorsement(keys, 0, before.jwks[kid], {"is": "previous", "back": 1 - before.ranks[kid]})
            for kid in before.jwks
            if before.is_older(kid, older[0])
        ]
        known = verify.Keys(jwks, [*endorsements(keys), *kept, *taken], newest)
    return known


def all_published(store: Store, keys: Keys) -> dict[str, Any]:
    """Return every key that is believed, the configured ones first, and the endorsements between them."""
    found = believed(store, keys)
    jwks, root = [*found.jwks.values()], keys.jwks()["keys"][0]["kid"]
    return {"keys": jwks, "root": root, "endorsements": [*found.endorsements]}


def unendorsed(store: Store, keys: Keys) -> list[str]:
    """Return the names of the keys that versions without endorsements kept, and that nobody has endorsed."""
    known = believed(store, keys).jwks
    return [name for name in store.keys.unendorsed() if name not in known]


def vouch(store: Store, keys: Keys, name: str, kept: Mapping[str, Any] | None = None) -> None:
    """Have the newest configured key call a key its previous one, whose secret is gone.

    Args:
        store: where that is kept from then on.
        keys: the configured ones.
        name: of the key.
        kept: a JWK set from elsewhere that has it; if left out, what a version without endorsements kept in the store.

    Raises:
        UnknownKey: there is none of that name, or it is another key than its name says.
    """
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
    back = 1 - min(believed(store, keys).ranks.values())
    store.keys.remember([_endorsement(keys, 0, jwk, {"is": "previous", "back": back})])
