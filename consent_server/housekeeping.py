"""What is done day by day beside the answering: days are sealed and stamped, what was erased goes, alarms are told."""

from __future__ import annotations

import hashlib
import logging
import threading
import time
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, date, datetime
from http.client import HTTPException

import msgspec

from .proof.entries import Unproven
from .proof.log import seal
from .proof.stamps import Authority, NotStamped, stamp
from .rates.alarms import Alarm
from .rates.leaks import Leak, leaks
from .rates.read import unusual
from .site import ConsentError, Site
from .store import ClocksApart, ForgedNotice, Store, StoreAway, Unreadable
from .tokens import Keys

SECONDS_TO_TAKE_AN_ALARM = 10

log = logging.getLogger(__name__)

_posting = threading.Lock()
"""Held while something is posted, also by a post that nobody waits for any more."""


def tell(store: Store, site: Site, webhook: str, today: date) -> list[Alarm | Leak]:
    """Post each alarm of ``site`` to ``webhook`` once, whichever server sees it first; return those that were posted.

    The body is JSON: ``{site, kind, rate, day, value, low, high, text}``, of a leak ``{site, kind, leak, text}``. One
    that is not taken is posted again later.
    """
    told: list[Alarm | Leak] = []
    found: list[Alarm | Leak] = [*unusual(store, site, today), *leaks(store, site, today)]
    for alarm in found:
        if isinstance(alarm, Leak):
            name = f"leak.{hashlib.sha256(f'{alarm.kind} {alarm.name}'.encode()).hexdigest()[:16]}"
            said = {"kind": "leak", "leak": alarm.as_json()}
        else:
            name, said = f"{alarm.kind}.{alarm.rate}.{alarm.day}", msgspec.to_builtins(alarm)
        if not store.counters.claim_alarm(site, name):
            continue
        body = msgspec.json.encode({"site": site.id, **said, "text": str(alarm)})
        post = urllib.request.Request(webhook, body, {"Content-Type": "application/json"})  # noqa: S310
        try:
            _post(post)
            told.append(alarm)
        except (OSError, HTTPException) as error:
            store.counters.release_alarm(site, name)
            log.warning("the webhook did not take an alarm of %s: %s", site.id, error)
    return told


def _post(post: urllib.request.Request) -> None:
    """Post something, and return within the time, whatever the other side does: a byte now and then ends no time-out.

    Raises:
        OSError, HTTPException: it was not taken, or not in time.
    """
    if not _posting.acquire(blocking=False):
        raise TimeoutError("it has not answered yet to what was posted before")
    failed: list[Exception] = []

    def wait_for_answer() -> None:
        try:
            # Settings take http and https only.
            with urllib.request.urlopen(post, timeout=SECONDS_TO_TAKE_AN_ALARM):  # nosec B310  # noqa: S310
                pass
        except (OSError, HTTPException, ValueError) as error:  # ValueError: where it redirects to is no address
            failed.append(error if isinstance(error, HTTPException) else OSError(str(error)))
        finally:
            _posting.release()

    thread = threading.Thread(target=wait_for_answer, name="consent webhook", daemon=True)
    thread.start()
    thread.join(SECONDS_TO_TAKE_AN_ALARM)
    if thread.is_alive():
        raise TimeoutError(f"it takes longer than {SECONDS_TO_TAKE_AN_ALARM} s")
    for error in failed:
        raise error


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


def work_on(
    store: Store, site: Site, keys: Keys, webhook: str | None, now: datetime, authority: Authority | None = None
) -> None:
    """Do what is due at a site; what cannot be done now is done another time.

    Args:
        store: where the log is.
        site: the shop.
        keys: the newest signs the seals.
        webhook: the address that alarms are posted to.
        now: by this machine's clock.
        authority: stamps the seals.

    Raises:
        StoreAway: the store does not answer.
    """
    try:
        seal(store, site, keys, now)
    except (ClocksApart, Unproven, Unreadable, ForgedNotice) as error:
        log.error("%s is not sealed: %s", site.id, error)
    if store.log.compact(site):
        clear_files(store, site)
    if webhook:
        tell(store, site, webhook, now.date())
    if authority:
        try:
            stamp(store, site, authority)
        except NotStamped as error:
            log.warning("seals of %s lack a time-stamp: %s", site.id, error)


def keep(
    store: Store,
    sites: Mapping[str, Site],
    keys: Keys,
    webhook: str | None,
    authority: Authority | None = None,
    every: float = 600,
) -> None:
    """Do what is due (``work_on``), for as long as the process lives. ``every``: seconds."""
    while True:
        for site in sites.values():
            try:
                with suppress(ConsentError):  # the store is away: it is said elsewhere, and there is a next time
                    work_on(store, site, keys, webhook, datetime.now(UTC), authority)
            except Exception:  # whatever it is, the other sites and the next day go on
                log.exception("what is due at %s could not be done", site.id)
        time.sleep(every)
