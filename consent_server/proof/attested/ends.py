"""Which days are over for good: by their seals, whatever somebody has written into the store without one."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from itertools import chain
from typing import NamedTuple

from ... import verify
from ...site import Site
from ...store import Store, Unreadable
from ...store.connection.away import OTHER_KIND, OtherKind
from ...store.connection.misfits import misfits
from ...store.keys import DAY, kinds, midnight
from ...tokens import Keys
from ..entries import Unproven
from ..keys import believed
from ..seals import read_seal

log = logging.getLogger(__name__)


def is_sealed(store: Store, site: Site, keys: Keys, end: int) -> bool:
    """Return whether the day that ends then (ms since 1970) has a seal by a key of today, or one that these lead to.

    Also False where that cannot be told: who writes into the store that a day is sealed has to bring the seal.
    """
    return _verdicts(store, site, keys, {end})[end] is True


def unbacked(store: Store, site: Site, keys: Keys) -> dict[str, str]:
    """Return by key, in a sentence each, what says of days to come that they are sealed, where no seal does.

    It counts for nothing, and ``put_right`` writes it anew.
    """
    return _judged(store, site, keys).unbacked


def untold(store: Store, site: Site, keys: Keys) -> dict[str, str]:
    """Return likewise what today's keys cannot tell of: it counts for nothing, and stays as it is."""
    return _judged(store, site, keys).untold


class _Judged(NamedTuple):
    """What says of days to come that they are sealed: a sentence by key."""

    unbacked: dict[str, str]
    untold: dict[str, str]


def _judged(store: Store, site: Site, keys: Keys) -> _Judged:
    ends, found = store.clock.ends_ahead(site), _Judged({}, {})
    verdicts = _verdicts(store, site, keys, {*ends.values()}) if ends else {}
    for name, end in ends.items():
        said = f"{name} says that the days of {site.id} are sealed up to "
        said += f"{_ends_then(end) if end else 'one that there is not'}, and "
        if verdicts[end] is False:
            found.unbacked[name] = f"{said}no seal says so: somebody else wrote that, and it counts for nothing."
        elif verdicts[end] is None:
            found.untold[name] = f"{said}no key of today can tell whether a seal says so: it is left as it is."
    return found


def _verdicts(store: Store, site: Site, keys: Keys, ends: Set[int]) -> dict[int, bool | None]:
    """Return of each end whether a seal says so; None where that cannot be told, as the key that made it is unknown."""
    try:
        seals = store.log.seals(site)
        known = believed(store, keys, seals)
    except (Unreadable, OtherKind):
        return dict.fromkeys(ends)
    return {end: _verdict(site, seals, known, end) for end in ends}


def _verdict(site: Site, seals: Mapping[date, str], known: verify.Keys, end: int) -> bool | None:
    day = _ends_then(end)
    if midnight(day) + DAY != end or day not in seals:
        return False
    try:
        read_seal(site.id, day, seals[day], known)
    except Unproven:
        kid = verify.unsigned(seals[day]).get("kid")
        return False if isinstance(kid, str) and kid in known.jwks else None
    return True


def put_right(store: Store, site: Site, keys: Keys) -> None:
    """Write anew what says of days to come that they are sealed, where no seal does: up to which day one says so."""
    if wrong := unbacked(store, site, keys):
        end = _last_end(store, site, keys)
        for name in wrong:
            store.clock.put_right(name, end)
        store.glance.forget()
        log.warning("%s It is put right, as %d in all.", next(iter(wrong.values())), len(wrong))


def not_ours(store: Store, sites: Iterable[Site], keys: Keys) -> list[str]:
    """Return in a sentence each what somebody else wrote into the store that is seen at a glance, and what to type.

    As it was a minute ago at the most: anybody may ask, and there are hundreds of keys to look at.
    """
    return store.glance.of(lambda: _not_ours(store, [*sites], keys))


def _not_ours(store: Store, sites: Sequence[Site], keys: Keys) -> Iterator[str]:
    for site in sites:
        judged = _judged(store, site, keys)
        for fault in [*judged.unbacked.values()][:1]:
            yield f"{fault.rstrip('.')}; type: consent-server log seal {site.id}"
        for fault in [*judged.untold.values()][:1]:
            yield f"{fault.rstrip('.')}; type: consent-server check"
    today = datetime.now(UTC).date()
    of_sites = (kinds.of_site(site, today, index=False) for site in sites)
    wrong = misfits(store.connection.client, chain(kinds.of_all_shops(), *of_sites))
    yield from (f"{key} holds {OTHER_KIND.rstrip('.')}; type: consent-server check" for key in wrong)


def _last_end(store: Store, site: Site, keys: Keys) -> int:
    """Return the end (ms since 1970) of the last day with a seal that is proven; 0 if none has one."""
    with suppress(Unreadable, OtherKind):
        seals = store.log.seals(site)
        known = believed(store, keys, seals)
        for day in reversed(seals):
            with suppress(Unproven):
                read_seal(site.id, day, seals[day], known)
                return midnight(day) + DAY
    return 0


def _ends_then(end: int) -> date:
    """Return the day that ends then (ms since 1970)."""
    return (datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=end - 1)).date()
