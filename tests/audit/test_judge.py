"""What is a finding and what is none, and what is said of it: told of sightings alone, without a browser."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from consent_server.audit.browsing.documents import Documents
from consent_server.audit.browsing.kept import MOST, Kept, newest
from consent_server.audit.browsing.visit import is_page
from consent_server.audit.findings import NO_PAGE, Finding, Judge
from consent_server.audit.observed import Observed, Sighting, unique
from consent_server.audit.report import Report
from consent_server.audit.states import _is_whole
from consent_server.cli import audit as command
from consent_server.settings.shops import make_site
from consent_server.site import Cookie, Site

SHOP = "https://shop.example"
PAGE = f"{SHOP}/"


def site(**changes: Any) -> Site:
    made = make_site("shop", "Shop", (SHOP,), f"{SHOP}/privacy", date(2025, 12, 20))
    return replace(made, **changes)


def listed(name: str, life: str = "1 year", host: str | None = None) -> Cookie:
    return Cookie(name, "Shop", {"en": "What for"}, {"en": life}, host=host)


def seen(kind: str, name: str, host: str = "shop.example", **rest: Any) -> Sighting:
    return Sighting(kind, name, host, **{"page": PAGE, "initiator": PAGE, "at": 1.0, **rest})


def asked(address: str, **rest: Any) -> Sighting:
    """Return a request; an address without a host is one of the shop's."""
    url = address if "://" in address else SHOP + address
    return seen("request", url.partition("?")[0], url.split("/")[2], url=url, **rest)


def judged(*sightings: Sighting, of: Site | None = None, state: str = "before", **rest: Any) -> list[Finding]:
    return Judge("shop.example", of, [Observed(state, [*sightings], **rest)]).findings()


@pytest.mark.parametrize(
    "address",
    [
        *("/tr/", "/tr", "/az/e", "/e/", "/flags", "/flags/", "/decide", "/goods/ingest/1", "/uet/", "/tr/?q=shoes"),
        *("/collect", "/collect?v=2", "/js/script.js", "/js/analytics.js?v=7", "/watch/123456", "/watch/123456?ref=1"),
        *("/api/event", "/static/app.js", "https://metrics.shop.example/", "https://data.shop.example/goods?id=1"),
        *("/e?_=17", "/action/5", "/gtag.js"),
    ],
)
def test_an_address_of_the_shops_own_that_is_short_is_no_tracker(address: str) -> None:
    assert judged(asked(address)) == []


@pytest.mark.parametrize(
    "address",
    [
        *("/tr/?id=1&ev=PageView", "/x/tr?id=1&ev=PageView&noscript=1", "/e/?ip=1&_=17&ver=1.2", "/flags/?v=2&_=17"),
        *("/decide/?v=3&ip=0", "/ingest/i/v0/e/?ip=0", "/ingest/static/array.js", "/ingest/array/phc_x/config.js"),
        *("/collect?v=1&tid=UA-1-1&cid=1.2", "/g/collect?v=2&tid=G-ABCDE", "/j/collect", "/analytics.js?id=G-ABCDE"),
        *("/gtag.js?id=G-ABCDE", "/gtag/js?id=G-ABCDE", "/metrics/gtm.js?id=GTM-ABCDE", "/piwik.php", "/matomo.php"),
        *("/watch/12345678?page-url=x&browser-info=y", "/metrika/tag.js", "/action/0?ti=1&evt=pageLoad"),
        *("https://metrics.shop.example/g/collect?v=2", "https://sgtm.shop.example/gtm.js", "/li/insight.min.js"),
    ],
)
def test_a_tracker_under_the_shops_own_name_is_suspected_by_path_and_query(address: str) -> None:
    assert [each.fix.partition(":")[0] for each in judged(asked(address))] == ["Suspected"]


def test_a_script_with_an_everyday_name_is_a_trackers_with_its_calls() -> None:
    script, event = asked("/js/script.js"), asked("/api/event")
    assert {each.name for each in judged(script, event)} == {script.name, event.name}
    told = asked("/api/event", body='{"n": "pageview", "u": "https://shop.example/", "d": "shop.example"}')
    assert [each.name for each in judged(told)] == [told.name]
    umami = asked("/api/send", body='{"type":"event","payload":{"website":"1"}}')
    assert [each.name for each in judged(umami)] == [umami.name]


def test_a_page_that_is_audited_is_no_tracker_whatever_it_is_called() -> None:
    page = f"{SHOP}/g/collect"
    assert judged(asked("/g/collect", page=page)) == []
    assert len(judged(asked("/g/collect?v=2", page=page))) == 1


def test_a_number_that_a_tracker_gave_is_known_again_in_what_a_request_carries() -> None:
    of = site(cookies={"analytics": (listed("_t"),)})
    hit = asked("/metrics", body="id=123456.789012")
    assert judged(hit, of=of, cookies={"_t": "GA1.1.123456.789012"})[0].name == hit.name
    assert judged(hit, of=of) == []


def test_hits_at_one_address_that_say_other_things_are_several() -> None:
    hits = [asked("/g/collect?gcs=G100"), asked("/g/collect?gcs=G111"), asked("/g/collect?gcs=G111", initiator="")]
    assert [each.url for each in unique(hits)] == [hits[0].url, hits[1].url]


