"""What consent.toml says: whose something is, how long it lives, what may be asked; and what gives a number on."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from consent_server.audit.findings import Finding, Judge
from consent_server.audit.hosts import host_of
from consent_server.audit.lives import in_days, seconds_of
from consent_server.audit.observed import Observed, Sighting
from consent_server.audit.report import Report
from consent_server.audit.run import _site_at
from consent_server.catalogue import for_site
from consent_server.catalogue.ours import PURPOSE
from consent_server.catalogue.reading import SECONDS
from consent_server.catalogue.spans import count
from consent_server.check.page import compared
from consent_server.net.set_cookie import parse_set_cookie
from consent_server.settings.shops import make_site
from consent_server.site import Cookie, Site

SHOP = "https://shop.example"
TESTS = "http://127.0.0.1:8080"
DAY = 86400.0


def site(origin: str = SHOP, **changes: Any) -> Site:
    made = make_site("shop", "Shop", (origin,), f"{SHOP}/privacy", date(2025, 12, 20))
    return replace(made, **changes)


def listed(name: str, **life: str) -> Cookie:
    return Cookie(name, "Shop", {"en": "What for"}, life or {"en": "1 year"})


def seen(kind: str, name: str, host: str = "shop.example", page: str = f"{SHOP}/", **rest: Any) -> Sighting:
    return Sighting(kind, name, host, page, page, 1.0, **rest)


def asked(url: str, **rest: Any) -> Sighting:
    return seen("request", url.partition("?")[0], host_of(url), url=url, **rest)


def judged(of: Site, *sightings: Sighting, shop: str = "shop.example", state: str = "before", **rest: Any) -> list[str]:
    found: list[Finding] = Judge(shop, of, [Observed(state, [*sightings], **rest)]).findings()
    return [each.name for each in found]


@pytest.mark.parametrize("at", [TESTS, "http://shop.test", SHOP])
def test_what_the_shop_needs_is_its_own_at_whatever_address_it_is_audited(at: str) -> None:
    of = site(test_origins=(TESTS,), cookies={"necessary": (listed("basket"),), "analytics": (listed("_t"),)})
    own = [seen("cookie", "basket", at.partition("//")[2], at), seen("local-storage", "basket", host_of(at), at)]
    assert judged(of, *own, seen("cookie", "_t", host_of(at), at), shop=host_of(at)) == ["_t"]
    assert judged(of, seen("cookie", "basket", "t.example", at), shop=host_of(at)) == ["basket"]


def test_a_shop_is_known_by_the_addresses_for_its_tests() -> None:
    of = site(test_origins=(TESTS,))
    assert _site_at([f"{TESTS}/goods"], [of]) is of
    assert _site_at(["http://127.0.0.1:8081/"], [of]) is None


def test_our_cookie_for_a_whole_domain_is_ours_on_localhost_too() -> None:
    at = "http://www.shop.localhost:8000"
    of = site(at, cookie_domain="shop.localhost", cookies={"necessary": (listed("basket"),)})
    mine = [seen("cookie", name, "shop.localhost", f"{at}/") for name in ("consent", "basket")]
    assert judged(of, *mine, shop=host_of(at)) == []
    assert judged(of, seen("cookie", "consent", "other.localhost", f"{at}/"), shop=host_of(at)) == ["consent"]


@pytest.mark.parametrize(
    "words",
    ["session", "Session", "sessiya", "сессия", "oturum", "until the browser is closed", "до закрытия браузера"],
)
def test_a_life_that_ends_with_the_browser_is_read_however_it_is_written(words: str) -> None:
    assert seconds_of(words) == 0


@pytest.mark.parametrize(
    ("words", "seconds"),
    [
        *(("a year", 366 * DAY), ("1 Year", 366 * DAY), ("30 minutes", 1800), ("for ever", None)),
        *(("1 month", 31 * DAY), ("1 minute", 60), ("1.5 years", 549 * DAY), ("up to 13 months", 403 * DAY)),
        *(("1 месяц", 31 * DAY), ("3 месяца", 93 * DAY), ("2 часа", 7200), ("5 недель", 35 * DAY)),
        *(("до 2 лет", 732 * DAY), ("bis zu 13 Monaten", 403 * DAY), ("ein Jahr", 366 * DAY), ("13 mois", 403 * DAY)),
        *(("2 años", 732 * DAY), ("do 2 let", 732 * DAY), ("3 か月", 93 * DAY), ("۱۳ ماه", 403 * DAY)),
        *(("1 year 1 month 4 days", 401 * DAY), ("1 an et 1 mois", 397 * DAY), ("30 min", 1800)),
        *(("2 years (rolling)", 732 * DAY), ("1,000 days", None), ("every 2 days", None), ("2 days for ever", None)),
        ("30 minutes after the last visit", None),
    ],
)
def test_a_life_is_read_in_seconds(words: str, seconds: float | None) -> None:
    assert seconds_of(words) == seconds


def test_a_life_is_read_in_every_language_of_the_banner_as_that_writes_it() -> None:
    for lang in PURPOSE:
        for many, unit in ((1, "hour"), (2, "week"), (5, "month"), (13, "month"), (21, "year")):
            said = count(many, unit, lang)
            assert seconds_of(said, lang) == many * SECONDS[unit], (lang, said)
    assert [seconds_of("1 година", lang) for lang in ("uk", "mk", None)] == [3600, 366 * DAY, None]


def test_a_life_that_nobody_can_read_is_a_note_and_one_without_an_end_is_none() -> None:
    lists = (listed("_a", en="as long as it lasts"), listed("_b", en="for ever"), listed("_c"), listed("_d", en="soon"))
    found = [seen("cookie", name, life=9999 * DAY) for name in ("_a", "_b")]
    judge = Judge("shop.example", site(cookies={"necessary": lists}), [Observed("accepted", found, looked_at={SHOP})])
    assert judge.notes() == [
        "How long _a lives is not held against the list: nobody here can read 'as long as it lasts'."
    ]
    report = Report(SHOP, "shop", "", [SHOP], ["accepted"], [], [], judge.notes())
    assert [(each.grave, each.cure) for each in compared(site(), report)] == [
        (False, "write it as a number and a word such as days, months or years")
    ]


@pytest.mark.parametrize(
    ("life", "lives", "longer"),
    [
        ({"en": "Session"}, DAY, False),
        ({"en": "Session"}, 2 * DAY, True),
        ({"en": "30 minutes"}, 1800, False),
        ({"en": "30 minutes"}, DAY, True),
        ({"en": "1 hour"}, 3900, False),
        ({"en": "1 hour"}, 4 * 3600, True),
        ({"en": "1 year"}, 400 * DAY, False),
        ({"en": "1 year"}, 410 * DAY, True),
        ({"en": "as long as it lasts", "ru": "1 день"}, 3 * DAY, True),
        ({"en": "as long as it lasts", "ru": "долго"}, 9999 * DAY, False),
    ],
)
def test_a_cookie_lives_as_long_as_any_language_of_the_shop_says(
    life: dict[str, str], lives: float, longer: bool
) -> None:
    of = site(languages=("en", "ru"), cookies={"necessary": (listed("_v", **life),)})
    assert judged(of, seen("cookie", "_v", life=lives)) == (["_v"] if longer else [])


@pytest.mark.parametrize(("written", "year"), [("69", 2069), ("70", 1970), ("00", 2000), ("2069", 2069)])
@pytest.mark.parametrize("form", ["Wed, 21 Oct {} 07:28:00 GMT", "Wednesday, 21-Oct-{} 07:28:00 GMT"])
def test_a_year_of_two_digits_is_read_as_browsers_read_it(written: str, year: int, form: str) -> None:
    cookie = parse_set_cookie(f"a=1; Expires={form.format(written)}")
    assert cookie
    assert cookie.removes == (year < 2026)
    assert cookie.removes or datetime.fromtimestamp(time.time() + cookie.life, UTC).year == year


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(45, "45 seconds"), (1800, "30 minutes"), (4 * 3600, "4 hours"), (DAY, "24 hours"), (9e7, "1042 days")],
)
def test_a_time_that_is_said_can_be_read_again(seconds: float, said: str) -> None:
    assert in_days(seconds) == said
    assert seconds_of(said) is not None


def test_a_host_alone_may_be_connected_to_where_something_there_may_be_asked_for() -> None:
    patterns = (("t.example/static/*", "necessary"), ("t.example/pixel", "marketing"), ("ads.example/x", "marketing"))
    of = site(trackers=patterns)
    ahead = [asked("https://t.example/"), asked("https://t.example"), asked("https://ads.example/")]
    assert judged(of, *ahead, asked("https://t.example/other")) == ["https://ads.example/", "https://t.example/other"]
    assert judged(of, *ahead, state="accepted") == []
    assert judged(site(services=("recaptcha",)), asked("https://www.google.com/"), state="accepted") == []


@pytest.mark.parametrize(
    ("kept", "url", "suspected"),
    [
        ({"_a": "GA1.1.123456.789012"}, "/metrics?id=123456.789012", True),
        ({"_a": "0f9b1c2d3e4f5a6b"}, "/px/0f9b1c2d3e4f5a6b/hit.gif", True),
        ({"_a": '{"id":"0190abcd-1234-7000","n":1}'}, "/px?u=0190abcd-1234-7000", True),
        ({"_a": "v2.0190abcd1234.1700000000"}, "/px?u=0190abcd1234", True),
        ({"_a": "v2.0190abcd1234.1700000000.3"}, "/api?at=1700000000", False),
        ({"_a": '{"from":"https://shop.example/goods/12345678"}'}, "/api?goods=12345678", False),
        ({"_a": "12345678"}, "/goods/12345678.jpg", False),
        ({"_a": '{"cid":"1234567890.1700000000"}'}, "/px?u=1234567890.1700000000", True),
        ({"_a": '{"uid":1700000000123456789}'}, "/px?u=1700000000123456789", True),
        ({"_a": '{"at":"2026-11-27T10:20:30Z","id":"ab12cd34"}'}, "/px?u=ab12cd34", True),
        ({"_a": '{"id":"anon_8f3a9b2c4d5e6f70"}'}, "/px?u=anon_8f3a9b2c4d5e6f70", True),
        ({"_a": '{"id":"0190ABCD-EFAB-7000-8000-123456789012"}'}, "/px?u=0190ABCD-EFAB-7000-8000-123456789012", True),
        ({"_f": '{"id":"0190abcd-1234-7000"}'}, "/px?u=0190abcd-1234-7000", False),
        ({"_a": "gridlayout"}, "/api?view=gridlayout", False),
        ({"_f": "layout2026-11"}, "/api?view=layout2026-11", False),
        ({"basket": "0f9b1c2d3e4f5a6b"}, "/api?basket=0f9b1c2d3e4f5a6b", False),
    ],
)
@pytest.mark.parametrize("where", ["cookies", "stored"])
def test_a_number_of_the_shoppers_is_known_again_and_a_setting_is_none(
    where: str, kept: dict[str, str], url: str, suspected: bool
) -> None:
    lists = {"necessary": (listed("basket"),), "functional": (listed("_f"),), "analytics": (listed("_a"),)}
    hit = asked(f"{SHOP}{url}")
    assert judged(site(cookies=lists), hit, **{where: kept}) == ([hit.name] if suspected else [])


@pytest.mark.parametrize(
    ("value", "url"),
    [
        ('{"started":"2026-11-27T10:20:30.123Z"}', "/api/basket?at=2026-11-27T10:58:00Z"),
        ("2026-11-27T10:20:30.123Z", "/api/basket?at=2026-11-27T10:58:00Z"),
        ("v2.2026-11-27T10:20:30.123456789+04:00|3", "/api/basket?at=2026-11-27T10:58:00Z"),
        ('{"at":"20261127T102030Z"}', "/api/basket?at=20261127T102030Z"),
        ('["/p/10002345-red-shoe"]', "/img/10002345-red-shoe.jpg"),
        ('["10002345-red-shoe","sku_20002345"]', "/img/10002345-red-shoe.jpg?or=sku_20002345"),
        ("/p/10002345-red-shoe", "/p/10002345-red-shoe.json"),
        ('{"seen":[10002345]}', "/api/stock?sku=10002345"),
        ('{"seen":["4006381333931","20002345-42"]}', "/api/stock?ean=4006381333931&size=20002345-42"),
    ],
)
def test_a_moment_and_the_number_of_goods_among_other_things_is_no_shoppers(value: str, url: str) -> None:
    of = site(cookies={"analytics": (listed("_a"),)})
    assert judged(of, asked(f"{SHOP}{url}"), cookies={"_a": value}, stored={"_a": value}) == []


@pytest.mark.parametrize(
    ("value", "suspected"),
    [
        ("0f9b1c2d3e4f5a6b", True),
        ("abcdefghijklmnopqr", True),
        ("GA1.1.123456.789012", True),
        ("dark-and-quiet-theme", False),
    ],
)
def test_a_number_that_a_script_keeps_under_a_name_of_no_list_is_known_again(value: str, suspected: bool) -> None:
    of = site(cookies={"necessary": (listed("basket"),)})
    hit = asked(f"{SHOP}/metrics?id={value.removeprefix('GA1.1.')}")
    found = [hit.name] if suspected else []
    assert judged(of, hit, cookies={"_xyz": value}, scripted={"_xyz"}) == found
    assert judged(of, hit, stored={"_xyz": value}) == found
    assert judged(of, hit, cookies={"_xyz": value}) == [], "an answer of the shop set it"
    assert judged(of, hit, cookies={"consent": value, "basket": value}, scripted={"consent", "basket"}) == []


def test_what_a_listed_tracker_asks_on_a_host_of_the_shop_is_seen_and_what_the_shop_itself_asks_is_not() -> None:
    of = site(trackers=(("t.shop.example", "analytics"),))
    both = [asked("https://t.shop.example/hit"), asked(f"{SHOP}/goods.json")]
    rows = Judge("shop.example", of, [Observed("accepted", both)]).all_seen()
    assert [(row["name"], row["category"], row["states"]) for row in rows] == [
        ("https://t.shop.example/hit", "analytics", ["accepted"])
    ]


def test_where_no_shop_has_the_address_the_note_says_which_there_are() -> None:
    notes = Judge("shop.example", None, [Observed("before", looked_at={SHOP})], ["one", "two"]).notes()
    assert notes == [
        "No consent.toml names this shop, so nothing counts as listed.",
        "consent.toml has one and two, elsewhere; --site says which of them it is.",
    ]


def test_a_name_at_a_host_of_a_service_says_nothing_of_other_hosts() -> None:
    needed = for_site(["microsoft-uet"], ["en"])
    of = site(services=("microsoft-uet",), cookies=needed.cookies, trackers=needed.trackers)
    theirs = [seen("cookie", "MUID", host) for host in ("bing.com", "c.bing.com", "bat.bing.net")]
    assert judged(of, *theirs, seen("cookie", "MUID", "t.example"), state="accepted") == ["MUID"]
    written = site(cookies={"analytics": (replace(listed("m"), host="a.example"),)})
    own, other = seen("cookie", "m", "x.a.example"), seen("cookie", "m", "b.example")
    assert [each.host for each in Judge("shop.example", written, [Observed("accepted", [own, other])]).findings()] == [
        "b.example"
    ]
