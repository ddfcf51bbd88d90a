"""A line to a receiver, as the worker that tells of decisions has it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from receiver import Receiver

from consent_server.events.webhook import Webhook, WebhookConnection
from consent_server.site import Site

SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="


@pytest.fixture
def line(receiver: Receiver, site: Site) -> Iterator[WebhookConnection]:
    made = _line(receiver.url, site)
    yield made
    made.close()


def _line(url: str, site: Site, seconds: float = 45, secrets: tuple[str, ...] = (SECRET,)) -> WebhookConnection:
    webhook = Webhook.of(site, url, secrets)
    assert webhook
    return WebhookConnection(webhook, seconds)