TAG = {"ours": [{"src": f"{SHOP}/v1/shop/consent.js", "site": "shop", "async": False, "late": False}], "works": True}
TAG |= {"choice": None, "banner": True}


def test_a_state_that_was_not_reached_is_not_called_clean() -> None:
    observed = [
        Observed("before", looked_at={PAGE}, tags={PAGE: TAG}),
        Observed("refused", looked_at={PAGE}, tags={PAGE: TAG}, answered=False),
        Observed("accepted", looked_at={PAGE}, answered=False),
        Observed("gpc"),
    ]
    judge = Judge("shop.example", None, observed)
    assert list(judge.unaudited()) == ["refused", "accepted", "gpc"]
    report = Report(PAGE, None, "", [PAGE], ["before"], judge.findings(), [], judge.notes(), judge.unaudited())
    said = report.text()
    assert "before: nothing to mend" in said
    assert "refused: not audited; 1 to mend" in said
    assert "accepted: not audited\n" in said
    assert "accepted: not audited, for there was no banner" in said
    assert f"gpc: not audited, for {NO_PAGE}." in said
    assert "## Gpc: not audited" in report.markdown()


def test_a_state_in_which_no_page_opened_is_2(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONSENT_CONFIG", "consent.toml")
    report = Report(PAGE, None, "", [PAGE], ["before"], [], [], [], {"gpc": NO_PAGE})
    monkeypatch.setattr(command, "audit", lambda *_, **__: report)
    done = CliRunner().invoke(command.audit_command, [PAGE])
    assert done.exit_code == 2
    assert "Not audited, for no page of the shop could be opened: gpc." in done.stderr
    assert "before: nothing to mend" in done.stdout


@pytest.mark.parametrize(
    ("status", "kind", "at", "is_one"),
    [
        (200, "text/html; charset=utf-8", PAGE, True),
        (200, "application/xhtml+xml", "https://www.shop.example/az/", True),
        (200, "", PAGE, True),
        (200, "application/rss+xml", PAGE, False),
        (200, "application/json", PAGE, False),
        (200, "application/pdf", PAGE, False),
        (401, "text/html", PAGE, False),
        (403, "text/html", PAGE, False),
        (200, "text/html", "https://elsewhere.example/", False),
    ],
)
def test_what_is_no_page_of_the_shop_needs_no_tag(status: int, kind: str, at: str, is_one: bool) -> None:
    assert is_page(status, kind, at, PAGE) is is_one


def shown(documents: Documents, at: float, *urls: str, page: str = PAGE) -> None:
    """Lead a tab to a page, at a moment, by way of these addresses."""
    loader = f"{at}"
    for url in urls:
        event = {"loaderId": loader, "requestId": loader, "wallTime": at, "timestamp": at, "request": {"url": url}}
        documents.asked(event, page)
    documents.answered({"requestId": loader, "timestamp": at})
    documents.committed({"id": "main", "loaderId": loader, "url": urls[-1]}, page)


def test_what_a_page_did_before_it_led_on_to_another_is_its_own() -> None:
    documents = Documents()
    shown(documents, 1.0, PAGE)
    shown(documents, 5.0, "https://way.example/x?id=1", "https://other.example/y")
    mine = [
        asked("https://other.example/pixel", at=2.0),
        asked("https://third.example/hit", at=2.0),
        asked("https://other.example/z", at=6.0, page=f"{PAGE}2"),
    ]
    theirs = [
        asked("https://way.example/x?id=1", at=4.9),
        asked("https://other.example/y", at=4.9),
        asked("https://third.example/hit", at=6.0),
        seen("cookie", "a", "other.example", at=4.9, initiator="https://other.example/y"),
    ]
    assert [documents.is_elsewhere(each) for each in mine] == [False] * 3
    assert [documents.is_elsewhere(each) for each in theirs] == [True] * 4
    shown(documents, 8.0, PAGE)
    assert not documents.is_elsewhere(asked("https://third.example/hit", at=9.0))


def test_hosts_in_the_middle_of_a_way_to_the_shops_own_page_are_no_others() -> None:
    documents = Documents()
    shown(documents, 1.0, PAGE, "https://way.example/x", f"{PAGE}home")
    assert not documents.is_elsewhere(asked("https://way.example/x", at=0.9))


def test_what_goes_on_and_on_is_kept_in_part_and_what_is_rare_whole() -> None:
    many = [seen("request", "often", at=float(n)) for n in range(50)]
    assert [each.at for each in newest([seen("cookie", "once"), *many], 2)] == [1.0, 48.0, 49.0]
    kept = Kept()
    kept.add(seen("cookie", "once"))
    for n in range(25_000):
        kept.add(seen("request", "often", at=float(n)))
    assert len(kept.sightings) < 11_000
    assert kept.sightings[0].name == "once"
    assert not kept.flooded
    for n in range(MOST):
        kept.add(seen("request", f"{n}"))
    assert len(kept.sightings) == MOST
    assert kept.flooded


def test_a_har_file_without_its_end_is_told(tmp_path: Path) -> None:
    har = tmp_path / "x.har"
    assert not _is_whole(har)
    for text, whole in (("", False), ('{"log": {"entries": [{', False), ('{"log": {"entries": []}}\n', True)):
        har.write_text(text)
        assert _is_whole(har) is whole
