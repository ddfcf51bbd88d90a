"""How much the rates page weighs for a shop with a past, counted on every day of it."""

from __future__ import annotations

import gzip
import random
import re
from datetime import timedelta

import pytest
from forms import form_word
from three_answers import TODAY, three_answers

from consent_server.decision import COLUMNS, DEVICES, HOW, SIGNAL
from consent_server.store import SEPARATOR
from consent_server.store.counters import Counters
from consent_server.web.marketer.words import LANGUAGES

COUNTRIES = ("AZ", "TR", "RU", "GE", "DE", "US", "GB", "UA", "KZ", "IR", "AE", "FR")
PARTS = [SEPARATOR.join((lang, "", device)) for lang in LANGUAGES for device in DEVICES]
VALUES = {
    "day": [""],
    "language": LANGUAGES,
    "variant": [""],
    "device": DEVICES,
    "country": COUNTRIES,
    "how": HOW,
    "parts": PARTS,
}


@pytest.fixture
def busy_for_years(monkeypatch):
    """A shop that was asked, answered and changed its mind in every way on every day, as the counters would say it."""

    chance = random.Random(16)
    rows = [(chance.randint(900, 9999), *(chance.randint(9, 99) for _ in COLUMNS[1:])) for _ in range(199)]
    signalled = [(row[0] // 9, *(0 for _ in COLUMNS[1:])) for row in rows]

    def daily(counters, site, first, last, by):
        start = first.toordinal()
        found = {}
        for n, value in enumerate(VALUES.get(by, [])):
            of = signalled if value == SIGNAL else rows
            found[value] = [of[(day * 7 + n * 31) % len(of)] for day in range(start, last.toordinal() + 1)]
        return found

    monkeypatch.setattr(Counters, "daily", daily)


@pytest.mark.parametrize(("lang", "days"), [("ru", 365), ("az", 1826)])
@pytest.mark.usefixtures("busy_for_years")
def test_the_first_paint_of_a_shop_with_a_past_takes_under_100_kilobytes(marketer, lang, days):
    takes = {"Accept-Encoding": "gzip, deflate, br"}
    page = marketer.get(f"/?lang={lang}&from={TODAY - timedelta(days=days - 1)}", headers=takes)
    assert page.status_code == 200
    assert page.headers["Content-Encoding"] == "gzip"
    assert {"Accept-Encoding", "Cookie"} <= {*page.vary}
    text = gzip.decompress(page.data).decode()
    assert "</html>" in text
    assets = [marketer.get(path, headers=takes).data for path in re.findall(r'(?:href|src)="(/assets/[^"]+)', text)]
    assert len(assets) == 2
    assert len(page.data) + sum(map(len, assets)) < 60_000


def test_who_takes_no_gzip_gets_a_page_as_it_is_and_no_two_pages_have_the_same_secret(marketer, shopper):
    three_answers(shopper)
    words = [form_word(marketer.get("/").text) for _ in range(3)]
    assert len({*words}) == 3
    assert "Content-Encoding" not in marketer.get("/", headers={"Accept-Encoding": "gzip;q=0"}).headers
    for word, status in ((words[0], 303), (words[0][::-1], 403), (words[0][:64], 403), ("", 403)):
        assert (
            marketer.post(
                "/notes", data={"form": word, "site": "smartmarket", "asked": "", "day": f"{TODAY}", "text": "x"}
            ).status_code
            == status
        )
