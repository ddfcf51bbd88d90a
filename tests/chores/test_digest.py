"""The weekly digest: to a real mail server and a webhook, once each, and later what was refused."""

import email
import email.policy
import logging
import re
import shlex
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from unittest.mock import Mock

import jsonschema_rs
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from click.testing import CliRunner
from conftest import ROOT, SECRET, closing
from dripping import dripping
from examples import example
from receiver import Receiver, status
from test_serving import certificate

from consent_server.chores.digest import sending
from consent_server.chores.digest.mail import MailServer
from consent_server.chores.digest.sending import must_name_sites, readers, send_due
from consent_server.chores.digest.week import last_week
from consent_server.cli.readers.digest import digest_command
from consent_server.decision import COLUMNS
from consent_server.events.webhook import Webhook
from consent_server.rates import read
from consent_server.rates.period import Period
from consent_server.settings.environment import read_environment
from consent_server.settings.rows import SettingsError
from consent_server.store import Store, StoreAway
from consent_server.store.keys import buckets
from consent_server.web.marketer.words import LANGUAGES, Words
from consent_server.web.openapi.webhooks import WEBHOOKS

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


# What it says


@pytest.mark.parametrize(
    ("moment", "first"),
    [
        (datetime(2026, 3, 2, 1, 59, tzinfo=UTC), date(2026, 2, 16)),  # 5:59 on Monday in Baku
        (datetime(2026, 3, 2, 2, 0, tzinfo=UTC), date(2026, 2, 23)),
        (datetime(2026, 3, 8, 23, 0, tzinfo=UTC), date(2026, 2, 23)),
    ],
)
def test_a_week_ends_on_sunday_where_the_shop_is(shop, moment, first):
    assert last_week(shop, moment) == Period(first, first + timedelta(days=6))


def test_a_letter_says_the_numbers_of_the_report_in_text_and_html(store, shop, box):
    assert send(store, shop, settings_with(box)) == 1
    [(sender, to, letter)] = box.letters
    assert (sender, to) == ("consent@shop.example", ["leyla@shop.example"])
    words = Words.of("ru")
    assert letter["Subject"] == f"SmartMarket: согласия, {words.days(WEEK.first, WEEK.last)}"
    assert letter["Auto-Submitted"] == "auto-generated"
    total = read.report(store, shop, WEEK, "day").total
    text = letter.get_body(("plain",)).get_content()
    page = letter.get_body(("html",)).get_content()
    for part in (text, page):
        for number in (words.number(total.shown), words.percent(total.rate("reach_marketing").value)):
            assert " ".join(number.split()) in " ".join(part.split())
        assert "https://rates.shop.example/?site=smartmarket" in part
        assert "Да:" in part
    assert "<script" not in page
    assert not re.search(r"\ssrc=|url\(|<link|<img|@import", page)
    assert "<b>" not in text


def test_a_letter_in_text_says_a_name_as_it_is(store, shop, box):
    assert send(store, replace(shop, name="O'Neil & Co"), settings_with(box)) == 1
    [(_, _, letter)] = box.letters
    text = letter.get_body(("plain",)).get_content()
    assert text.startswith("O'Neil & Co:")
    assert letter["Subject"].startswith("O'Neil & Co:")
    assert "&amp;" not in text
    assert "O&#39;Neil &amp; Co" in letter.get_body(("html",)).get_content()


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_command_prints_it_in_each_language_and_sends_it_when_told_to(store, shop, box, monkeypatch, lang):
    lines = [shlex.split(line) for line in example("digest").splitlines()]
    for name, _, value in (word.partition("=") for command, *rest in lines if command == "export" for word in rest):
        monkeypatch.setenv(name, box.url if name == "CONSENT_SMTP" else value)
    monkeypatch.setenv("CONSENT_CONFIG", str(ROOT / "consent.toml"))
    monkeypatch.setenv("CONSENT_SECRET", SECRET)
    monkeypatch.setenv("REDIS_URL", store.url)
    printed = CliRunner().invoke(digest_command, ["smartmarket", "--lang", lang])
    assert printed.exit_code == 0, printed.output
    assert str(Words.of(lang)("digest_why")) in printed.stdout
    if lang == "en":
        assert lines[-1][:3] == ["consent-server", "digest", "shop"]
        lines[-1][2] = "smartmarket"
        sent = CliRunner().invoke(digest_command, lines[-1][2:])
        assert sent.exit_code == 0, sent.output
        assert [to for _, to, _ in box.letters] == [["leyla@shop.example"]]
        box.says = "554 No"
        refused = CliRunner().invoke(digest_command, lines[-1][2:])
        assert (refused.exit_code, refused.stderr) == (2, "Error: The mail server 127.0.0.1 refuses: 554 No.\n")
        odd = CliRunner().invoke(digest_command, ["smartmarket", "--to", "a\r\nBcc: b@c"])
        assert (odd.exit_code, "takes an address such as" in odd.stderr) == (2, True)
        monkeypatch.delenv("CONSENT_SMTP")
        monkeypatch.delenv("CONSENT_DIGEST")
        assert "CONSENT_SMTP is not set" in CliRunner().invoke(digest_command, lines[-1][2:]).stderr


