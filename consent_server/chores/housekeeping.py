"""What is done day by day beside the answering: days are sealed and stamped, what was erased goes, alarms are told."""

from __future__ import annotations

import hashlib
import logging
import random
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from functools import partial
from threading import Event

import msgspec

from ..events.webhook import SECONDS, NotTaken, Webhook, WebhookConnection
from ..proof.attested.ends import put_right
from ..proof.attested.stamps import SECONDS_A_ROUND, Authority, NotStamped, stamp
from ..proof.log import seal
from ..rates.happened.alarms import Alarm
from ..rates.happened.leaks import Leak, leaks
from ..rates.read import day_in, unusual
from ..site import ConsentError, Site
from ..store import ClocksApart, Store, StoreAway, Unreadable
from ..store.connection.away import OtherKind
from ..tokens import Keys

log = logging.getLogger(__name__)

CLAIMED, TOLD = 60, 40 * 86_400
"""Seconds for which nobody else tells an alarm: while one does, so that another will where that one is killed; then
nobody, for as long as it is looked at."""


def tell(
    store: Store, site: Site, webhook: Webhook, today: date, seconds: float = SECONDS, utc: date | None = None
) -> list[Alarm | Leak]:
    """Post each alarm of ``site`` to ``webhook`` once, whichever server sees it first; return those that were posted.

    The body is JSON: ``{site, kind, rate, day, value, low, high, text}``, of a leak ``{site, kind, leak, text}``. One
    that is not taken is posted again later. ``seconds``: for how long the receiver may take, whatever it does.
    ``today`` is the shop's, by which rates are counted; ``utc`` is that of UTC, by which leaks are, if it is another.

    Raises:
        NotTaken: one was not taken.
    """
    told: list[Alarm | Leak] = []
    failed: NotTaken | None = None
    found: list[Alarm | Leak] = [*unusual(store, site, today), *leaks(store, site, utc or today)]
    with closing(WebhookConnection(webhook, seconds)) as line:
        for alarm in found:
            if isinstance(alarm, Leak):
                name = f"leak.{hashlib.sha256(f'{alarm.kind} {alarm.name}'.encode()).hexdigest()[:16]}"
                said, event = {"kind": "leak", "leak": alarm.as_json()}, f"{name} {today}"  # another one a month later
            else:
                said, event = msgspec.to_builtins(alarm), (name := f"{alarm.kind}.{alarm.rate}.{alarm.day}")
            if not store.counters.claim_alarm(site, name, CLAIMED):
                continue
            body = msgspec.json.encode({"site": site.id, **said, "text": str(alarm)})
            try:
                line.post(f"alarm-{hashlib.sha256(f'{site.id} {event}'.encode()).hexdigest()[:32]}", body)
                told.append(alarm)
                store.counters.release_alarm(site, name, after=TOLD)
            except NotTaken as error:
                store.counters.release_alarm(site, name)
                failed = error
                if not error.about_one:
                    break
    if failed:
        raise failed
    return told


def tell_at(now: datetime, store: Store, site: Site, webhook: Webhook) -> list[Alarm | Leak]:
    """Post what there is to tell at a moment, as ``tell`` does."""
    return tell(store, site, webhook, day_in(site, now), utc=now.astimezone(UTC).date())


def clear_files(store: Store, site: Site) -> None:
    """Have what was erased leave Redis' append-only file too, or say that it is in there still."""
    try:
        store.log.rewrite(site)
    except StoreAway as error:
        log.warning(
            "what was erased at %s is still in Redis' append-only file, until the next BGREWRITEAOF: %s",
            site.id,
            error.__cause__ or error,
        )


class SteadyClock:
    """Whether a machine's clock goes on as time passes: on one machine alone Redis has the same clock, and agrees.

    A seal is never undone, so after a leap of over an hour nothing is sealed until somebody has looked at it, and
    started the process anew: one of these is enough for all that it does.
    """

    def __init__(self, now: datetime) -> None:
        self._now, self._passed = now, _passed()

    def must_be(self, now: datetime) -> None:
        """Return if about as much time has passed as the clock says.

        Raises:
            ClocksApart: the clock was put forward.
        """
        leap = now - self._now - timedelta(seconds=_passed() - self._passed)
        if leap > LEAP:
            raise ClocksApart(
                f"This machine's clock was put forward by {leap.total_seconds() / 3600:.0f} h, to {now:%Y-%m-%d %H:%M} "
                "(UTC): no day is sealed until somebody has looked. If it is right now, type: consent-server log seal, "
                "and restart the server."
            )


LEAP = timedelta(hours=1)


