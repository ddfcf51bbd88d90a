"""Which days are over for good: by their seals, whatever somebody has written into the store without one."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta

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
    try:
        seals, day = store.log.seals(site), _ends_then(end)
        if midnight(day) + DAY != end or day not in seals:
            return False
        read_seal(site.id, day, seals[day], believed(store, keys, seals))
    except (Unproven, Unreadable, OtherKind):
        return False
    return True


def unbacked(store: Store, site: Site, keys: Keys) -> dict[str, str]:
    """Return by key, in a sentence each, what says of days to come that they are sealed, where no seal does.

    It counts for nothing, and ``put_right`` writes it anew.
    """
    return {
        name: f"{name} says that the days of {site.id} are sealed up to "
        f"{_ends_then(end) if end else 'one that there is not'}, and no seal says so: somebody else wrote that, and it "
        "counts for nothing."
        for name, end in store.clock.ends_ahead(site).items()
        if not is_sealed(store, site, keys, end)
    }


def put_right(store: Store, site: Site, keys: Keys) -> None:
    """Write anew what says of days to come that they are sealed, where no seal does: up to which day one says so."""
    if wrong := unbacked(store, site, keys):
        end = _last_end(store, site, keys)
        for name in wrong:
            store.clock.put_right(name, end)
        log.warning("%s It is put right, as %d in all.", next(iter(wrong.values())), len(wrong))


def not_ours(store: Store, sites: Iterable[Site], keys: Keys) -> Iterator[str]:
    """Yield in a sentence each what somebody else wrote into the store that is seen at a glance, and what to type."""
    today = datetime.now(UTC).date()
    wrong = misfits(store.connection.client, kinds.of_all_shops())
    for site in sites:
        wrong += misfits(store.connection.client, [*kinds.of_site(site, today, index=False)])
        for fault in [*unbacked(store, site, keys).values()][:1]:
            yield f"{fault.rstrip('.')}; type: consent-server log seal {site.id}"
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