def test_an_outage_is_told_with_its_first_and_last_day_also_where_it_is_the_last_of_the_week(store, shop, box):
    for day in (WEEK.last - timedelta(days=1), WEEK.last):
        key, row = buckets(shop)[0].count(f"{day:%Y-%m}"), (day.day - 1) * len(COLUMNS)
        bits = store.connection.client.bitfield(key).set("u32", f"#{row}", 0)
        bits.set("u32", f"#{row + COLUMNS.index('first7')}", 0).execute()
    monday = datetime(2026, 3, 2, 3, tzinfo=UTC)  # the first hours of which have had visits
    assert send(store, shop, settings_with(box), now=monday) == 1
    [(_, _, letter)] = box.letters
    words = Words.of("ru")
    told = f"{words.span(WEEK.last - timedelta(days=1), WEEK.last)}: {words('mark_silent')}"
    assert told in letter.get_body(("plain",)).get_content()


# To whom, and how often


def test_each_reader_and_the_webhook_are_sent_a_week_once(store, shop, box):
    settings = settings_with(
        box, CONSENT_DIGEST="leyla@shop.example, kitab=murad@x.example, smartmarket=ayla@x.example"
    )
    receiver = Receiver()
    webhook = Webhook(receiver.url)
    assert send(store, shop, settings, webhook) == 3
    assert send(store, shop, settings, webhook) == 0
    assert send(store, shop, settings, webhook, NOW + timedelta(days=4)) == 0
    receiver.stop()
    assert [to for _, [to], _ in box.letters] == ["leyla@shop.example", "ayla@x.example"]
    [post] = receiver.posts
    event = post.event
    content = WEBHOOKS["digest"]["post"]["requestBody"]["content"]
    jsonschema_rs.validate(content["application/json"]["schema"], event)
    assert (event["kind"], event["site"], event["from"], event["to"]) == (
        "digest",
        shop.id,
        WEEK.first.isoformat(),
        WEEK.last.isoformat(),
    )
    assert event["total"]["counts"]["shown"] == 2100
    assert event["trend"]["says"] == "up"
    assert "SmartMarket: consents from 23 Feb – 1 Mar 2026" in event["text"]
    # The next week is another letter, even of the same numbers.
    assert send(store, shop, settings, None, NOW + timedelta(days=5)) == 2


def test_a_shop_without_numbers_sends_nothing(redis_url, shop, box):
    with closing(Store(redis_url, 5)) as empty:
        assert send(empty, shop, settings_with(box)) == 0
    assert box.letters == []


