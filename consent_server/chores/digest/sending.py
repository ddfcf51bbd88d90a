"""Sends the digest of each week once to each of those who get it, whichever server is the first; what failed, later."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, partial
from threading import Event

import msgspec

from ...events.webhook import NotTaken, Webhook, WebhookConnection
from ...rates import read
from ...settings.environment import Settings
from ...settings.rows import SettingsError
from ...site import ConsentError, Site
from ...store import Store, StoreAway
from .letter import Letter
from .mail import MailServer, NotSent
from .week import Week, last_week

KEPT = 40 * 86400
"""Seconds for which it is known who was sent a week."""

AGAIN = 3600
"""Seconds until a digest that was not taken is sent again."""

log = logging.getLogger(__name__)


def readers(site: Site, listed: Sequence[str]) -> list[str]:
    """Return who gets the digest of a site, of addresses as ``CONSENT_DIGEST`` lists them."""
    pairs = [each.rpartition("=") for each in listed]
    return [*dict.fromkeys(address for of, _, address in pairs if of in ("", site.id))]


def must_name_sites(sites: Mapping[str, Site], listed: Sequence[str]) -> None:
    """Return if each reader of one site alone reads one that there is.

    Raises:
        SettingsError: one does not.
    """
    for name in (each.rpartition("=")[0] for each in listed):
        if name and name not in sites:
            raise SettingsError(
                f"CONSENT_DIGEST has a reader of {name!r}, which is no site; there are {', '.join(sites)}.",
                "CONSENT_DIGEST",
            )


def page_of(site: Site, settings: Settings) -> str | None:
    """Return the address of the marketers' page of a site, as far as the environment says where it is."""
    if settings.marketers in (None, "none"):
        return None
    return f"https://{settings.marketers}{settings.prefix}/?site={site.id}"


@dataclass(frozen=True)
class Digest:
    """The digest of one site and week."""

    store: Store
    site: Site
    settings: Settings
    now: datetime

    @cached_property
    def week(self) -> Week:
        """The week that is over."""
        return Week.of(self.store, self.site, last_week(self.site, self.now), read.day_in(self.site, self.now))

    def letter(self, lang: str | None = None) -> Letter:
        """Return it as a letter."""
        return Letter.of(self.week, page_of(self.site, self.settings), lang)

    @property
    def name(self) -> str:
        """What names it at each attempt."""
        return f"{self.site.id} {last_week(self.site, self.now).first}"

    def event(self) -> bytes:
        """Return it as JSON for a webhook: the report by day, ``kind`` and ``text``, which is in English."""
        return msgspec.json.encode({**self.week.report.as_json(), "kind": "digest", "text": self.letter("en").text})


def send_due(
    store: Store,
    site: Site,
    settings: Settings,
    mail: MailServer | None,
    webhook: Webhook | None,
    now: datetime,
    owed: set[tuple[str, str]] | None = None,
) -> int:
    """Send what nobody was sent yet of the last week, and return to how many.

    Args:
        store: where the numbers are, and who was sent them.
        site: the shop.
        settings: who gets it, and where the marketers' page is.
        mail: takes the letters.
        webhook: takes the event.
        now: by this machine's clock.
        owed: what was refused while the store was away, by site and claim: it is due again, and the next call says so.

    Raises:
        StoreAway: the store does not answer.
    """
    digest, sent, owed = Digest(store, site, settings, now), 0, set() if owed is None else owed
    for due in [each for each in owed if each[0] == site.id]:
        store.counters.release_alarm(site, due[1], after=AGAIN)
        owed.discard(due)
    to = readers(site, settings.digest) if mail else []
    for address in [*to, *([None] if webhook else [])]:
        who = hashlib.sha256(address.encode()).hexdigest()[:16] if address else "webhook"
        claim = f"digest.{last_week(site, now).first}.{who}"
        if not store.counters.claim_alarm(site, claim, AGAIN):  # lapses by itself, should this end before it is sent
            continue
        keep = partial(store.counters.release_alarm, site, claim, after=KEPT)
        if not digest.week.is_worth_telling:
            keep()
            continue
        try:
            _send(digest, mail, webhook, address, keep)
            sent += 1
        except (NotSent, NotTaken) as error:
            # What may have arrived is not sent again: nobody gets a week twice.
            perhaps = isinstance(error, NotSent) and error.perhaps
            if not perhaps:
                try:
                    store.counters.release_alarm(site, claim, after=AGAIN)
                except StoreAway:
                    owed.add((site.id, claim))
            why = str(error).replace(address, "its reader") if address else error  # servers say whom they refuse
            log.warning("the digest of %s was not sent%s: %s", site.id, "" if perhaps else " yet", why)
    return sent


def _send(
    digest: Digest, mail: MailServer | None, webhook: Webhook | None, address: str | None, keep: Callable[[], None]
) -> None:
    """Send a digest to a reader, or without an ``address`` to the webhook; ``keep`` is called once it may have arrived.

    Raises:
        NotSent, NotTaken: it did not arrive, or that is not known.
    """
    if address and mail:
        mail.send(digest.letter().message(mail.sender, address, digest.name), before_it_may_arrive=keep)
    elif webhook:
        event = digest.event()
        if not webhook.secrets:
            keep()  # whoever checks no signature may not know it again by its name
        with closing(WebhookConnection(webhook)) as connection:
            connection.post(f"digest-{hashlib.sha256(digest.name.encode()).hexdigest()[:32]}", event)
        keep()  # posted once more it would have the same name


def keep_sending(
    store: Store,
    sites: Mapping[str, Site],
    settings: Settings,
    mail: MailServer | None,
    webhooks: Mapping[str, Webhook],
    every: float = 600,
    *,
    ending: Event,
) -> None:
    """Send each week's digest, until it is to end. ``every``: seconds between two looks."""
    owed: set[tuple[str, str]] = set()
    while not ending.is_set():
        for site in sites.values():
            if ending.is_set():
                return
            try:
                with suppress(StoreAway):  # it is said elsewhere, and there is a next time
                    send_due(store, site, settings, mail, webhooks.get(site.id), datetime.now(UTC), owed)
            except ConsentError as error:
                log.error("the digest of %s could not be made: %s", site.id, error)
            except Exception:  # whatever it is, the other sites and the next week go on
                log.exception("the digest of %s could not be made", site.id)
        ending.wait(every)
