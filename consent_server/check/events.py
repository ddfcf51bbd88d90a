"""What is wrong with webhooks: as they are configured, as they take a test event, and what waits for them."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, suppress
from datetime import UTC, datetime
from urllib.parse import urlsplit

import msgspec

from ..events.webhook import NotTaken, NoWebhookSecret, Webhook, WebhookConnection, webhooks
from ..settings.environment import Settings
from ..site import Site
from ..store import Store, StoreAway, Unreadable
from .faults import LOOPBACK, Fault

MS_TO_TELL = 15 * 60_000
"""For how long a decision may wait for its webhook until that is said."""

HOURLY = range(MS_TO_TELL, 75 * 60_000)
"""For how long one waits that an hourly command tells, as under another WSGI server: there that is as it should be."""


def configured(settings: Settings, sites: Mapping[str, Site]) -> tuple[dict[str, Webhook], list[Fault]]:
    """Return the webhooks of the sites that have one, by id, and what is wrong with how they are configured."""
    if not sites:
        return {}, []
    try:
        found = webhooks(sites, settings.webhook, settings.webhook_secret)
    except NoWebhookSecret as error:
        return {}, [Fault(str(error), "mend CONSENT_WEBHOOK_SECRET, or leave `webhook` out of consent.toml")]
    return found, [fault for name, webhook in found.items() for fault in _configured(name, webhook)]


def _configured(name: str, webhook: Webhook) -> Iterator[Fault]:
    if not webhook.secrets:
        yield Fault(
            f"{name}: the webhook at {webhook.host} is told alarms alone, as nothing signs what is posted.",
            "to have decisions posted too: export CONSENT_WEBHOOK_SECRET=whsec_$(openssl rand -base64 32), and give it "
            "to the receiver",
            grave=False,
        )
    elif urlsplit(webhook.url).scheme == "http" and webhook.host not in LOOPBACK:
        yield Fault(
            f"{name}: what the webhook at {webhook.host} is told can be read by anybody on the way.",
            "write its address with https://, and have it answer there",
            grave=False,
        )


def waiting(settings: Settings, sites: Mapping[str, Site], found: Mapping[str, Webhook]) -> Iterator[Fault]:
    """Find webhooks that do not take what was decided."""
    if settings.redis_url:
        # A Redis that is away is found elsewhere.
        with suppress(StoreAway, Unreadable), closing(Store(settings.redis_url, 2)) as store:
            for name, webhook in found.items():
                since = min(store.feed.untold(sites[name]).values(), default=None) if webhook.secrets else None
                waited = int(time.time() * 1000) - since if since else 0
                if since and waited > MS_TO_TELL:
                    at = datetime.fromtimestamp(since / 1000, UTC)
                    yield Fault(
                        f"{name}: the webhook at {webhook.host} was not told what was decided since "
                        f"{at:%Y-%m-%d %H:%M} UTC.",
                        "type: consent-server check --webhook, which says whether it takes events; what it answered is "
                        "in the log of `serve`. Under another WSGI server `consent-server log seal` tells it: run "
                        "that each hour, and it says what was answered",
                        grave=waited not in HOURLY,
                    )


def tried(sites: Iterable[str], found: Mapping[str, Webhook]) -> Iterator[str | Fault]:
    """Post a test event to the webhooks of these sites, and say of each in one sentence whether it was taken."""
    for name in sites:
        webhook = found.get(name)
        if webhook is None:
            yield Fault(f"{name} has no webhook.", f'set CONSENT_WEBHOOK, or `webhook = "https://…"` in [sites.{name}]')
            continue
        event: dict[str, object] = {
            "kind": "test",
            "allow": [],
            "at": int(time.time()),
            "jti": None,
            "sub": None,
            "site": name,
        }
        if not webhook.secrets:  # it is told alarms alone, which have a line for a chat
            event["text"] = f"{name}: this is a test of the consent server's webhook."
        with closing(WebhookConnection(webhook)) as connection:
            try:
                connection.post(f"test-{secrets.token_hex(16)}", msgspec.json.encode(event))
            except NotTaken as error:
                yield Fault(f"{name}: {error}", "have the receiver answer 200 to a POST, within 15 seconds")
            else:
                yield f"{name}: the webhook at {webhook.host} took a test event."