# A server that does not take it


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        ({"says": "451 Try later"}, "The mail server 127.0.0.1 refuses: 451 Try later."),
        (
            {"knows": "550 <leyla@shop.example> is nobody here"},
            "The mail server 127.0.0.1 refuses: 550 <its reader> is nobody here.",
        ),
    ],
)
def test_what_a_server_refuses_is_sent_an_hour_later(store, shop, box, caplog, trouble, said):
    vars(box).update(trouble)
    assert send(store, shop, settings_with(box)) == 0
    assert caplog.messages == [f"the digest of smartmarket was not sent yet: {said}"]
    assert "leyla" not in caplog.text
    assert send(store, shop, settings_with(box)) == 0  # not at once
    assert len(caplog.messages) == 1
    [left] = ttl(store)
    assert 3000 < left <= 3600
    store.connection.client.delete(*store.connection.client.keys("consent:*:alarm:digest.*"))  # an hour passes
    vars(box).update(says="250 Taken", knows="250 Known")
    assert send(store, shop, settings_with(box)) == 1


def test_a_digest_that_was_never_made_is_due_again_in_an_hour(store, shop, box, monkeypatch):
    for error in (StoreAway("away"), KeyError("x")):
        with monkeypatch.context() as meanwhile:
            meanwhile.setattr(sending.Week, "of", Mock(side_effect=error))
            with pytest.raises(type(error)):
                send(store, shop, settings_with(box))
        assert ttl(store)[0] <= 3600
        store.connection.client.delete(*store.connection.client.keys("consent:*:alarm:digest.*"))  # an hour passes
    assert send(store, shop, settings_with(box)) == 1


def test_a_digest_on_its_way_when_the_server_ends_is_due_again_until_it_may_have_arrived(store, shop):
    known = {}

    class Watching(Mailbox):
        async def handle_RCPT(self, server, session, envelope, address, options):
            known["asked"] = ttl(store)
            return await super().handle_RCPT(server, session, envelope, address, options)

        async def handle_DATA(self, server, session, envelope):
            known["had"] = ttl(store)
            return await super().handle_DATA(server, session, envelope)

    watching = Watching()
    controller, watching.url = serving(watching)
    try:
        assert send(store, shop, settings_with(watching)) == 1
    finally:
        controller.stop()
    assert known["asked"][0] <= 3600 < 7 * 86400 < known["had"][0]


def test_a_letter_that_nobody_could_write_down_as_sent_is_not_sent(store, shop, box, monkeypatch):
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(store.counters, "release_alarm", Mock(side_effect=StoreAway("away")))
        with pytest.raises(StoreAway):
            send(store, shop, settings_with(box))
    assert box.letters == []
    assert ttl(store)[0] <= 3600


def test_what_was_refused_while_the_store_was_away_is_due_again_once_it_is_back(store, shop, box, caplog, monkeypatch):
    settings, owed, release = settings_with(box), set(), store.counters.release_alarm
    box.says = "451 Try later"

    def away(site, name, after=0):
        if after <= 3600:
            raise StoreAway("away")
        release(site, name, after)

    def again():
        return send_due(store, shop, settings, MailServer.named(settings), None, NOW, owed)

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(store.counters, "release_alarm", away)
        assert again() == 0
    assert "was not sent yet: The mail server 127.0.0.1 refuses: 451" in caplog.messages[-1]
    assert ttl(store)[0] > 7 * 86400
    assert again() == 0
    assert (owed, ttl(store)[0] <= 3600) == (set(), True)


def test_a_server_that_hangs_up_at_the_letter_has_not_had_it(store, shop, box, caplog):
    def talk(server):
        with server.accept()[0] as line, line.makefile("rb") as said:
            line.sendall(b"220 here\r\n")
            for word in said:
                if word.startswith(b"DATA"):
                    return
                line.sendall(b"250 yes\r\n")

    with socket.create_server(("127.0.0.1", 0)) as server:
        box.url = f"smtp://127.0.0.1:{server.getsockname()[1]}"
        with ThreadPoolExecutor(1) as thread:
            talked = thread.submit(talk, server)
            assert send(store, shop, settings_with(box)) == 0
            talked.result()
    assert caplog.messages[-1].startswith("the digest of smartmarket was not sent yet: ")
    assert ttl(store)[0] <= 3600


