"""The weekly digest: to a real mail server and a webhook, once each, and later what was refused."""

import re
import shlex
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import jsonschema_rs
import pytest
from click.testing import CliRunner
from conftest import ROOT, SECRET, closing
from examples import example
from mail_server import NOW, WEEK, box, send, settings_with, shop, store
from receiver import Receiver

from consent_server.chores.digest.mail import MailServer
from consent_server.chores.digest.sending import must_name_sites, readers
from consent_server.chores.digest.week import last_week
from consent_server.cli.readers.digest import digest_command
from consent_server.decision import COLUMNS
from consent_server.events.webhook import Webhook
from consent_server.rates import read
from consent_server.rates.period import Period
from consent_server.settings.rows import SettingsError
from consent_server.store import Store
from consent_server.store.keys import buckets
from consent_server.web.marketer.words import LANGUAGES, Words
from consent_server.web.openapi.webhooks import WEBHOOKS

__all__ = ["box", "shop", "store"]


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


# Settings


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"CONSENT_SMTP": ""}, "CONSENT_DIGEST is set, and no mail server"),
        ({"CONSENT_SMTP_FROM": ""}, "CONSENT_SMTP is set, and nobody to send as"),
        ({"CONSENT_SMTP": "mail.shop.example"}, "CONSENT_SMTP takes a mail server such as smtp://"),
        ({"CONSENT_SMTP": "smtp://mail:none"}, "CONSENT_SMTP takes a mail server such as smtp://"),
        ({"CONSENT_SMTP": "smtp://leyla:1234#abc@mail.shop.example:587"}, "# in a password as %23"),
        ({"CONSENT_SMTP": "smtp://leyla:#@mail.shop.example"}, "# in a password as %23"),
        ({"CONSENT_SMTP": "smtp://mail.shop.example#"}, "# in a password as %23"),
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
