"""Which public keys are believed, and why: those of the configured secrets, and those that an endorsement leads to."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from .. import verify
from ..site import ConsentError
from ..store import Store
from ..tokens import Keys, token


class UnknownKey(ConsentError):
    """No key of that name is waiting to be vouched for."""

    problem = "unknown-key"


def endorsements(keys: Keys) -> list[str]:
    """Return what the keys of the configured secrets sign of each other: who is the next one, and who the previous."""
    jwks = keys.jwks()["keys"]
    texts = []
    for newer, older in pairwise(range(len(jwks))):
        texts.append(_endorsement(keys, older, jwks[newer], "next"))
        texts.append(_endorsement(keys, newer, jwks[older], "previous"))
    return texts


def _endorsement(keys: Keys, by: int, jwk: dict[str, Any], way: str) -> str:
    signer = keys.jwks()["keys"][by]["kid"]
    content = {"typ": "key", "by": signer, "kid": jwk["kid"], "x": jwk["x"], "is": way}
    return token(content, keys.sign(content, by))


def published(keys: Keys) -> dict[str, Any]:
    """Return the configured public keys, newest first, and what they sign of each other."""
    return {**keys.jwks(), "endorsements": endorsements(keys)}


def believed(store: Store, keys: Keys) -> verify.Keys:
    """Return the keys that are believed: those of the configured secrets, and whatever these lead to.

    What is in the store is believed of nobody: a key that somebody wrote there leads nowhere.
    """
    return verify.Keys(keys.jwks()["keys"], [*endorsements(keys), *store.keys.endorsements()])


def all_published(store: Store, keys: Keys) -> dict[str, Any]:
    """Return every key that is believed, the configured ones first, and the endorsements between them."""
    found = believed(store, keys)
    return {"keys": [*found.jwks.values()], "endorsements": [*found.endorsements]}


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
        jwk = verify.Keys(kept["keys"], kept.get("endorsements", ())).jwks.get(name)
    try:  # once endorsed it is everybody's, so it has to be a key in every way
        fits = name in verify.Keys([jwk]).jwks
    except verify.NoKeys:
        fits = False
    if not fits:
        where = "The store holds" if kept is None else "That file holds"
        raise UnknownKey(f"{where} no public key that is {name!r}.")
    store.keys.remember([_endorsement(keys, 0, jwk, "previous")])
