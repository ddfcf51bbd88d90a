"""What is a finding and what is none, and what is said of it: told of sightings alone, without a browser."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from click.testing import CliRunner

from consent_server.audit.browsing.visit import is_page
from consent_server.audit.findings import NO_PAGE, Finding, Judge
from consent_server.audit.observed import Observed, Sighting, unique
from consent_server.audit.report import Report
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
