"""What would lose or refuse consents in the Redis that keeps them, and what its counters say that is unusual."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, suppress
from datetime import UTC, date, datetime

from ..proof.attested import restorations
from ..proof.attested.ends import unbacked, untold
from ..proof.entries import Unproven
from ..proof.seals import chain, newest
from ..rates.read import today, unusual
from ..settings.environment import Settings
from ..site import Site
from ..store import ClocksApart, ForgedNotice, OtherBuckets, Store, StoreAway, Unreadable, WrongLayout
from ..store.connection import Server, TooOld, may, reason
from ..store.connection.away import OTHER_KIND, OtherKind
from ..store.connection.clock import ahead
from ..store.connection.misfits import misfits
from ..store.connection.server import refusal
from ..store.keys import buckets, kinds
from ..tokens import Keys
from .cures import TO_BELIEVE_IT, TO_WAIT_OR_PUT_BACK, TRIED, of_number, of_seal, of_words, to_set_aside
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
            found = opened.servers()
            return [*servers(found, time.time()), *_replicas(found, settings.redis_replicas), *_rights(opened)]
    except WrongLayout as error:
        return [Fault(str(error), "install a newer version of consent-server, see docs/operating.md")]
    except OtherKind as error:
        return [_misfit(error)]
    except StoreAway as error:
        what, cure = reason(error.__cause__ or error)
        return [Fault(f"Redis is away: {what}.", cure)]


def _replicas(found: Iterable[Server], wanted: int) -> Iterator[Fault]:
    for server in found:
        if server.replicas < wanted:
            yield Fault(
                f"Redis has {server.replicas} replicas, and {wanted} are to have each decision: it takes none.",
                "start its replicas, or write a smaller number in REDIS_REPLICAS",
            )


def _rights(store: Store) -> Iterator[Fault]:
    """Find what Redis' user may not do: each is tried on a key that nobody has."""
    for without, commands in TRIED.items():
        for command in commands:
            if not may(store.connection.client, command.replace("{}", "consent:nothing")):
                word = command.split()[0]
                name = "xinfo|stream" if word == "XINFO" else word.lower()
                yield Fault(
                    f"The user of REDIS_URL may not {word}, {without.so}.",
                    f"type in redis-cli: ACL SETUSER NAME +{name}, and write it into the ACL file too",
                    without.grave,
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
    """Find rates out of their usual range, answers that stopped, who is on disk still, and seals without a stamp.

    And whatever else the server says of its store that an operator has to look at.
    """
    if settings.redis_url:
        # A Redis that is away was found by now.
        with suppress(StoreAway), closing(Store(settings.redis_url, 2)) as store:
            said = set[str]()
            wrong = misfits(store.connection.client, kinds.of_all_shops())
            steps = [map(_misfit, wrong), *(_of(store, shop, settings) for shop in sites)]
            for finding in (finding for step in steps for finding in step):
                if finding.fault not in said:  # each step says what it stumbles over
                    said.add(finding.fault)
                    yield finding


def _misfit(found: OtherKind | str) -> Fault:
    """Return the fault of a key, or of what was said of one."""
    said = str(found) if isinstance(found, OtherKind) else f"{found} holds {OTHER_KIND}"
    return Fault(said, to_set_aside(said.partition(" holds ")[0]))


def _of(store: Store, shop: Site, settings: Settings) -> Iterator[Fault]:
    """Find the same of one shop, each step whatever becomes of the others.

    Raises:
        StoreAway: the store does not answer.
    """
    try:
        store.must_fit(shop)
    except OtherBuckets as error:
        yield Fault(str(error), "write it as it was; to have another number, begin a site of a new id")
        return  # what is looked at below is somewhere else
    except OtherKind as error:
        yield _misfit(error)
    keys = Keys(settings.secret) if settings.secret else None
    steps: list[Callable[[], Iterator[Fault]]] = [
        lambda: (_misfit(key) for key in misfits(store.connection.client, kinds.of_site(shop, _utc_day(), index=True))),
        lambda: _refused(store, shop),
        lambda: _ahead(store, shop),
        lambda: _words(store, shop),
        lambda: _numbers(store, shop),
        lambda: _unfinished(store, shop, settings),
        *([lambda: _foreign(store, shop, keys), lambda: _restored(store, shop, keys)] if keys else []),
        lambda: _rates(store, shop),
    ]
    for step in steps:
        try:
            yield from step()
        except OtherKind as error:
            yield _misfit(error)
        except Unreadable as error:
            yield Fault(str(error), "find out who else writes to Redis, and take out what is not ours")
        except ForgedNotice as error:
            yield Fault(str(error), of_words(shop))


def _utc_day() -> date:
    return datetime.now(UTC).date()


def _refused(store: Store, shop: Site) -> Iterator[Fault]:
    """Find that Redis takes nothing, by a write that changes nothing."""
    if said := refusal(store.connection.client, [bucket.erasures for bucket in buckets(shop)]):
        yield Fault(f"Redis takes no decision of {shop.id}: {said[0]}.", said[1])


def _ahead(store: Store, shop: Site) -> Iterator[Fault]:
    for found in store.clock.logs_ahead(shop)[:1]:
        yield Fault(str(ahead(shop, found)), "if that is not enough, see docs/operating.md, A log ahead")


def _words(store: Store, shop: Site) -> Iterator[Fault]:
    """Find words, and time zones, that are none of ours."""
    store.zones.history(shop)
    store.notices.all(shop)
    yield from ()


def _numbers(store: Store, shop: Site) -> Iterator[Fault]:
    """Find values that have no number of ours, in whose place a row of counters would be another one's."""
    for odd in store.counters.odd_numbers(shop):
        yield Fault(f"In {odd.key} stands what this server did not write.", of_number(odd))


def _unfinished(store: Store, shop: Site, settings: Settings) -> Iterator[Fault]:
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


def _restored(store: Store, shop: Site, keys: Keys) -> Iterator[Fault]:
    for at in restorations(store, shop, keys):
        yield Fault(
            f"It is recorded that a backup of the log of {shop.id} was put back at {at:%Y-%m-%d %H:%M:%S} UTC.",
            "give the auditor an export, and erase again who was erased after that backup was made",
            grave=False,
        )


def _rates(store: Store, shop: Site) -> Iterator[Fault]:
    for alarm in unusual(store, shop, today(shop)):
        cure = f"look at the rates of {shop.id} by language and device: did a page or the banner change?"
        yield Fault(f"{shop.id}, {alarm}", cure, grave=False)


def _foreign(store: Store, shop: Site, keys: Keys) -> Iterator[Fault]:
    """Find a log that was sealed with another secret, or for days to come, and so is sealed and exported no more."""
    for fault in [*unbacked(store, shop, keys).values()][:1]:
        yield Fault(fault, f"type: consent-server log seal {shop.id}, which puts that right", grave=False)
    for fault in [*untold(store, shop, keys).values()][:1]:
        yield Fault(fault, TO_BELIEVE_IT, grave=False)
    try:
        if newest(store, shop, keys):
            store.clock.must_be_over(shop, max(store.log.seals(shop)))
    except ClocksApart as error:
        yield Fault(str(error), TO_WAIT_OR_PUT_BACK)
    except Unproven as error:
        yield Fault(str(error), of_seal(shop, error))
    try:
        chain(store, shop, keys)
    except Unproven as error:
        yield Fault(str(error), of_seal(shop, error))