def test_a_password_that_mail_servers_are_not_told_is_named(store, shop, box, caplog):
    box.url = box.url.replace("://", "://leyla:p%C3%A4ss@")
    assert send(store, shop, settings_with(box)) == 0
    assert "p\u00e4ss" not in caplog.text
    assert caplog.messages[-1].startswith("the digest of smartmarket was not sent yet: ")
    assert ttl(store)[0] <= 3600


def test_what_may_have_arrived_is_not_sent_again(store, shop, box, caplog):
    box.says = None
    assert send(store, shop, settings_with(box)) == 0
    [line] = caplog.messages
    assert line.startswith("the digest of smartmarket was not sent: The mail server 127.0.0.1 had the letter")
    assert ttl(store)[0] > 7 * 86400


def test_a_server_that_is_away_or_silent_is_named_in_one_sentence(store, shop, box, caplog, monkeypatch):
    monkeypatch.setattr(MailServer.send, "__defaults__", (0.2, 60))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        box.url = f"smtp://127.0.0.1:{silent.getsockname()[1]}"
        assert send(store, shop, settings_with(box)) == 0
        assert caplog.messages[-1].endswith("The mail server 127.0.0.1 cannot be used: it takes too long.")
    assert send(store, shop, settings_with(box, CONSENT_DIGEST="ayla@shop.example")) == 0
    assert caplog.messages[-1].endswith("The mail server 127.0.0.1 cannot be used: Connection refused.")


GREETING, TAKEN, GO_ON = b"220 Here\r\n", b"250 Taken\r\n", b"354 Go on\r\n"
SIGNED = [GREETING, b"250-Here\r\n250 AUTH PLAIN\r\n"]


@pytest.mark.parametrize(
    ("scheme", "says", "drip", "said"),
    [
        ("smtp://", [b""], b"2", "cannot be used: it takes too long"),
        ("smtps://", [b"\x16\x03\x03\x3f\xff\x02"], b"\0", "cannot be used: it takes too long"),
        ("smtp://", [GREETING, b"250-"], b"0", "cannot be used: it takes too long"),
        ("smtp://", [GREETING, b""], b"250-Here\r\n", "cannot be used: it takes too long"),
        ("smtp://leyla:secret@", [*SIGNED, b"334 "], b"0", "cannot be used: it takes too long"),
        (
            "smtp://leyla:secret@",
            [*SIGNED, b"334 0\r\n"],
            b"0",
            "cannot be used: it asks for the password in no way that there is",
        ),
        ("smtp://", [GREETING, TAKEN, TAKEN, b""], b"2", "cannot be used: it takes too long"),
        ("smtp://", [GREETING, TAKEN, TAKEN, TAKEN, b"354"], b" ", "cannot be used: it takes too long"),
    ],
)
def test_a_mail_server_that_answers_byte_by_byte_has_no_more_time_for_that(
    store, shop, box, caplog, monkeypatch, scheme, says, drip, said
):
    monkeypatch.setattr(MailServer.send, "__defaults__", (15, 0.3))
    with dripping(*says, drip=drip) as server:
        box.url = f"{scheme}127.0.0.1:{server.port}"
        assert send(store, shop, settings_with(box)) == 0
        assert server.left.wait(45)
    assert caplog.messages == [f"the digest of smartmarket was not sent yet: The mail server 127.0.0.1 {said}."]


@pytest.mark.parametrize("drip", [b"2", b"250-Taken\r\n"])
def test_a_letter_that_a_dripping_server_has_whole_is_not_sent_again(store, shop, box, caplog, monkeypatch, drip):
    monkeypatch.setattr(MailServer.send, "__defaults__", (15, 0.3))
    with dripping(GREETING, TAKEN, TAKEN, TAKEN, GO_ON, b"", drip=drip) as server:
        box.url = f"smtp://127.0.0.1:{server.port}"
        assert send(store, shop, settings_with(box)) == 0
    assert caplog.messages[-1].endswith("and did not say whether it takes it: it takes too long.")
    assert ttl(store)[0] > 7 * 86400


