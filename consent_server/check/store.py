"""What would lose or refuse consents in the Redis that keeps them, and what its counters say that is unusual."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress

from ..proof.attested import restorations
from ..proof.entries import Unproven
from ..proof.seals import newest
from ..rates.read import today, unusual
from ..settings.environment import Settings
from ..site import Site
from ..store import ClocksApart, OtherBuckets, Store, StoreAway, Unreadable, WrongLayout
from ..store.connection import Server, TooOld, may, reason
from ..store.connection.away import OtherKind
from ..store.connection.clock import ahead
from ..tokens import Keys
from .faults import Fault

SECONDS_APART = 2.0
"""How far the clocks of server and Redis may lie apart: days and expiries are cut by the one, kept by the other."""


def storage(settings: Settings) -> list[Fault]:
    """Find what is wrong with Redis, or with the folder of the embedded one."""
    if settings.redis_url is None:
        here = next(
            folder for folder in (settings.data.absolute(), *settings.data.absolute().parents) if folder.exists()
        )
        if here.is_dir() and os.access(here, os.W_OK):
            return []
        return [Fault(f"The data folder {settings.data} cannot be written.", "name another in CONSENT_DATA")]
    try:
        with closing(Store(settings.redis_url, 2)) as opened:
            opened.must_be_known()  # nothing is written: a server of the version before may run
            return [*servers(opened.servers(), time.time()), *_rights(opened)]
    except WrongLayout as error:
        return [Fault(str(error), "install a newer version of consent-server, see docs/operating.md")]
    except StoreAway as error:
        what, cure = reason(error.__cause__ or error)
        return [Fault(f"Redis is away: {what}.", cure)]


def _rights(store: Store) -> Iterator[Fault]:
    """Find what Redis' user may not do, of what versions before did not do: each is tried on a key that nobody has."""
    for command in ("ZADD consent:nothing XX 0 nothing", "ZREM consent:nothing nothing"):
        word = command.split()[0]
        if not may(store.connection.client, command):
            yield Fault(
                f"The user of REDIS_URL may not {word}, so nobody can be erased and nothing be archived.",
                f"type in redis-cli: ACL SETUSER NAME +{word.lower()}, and write it into the ACL file too",
            )


def servers(found: Iterable[Server], now: float) -> Iterator[Fault]:
    """Find what would lose or refuse consents in the Redis servers that keep them; ``now`` in seconds."""
    for server in found:
        try:
            server.must_be_supported()
        except TooOld as error:
            yield Fault(str(error), "install Redis 7 or Valkey 8, or leave REDIS_URL out for the one that comes along")
        yield from (Fault(what, cure) for what, cure in server.faults())
        if abs(server.clock - now) > SECONDS_APART:
            yield Fault(
                f"The clocks of this machine and of Redis are {abs(server.clock - now):.0f} s apart.",
                "type on both: timedatectl set-ntp true",
            )


def alarms(settings: Settings, sites: Iterable[Site]) -> Iterator[Fault]:
    """Find rates out of their usual range, answers that stopped, who is on disk still, and seals without a stamp."""
    if settings.redis_url:
        # A Redis that is away was found by now.
        with suppress(StoreAway), closing(Store(settings.redis_url, 2)) as store:
            for shop in sites:
                try:
                    yield from _of(store, shop, settings)
                except OtherBuckets as error:
                    yield Fault(str(error), "write it as it was; to have another number, begin a site of a new id")
                except (Unreadable, OtherKind) as error:
                    yield Fault(str(error), "find out who else writes to Redis, and take out what is not ours")


def _of(store: Store, shop: Site, settings: Settings) -> Iterator[Fault]:
    """Find the same of one shop.

    Raises:
        OtherBuckets: its data would not be found.
        Unreadable: what stands there is none of ours.
    """
    store.must_fit(shop)
    for found in store.clock.logs_ahead(shop)[:1]:
        yield Fault(str(ahead(shop, found)), "if that is not enough, see docs/operating.md, A log ahead")
    if store.log.is_rewrite_due(shop):
        yield Fault(
            f"Somebody was erased at {shop.id} and is in Redis' append-only file still.",
            "let the server's user do +bgrewriteaof: `serve` does so within ten minutes, under another WSGI server the "
            "next `consent-server log seal`; or type: redis-cli bgrewriteaof",
            grave=False,
        )
    lacking = {*store.log.seals(shop)} - {*store.attestations.stamps(shop)} if settings.tsa else ()
    if lacking:
        yield Fault(
            f"{len(lacking)} seals of {shop.id} lack a time-stamp of CONSENT_TSA.",
            f"type: consent-server log seal {shop.id}, which says why if it stays so",
            grave=False,
        )
    if settings.secret:
        yield from _foreign(store, shop, Keys(settings.secret))
    for at in restorations(store, shop, Keys(settings.secret)) if settings.secret else ():
        yield Fault(
            f"It is recorded that a backup of the log of {shop.id} was put back at {at:%Y-%m-%d %H:%M:%S} UTC.",
            "give the auditor an export, and erase again who was erased after that backup was made",
            grave=False,
        )
    for alarm in unusual(store, shop, today(shop)):
        cure = f"look at the rates of {shop.id} by language and device: did a page or the banner change?"
        yield Fault(f"{shop.id}, {alarm}", cure, grave=False)


def _foreign(store: Store, shop: Site, keys: Keys) -> Iterator[Fault]:
    """Find a log that was sealed with another secret, or for days to come, and so is sealed and exported no more."""
    try:
        if newest(store, shop, keys):
            store.clock.must_be_over(shop, max(store.log.seals(shop)))
    except ClocksApart as error:
        yield Fault(str(error), "put back the backup from before, see docs/operating.md, A log ahead")
    except (Unproven, Unreadable) as error:
        yield Fault(
            str(error),
            "put the secret that it was sealed with behind today's in CONSENT_SECRET, with a comma between; if that is "
            "lost, type: consent-server keys vouch KID --keys FILE, with a keys.json that was kept elsewhere",
        )
