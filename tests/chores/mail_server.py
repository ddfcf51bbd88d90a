"""A mail server that keeps what it gets, and a shop whose digest it is sent."""

import email
import email.policy
import socket
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from aiosmtpd.controller import Controller
from conftest import closing

from consent_server.chores.digest.mail import MailServer
from consent_server.chores.digest.sending import send_due
from consent_server.decision import COLUMNS
from consent_server.rates.period import Period
from consent_server.settings.environment import read_environment
from consent_server.store import Store
from consent_server.store.keys import buckets

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
WEEK = Period(date(2026, 2, 23), date(2026, 3, 1))


class Mailbox:
    """What a mail server was handed; ``says`` is what it answers to a letter, ``knows`` to an address."""

    def __init__(self):
        self.letters, self.says, self.knows = [], "250 Taken", "250 Known"

    async def handle_RCPT(self, server, session, envelope, address, options):
        if self.knows.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.knows

    async def handle_DATA(self, server, session, envelope):
        if self.says is None:
            server.transport.abort()
            return ""
        if self.says.startswith("250"):
            letter = email.message_from_bytes(envelope.content, policy=email.policy.default)
            self.letters.append((envelope.mail_from, envelope.rcpt_tos, letter))
        return self.says


def serving(box, host="127.0.0.1", **options):
    """Serve a mailbox by SMTP on a free port."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        port = probe.getsockname()[1]
    controller = Controller(box, hostname=host, port=port, **options)
    controller.start()
    return controller, f"smtp://{host}:{port}"


@pytest.fixture
def box():
    mailbox = Mailbox()
    controller, mailbox.url = serving(mailbox)
    yield mailbox
    controller.stop()


@pytest.fixture
def shop(site):
    return replace(site, timezone="Asia/Baku", languages=("ru", "az"))


@pytest.fixture
def store(redis_url, shop):
    """Two weeks: in the first half of the visits allow marketing, in the second two thirds."""
    with closing(Store(redis_url, 5)) as opened:
        for n in range(1, 17):
            day = NOW.date() - timedelta(days=n)
            key, row = buckets(shop)[0].count(f"{day:%Y-%m}"), (day.day - 1) * len(COLUMNS)
            bits = opened.connection.client.bitfield(key).set("u32", f"#{row}", 300)
            accepted = 200 if day >= WEEK.first else 150
            bits.set("u32", f"#{row + COLUMNS.index('first7')}", accepted).execute()
        yield opened


def settings_with(box, **environ):
    """Return settings of an environment that names this mailbox."""
    said = {
        "CONSENT_SMTP": box.url,
        "CONSENT_SMTP_FROM": "consent@shop.example",
        "CONSENT_DIGEST": "leyla@shop.example",
    }
    return read_environment({**said, "CONSENT_MARKETERS": "rates.shop.example", **environ})


def send(store, shop, settings, webhook=None, now=NOW):
    return send_due(store, shop, settings, MailServer.named(settings), webhook, now)


def ttl(store) -> list[int]:
    """Return for how many seconds more each digest counts as sent."""
    client = store.connection.client
    return [client.ttl(key) for key in client.keys("consent:*:alarm:digest.*")]