def _passed() -> float:
    """Return seconds that go on while the machine sleeps, whatever its clock is set to."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def close_days(
    store: Store, site: Site, keys: Keys, now: datetime, steady: SteadyClock | None = None
) -> tuple[list[date], list[str]]:
    """Seal a site's days, have what was erased go, and its log not be ahead: each whatever becomes of the others.

    ``steady``: by which nothing is sealed where the clock was put forward.

    Returns:
        The days that were sealed, and in a sentence each what could not be done.

    Raises:
        StoreAway: the store does not answer.
    """
    sealed, faults = list[date](), list[str]()

    def close() -> None:
        if steady:
            steady.must_be(now)
        sealed.extend(seal(store, site, keys, now))

    def clear() -> None:
        if store.log.compact(site):
            clear_files(store, site)

    due: dict[str, Callable[[], object]] = {
        f"{site.id} is not sealed": close,
        f"what says which days of {site.id} are sealed stays as it is": lambda: put_right(store, site, keys),
        f"what was erased at {site.id} is in Redis' memory still": clear,
        f"{site.id} takes no decision of some shoppers": lambda: store.clock.must_be_past_log(site),
    }
    for what, work in due.items():
        try:
            work()
        except ConsentError as error:  # of what somebody wrote into the store, mostly
            if isinstance(error, StoreAway) and not isinstance(error, OtherKind):
                raise
            faults.append(f"{what}: {error}")
    return sealed, faults


def work_on(
    store: Store,
    site: Site,
    keys: Keys,
    webhook: Webhook | None,
    now: datetime,
    authority: Authority | None = None,
    steady: SteadyClock | None = None,
) -> None:
    """Do what is due at a site; what cannot be done now is done another time.

    Args:
        store: where the log is.
        site: the shop.
        keys: the newest signs the seals.
        webhook: what alarms are posted to.
        now: by this machine's clock.
        authority: stamps the seals.
        steady: tells whether that clock was put forward.

    Raises:
        OtherBuckets: what is kept of the site would not be found, and its days be sealed without it.
        StoreAway: the store does not answer.
    """
    store.must_fit(site)
    for fault in close_days(store, site, keys, now, steady)[1]:
        log.error("%s", fault)
    if webhook:
        try:
            tell_at(now, store, site, webhook)
        except NotTaken as error:
            log.warning("the webhook did not take an alarm of %s: %s", site.id, error)
    if authority:
        stamp_seals(store, [site], authority)


def stamp_seals(store: Store, sites: Sequence[Site], authority: Authority) -> dict[str, list[date]]:
    """Have the seals of sites stamped, for SECONDS_A_ROUND in all, in any order: what is left comes another time.

    Returns:
        The days whose seals were stamped, by site, as far as it was its turn.

    Raises:
        StoreAway: the store does not answer.
    """
    done, until = dict[str, list[date]](), time.monotonic() + SECONDS_A_ROUND
    for site in random.sample(sites, len(sites)):  # nosec B311
        if (left := until - time.monotonic()) > 0:
            try:
                done[site.id] = stamp(store, site, authority, left)
            except (NotStamped, Unreadable, OtherKind) as error:
                log.warning("seals of %s lack a time-stamp: %s", site.id, error)
    return done


def keep(
    store: Store,
    sites: Mapping[str, Site],
    keys: Keys,
    webhooks: Mapping[str, Webhook],
    authority: Authority | None = None,
    every: float = 600,
    *,
    ending: Event,
    steady: SteadyClock | None = None,
) -> None:
    """Do what is due (``work_on``), until it is to end.

    ``webhooks``: of the sites that have one, by id; ``every``: seconds; ``steady``: from when on the clock is watched.
    """
    steady = steady or SteadyClock(datetime.now(UTC))
    while not ending.is_set():
        for site in sites.values():
            if ending.is_set():
                return
            webhook = webhooks.get(site.id)
            _try(partial(work_on, store, site, keys, webhook, datetime.now(UTC), steady=steady), site.id)
        if authority:  # at last: an authority may take its time, and nothing else waits for it
            _try(partial(stamp_seals, store, [*sites.values()], authority), "all sites")
        ending.wait(every)


def _try(work: Callable[[], object], where: str) -> None:
    """Do some work; whatever comes of it, other sites and the next day go on."""
    try:
        work()
    except ConsentError as error:
        if isinstance(error, StoreAway) and not isinstance(error, OtherKind):
            return  # it is said elsewhere, and there is a next time
        log.error("what is due at %s could not be done: %s", where, error)
    except BaseException:  # a library in Rust that panics raises no Exception
        log.exception("what is due at %s could not be done", where)