def test_a_webhook_that_refuses_is_told_later_too(store, shop, box, caplog):
    receiver = Receiver(lambda post, connection: status(503))
    assert send(store, shop, settings_with(box, CONSENT_DIGEST=""), Webhook(receiver.url)) == 0
    receiver.stop()
    assert "was not sent yet: The webhook at 127.0.0.1 answers 503." in caplog.messages[0]
    assert ttl(store)[0] <= 3600


@pytest.mark.parametrize(("secrets", "is_kept_before"), [((), True), ((b"secret",), False)])
def test_a_digest_that_its_receiver_may_not_know_again_is_kept_before_it_is_posted(
    store, shop, box, secrets, is_kept_before
):
    known = []
    receiver = Receiver(lambda post, connection: known.append(ttl(store)[0]) or status(200))
    assert send(store, shop, settings_with(box, CONSENT_DIGEST=""), Webhook(receiver.url, secrets)) == 1
    receiver.stop()
    assert (known[0] > 7 * 86400) is is_kept_before
    assert ttl(store)[0] > 7 * 86400


# Passwords


class Guard:
    def __call__(self, server, session, envelope, mechanism, data):
        return AuthResult(success=(data.login, data.password) == (b"leyla", b"p@ss word"), handled=False)


def test_a_password_is_told_over_tls_or_on_this_machine_alone(store, shop, tmp_path, caplog):
    logging.getLogger("mail.log").setLevel(logging.ERROR)
    box, (cert, key) = Mailbox(), certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    options = {"authenticator": Guard(), "auth_require_tls": False}
    near, url = serving(box, **options)
    try:
        box.url = url.replace("//", "//leyla:p%40ss%20word@")
        assert send(store, shop, settings_with(box)) == 1
        box.url = url.replace("//", "//leyla:wrong@")
        assert send(store, shop, settings_with(box, CONSENT_DIGEST="ayla@shop.example")) == 0
        assert "refuses: 535" in caplog.messages[-1]
        assert "wrong" not in caplog.text
    finally:
        near.stop()
    # 127.0.0.2 is not one of the names of this machine.
    for more, said in (
        ({}, "offers no TLS, and no password is told without"),
        ({"tls_context": context}, "certificate"),
    ):
        far, url = serving(box, "127.0.0.2", **options, **more)
        try:
            box.url = url.replace("//", "//leyla:p%40ss%20word@")
            assert send(store, shop, settings_with(box, CONSENT_DIGEST=f"{len(said)}@shop.example")) == 0
            assert said in caplog.messages[-1]
        finally:
            far.stop()


# Settings


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"CONSENT_SMTP": ""}, "CONSENT_DIGEST is set, and no mail server"),
        ({"CONSENT_SMTP_FROM": ""}, "CONSENT_SMTP is set, and nobody to send as"),
        ({"CONSENT_SMTP": "mail.shop.example"}, "CONSENT_SMTP takes a mail server such as smtp://"),
        ({"CONSENT_SMTP": "smtp://mail:none"}, "CONSENT_SMTP takes a mail server such as smtp://"),
        ({"CONSENT_SMTP_FROM": "leyla"}, "CONSENT_SMTP_FROM is 'leyla' but takes an address"),
        ({"CONSENT_DIGEST": "leyla"}, "CONSENT_DIGEST is 'leyla' but takes an address"),
        ({"CONSENT_DIGEST": "Ki tab=a@b.c"}, "of one site alone after its id and ="),
        ({"CONSENT_DIGEST": "kitab=a@b.c"}, "a reader of 'kitab', which is no site; there are smartmarket."),
    ],
)
def test_a_wrong_setting_is_refused_in_one_sentence(box, site, environ, said):
    def start():
        settings = settings_with(box, **environ)
        MailServer.named(settings)
        must_name_sites({site.id: site}, settings.digest)

    with pytest.raises(SettingsError, match=re.escape(said)):
        start()


def test_a_reader_of_one_site_reads_no_other(site):
    assert readers(site, ("a@b.c", "kitab=d@e.f", "smartmarket=g@h.i", "a@b.c")) == ["a@b.c", "g@h.i"]
