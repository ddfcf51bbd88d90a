"""What is a finding and what is none, and what is said of it: told of sightings alone, without a browser."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from consent_server.audit.browsing.answers import CALLED, CLOSED
from consent_server.audit.browsing.documents import Documents
from consent_server.audit.browsing.initiators import Initiators, behind_in, how_asked
from consent_server.audit.browsing.kept import MOST, Kept, newest
from consent_server.audit.browsing.pages import _take, read_sitemap
from consent_server.audit.browsing.visit import is_page
from consent_server.audit.drafting.draft import draft
from consent_server.audit.drafting.suggestions import Suggestions
from consent_server.audit.findings import CUT_SHORT, NO_PAGE, Finding, Judge
from consent_server.audit.observed import UNMARKABLE, ConsentCall, Observed, Sighting, behind_our_tag, unique
from consent_server.audit.report import Report
from consent_server.audit.run import NotReached, _report
from consent_server.audit.states import _is_whole
from consent_server.check.page import compared
from consent_server.cli import audit as command
from consent_server.settings.shops import make_site
from consent_server.site import OPTIONAL, Cookie, Site
from consent_server.site.rules import Rule

SHOP = "https://shop.example"
PAGE = f"{SHOP}/"


TOO_LATE = "no default before hit"


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
        *("https://data.shop.example/events", "https://metrics.shop.example/health", "https://e.shop.example/collect"),
        *("/e?_=17", "/action/5", "/gtag.js", "/js/ga.js", "/s/?q=shoes&v=2&_=17", "/static/recorder.js"),
        *(
            "/goods?id=G-1234",
            "/goods?id=G-AB12CD34EF",
            "/c?tid=AW-2026",
            "/goods?v=1&tid=mc-1234",
            "/goods?v=2&tid=AW-2026",
            "/list?e=1&p=2&tv=samsung",
            "/x?ev=1&dl=1&ts=1",
        ),
        *(
            "/track/?order=5",
            "/track?_=17",
            "/az/track/",
            "/api/1/store/?goods=5",
            "/api/2/envelope",
            "/v1/t",
            "/v1/page",
        ),
        *("/li/collect", "/click-and-collect/", "/api/v2/pixels", "/cdn-cgi/challenge-platform/x.js", "/groups/?ip=1"),
    ],
)
def test_an_address_of_the_shops_own_that_is_short_is_no_tracker(address: str) -> None:
    assert judged(asked(address)) == []


@pytest.mark.parametrize(
    "address",
    [
        *(
            "/tr/?id=1&ev=PageView",
            "/x/tr?id=1&ev=PageView&noscript=1",
            "/e/?ip=1&_=17&ver=1.2",
            "/flags/?v=2&_=17",
            "/s/?_=17&ver=1.2",
        ),
        *("/decide/?v=3&ip=0", "/ingest/i/v0/e/?ip=0", "/ingest/static/array.js", "/ingest/array/phc_x/config.js"),
        *("/collect?v=1&tid=UA-1-1&cid=1.2", "/g/collect?v=2&tid=G-ABCDE", "/j/collect", "/analytics.js?id=G-ABCDE"),
        *("/gtag.js?id=G-ABCDE", "/gtag/js?id=G-ABCDE", "/metrics/gtm.js?id=GTM-ABCDE", "/piwik.php", "/matomo.php"),
        *("/watch/12345678?page-url=x&browser-info=y", "/metrika/tag.js", "/action/0?ti=1&evt=pageLoad"),
        *("https://metrics.shop.example/g/collect?v=2", "https://sgtm.shop.example/gtm.js"),
        *(
            "https://data.shop.example/collect",
            "https://smetrics.shop.example/b/ss/shop/1/JS-2.0/s1",
            "/li/insight.min.js",
        ),
        *(
            "/x?v=2&tid=G-ABCDE",
            "/hit?tid=UA-12345-1",
            "/x?v=1&tid=MC-AB12&cid=1",
            "/px?idsite=1&rec=1",
            "/i?e=pv&p=web&tv=js-3.24.0",
        ),
        *("/mp/track/?verbose=1&ip=1&_=1", "/mp/engage/?ip=1&_=1", "/amp/2/httpapi", "/api/1/envelope/?sentry_key=ab"),
        *("/api/v2/pixel", "/li/collect?v=2&fmt=js&pid=1", "/cdn-cgi/rum", "/cdn-cgi/zaraz/s.js"),
        *("/_vercel/insights/view", "/_vercel/speed-insights/vitals", "/.well-known/shopify/monorail/v1/produce"),
        *("/y?page-url=u&browser-info=b", "/f?id=123456789012345&ev=PageView&dl=u&ts=1"),
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


def test_a_script_for_a_tag_s_number_is_googles_under_whatever_name() -> None:
    numbers = ("G-AB12CD34EF", "GTM-AB12CD3", "AW-123456789", "GT-AB12CD34", "UA-12345-1", "DC-1234567")
    scripts = [asked(f"/s{n}.js?id={number}", script=True) for n, number in enumerate(numbers)]
    assert [each.name for each in judged(*scripts)] == [each.name for each in scripts]
    goods = ("G-1234", "AW-2026", "g-ab12cd34ef", "MC-20261127", "GTM-1234", "GTM-XXXXXXX")
    assert judged(*(asked(f"/s{n}.js?id={number}", script=True) for n, number in enumerate(goods))) == []


@pytest.mark.parametrize(
    ("body", "is_its"),
    [
        ('{"n": "pageview", "u": "https://shop.example/", "d": "shop.example"}', True),
        ('{"type":"event","payload":{"website":"0f9b1c2d-3e4f-5a6b-8c9d-0e1f2a3b4c5d"}}', True),
        ('{"schema":"iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4","data":[]}', True),
        ("v=1&tid=UA-12345-1&t=pageview", True),
        ('{"api_key":"0123456789abcdef0123456789abcdef","events":[{"event_type":"page"}]}', True),
        ('{"sent_at":"2026","dsn":"https://0123456789abcdef0123456789abcdef@o1.ingest.sentry.io/1"}', True),
        ('{"dsn":"https://shop.example/","api_key":"mine","events":[]}', False),
        ('{"type":"event","payload":{"goods":7}}', False),
        ('{"n":"pageview","u":7,"d":"shop.example"}', False),
    ],
)
def test_what_is_sent_tells_a_tracker_wherever_it_goes(body: str, is_its: bool) -> None:
    assert bool(judged(asked("/anything", body=body))) is is_its


def test_what_is_sent_tells_a_tracker_at_a_path_of_its_own() -> None:
    segment, mixpanel = (
        '{"anonymousId":"1","messageId":"2"}',
        '{"properties":{"token":"0123456789abcdef0123456789abcdef"}}',
    )
    told = [asked("/v1/t", body=segment), asked("/mp/track/", body=mixpanel), asked("/mp/engage/", body="data=eyJl")]
    assert [each.name for each in judged(*told)] == [each.name for each in told]
    assert (
        judged(asked("/v1/t", body='{"t":1}'), asked("/track/", body="data=5"), asked("/v1/goods", body=segment)) == []
    )


def test_a_page_that_is_audited_is_no_tracker_whatever_it_is_called() -> None:
    page = f"{SHOP}/g/collect"
    assert judged(asked("/g/collect", page=page)) == []
    assert len(judged(asked("/g/collect?v=2", page=page))) == 1


def test_a_number_that_a_tracker_gave_is_known_again_in_what_a_request_carries() -> None:
    of = site(cookies={"analytics": (listed("_t"),)})
    hit = asked("/metrics", body="id=123456.789012")
    assert judged(hit, of=of, cookies={"_t": "GA1.1.123456.789012"})[0].name == hit.name
    assert judged(hit, of=of) == []


def test_what_the_shop_keeps_is_handed_on_by_its_lists_and_is_no_day_or_time() -> None:
    def echoes(kept: str, of: Site | None) -> bool:
        return bool(judged(asked("/api/slots", body=kept), of=of, stored={"kept": kept}))

    assert echoes("a1b2c3d4e5", site())
    assert not echoes("a1b2c3d4e5", None)  # without a list everything would be unknown
    days = ("2026-11-27", "20261127", "27.11.2026", "2026-11-27T10:00:00.000Z", "2026-11-27 10:00", "10:00:00+04:00")
    assert [each for each in days if echoes(each, site())] == []
    assert echoes("99999999", site())


def test_hits_at_one_address_that_say_other_things_are_several() -> None:
    hits = [asked("/g/collect?gcs=G100"), asked("/g/collect?gcs=G111"), asked("/g/collect?gcs=G111", initiator="")]
    assert [each.url for each in unique(hits)] == [hits[0].url, hits[1].url]


def test_what_a_frame_of_anothers_holds_is_by_the_frame_where_nobody_saw_who_put_it_there() -> None:
    frame, script = "https://f.example/frame", "https://f.example/script.js"
    held = seen("local-storage", "kept", "f.example", initiator="", frame=frame)
    stored = seen("local-storage", "kept", "f.example", initiator="")
    noted = seen("local-storage", "kept", "f.example", initiator=script, page=f"{PAGE}2")
    assert [each.initiator for each in unique([stored, held])] == [frame]
    assert [each.initiator for each in unique([held, stored, noted])] == [script, script]


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


def test_a_page_that_ends_the_browser_in_every_state_before_it_is_looked_at_is_not_reached() -> None:
    with pytest.raises(NotReached, match="no page of the shop could be opened"):
        _report(PAGE, [PAGE], Judge("shop.example", None, [Observed("before", cut_short=True)]), [], [])


def test_that_nothing_is_asked_here_is_nothing_to_see_to() -> None:
    off = (Rule("nowhere", ("CN",), dict.fromkeys(OPTIONAL, "off")),)
    unasked = Observed("refused", looked_at={PAGE}, tags={PAGE: TAG}, answered=False, rule="nowhere")
    judge = Judge("shop.example", site(rules=off), [unasked])
    assert any("nothing is asked" in note for note in judge.notes())
    report = Report(PAGE, "shop", "", [PAGE], [], judge.findings(), [], judge.notes(), judge.unaudited())
    assert [*compared(site(), report)] == []


def test_a_window_of_the_pages_that_was_closed_is_nothing_to_see_to_and_a_button_that_does_nothing_is() -> None:
    report = Report(PAGE, "shop", "", [PAGE], [], [], [], [f"accepted: {CLOSED}", f"withdrawn: {CALLED}"], {})
    (found,) = compared(site(), report)
    assert found.fault == f"shop: withdrawn: {CALLED}"
    assert found.cure.startswith("see what lies over it")


def test_that_one_page_alone_was_looked_at_is_said_of_no_page_whose_links_nobody_could_read() -> None:
    def noted(left_out: list[str], unread: list[str]) -> list[str]:
        judge = Judge("shop.example", site(), [Observed("before", looked_at={PAGE})])
        return [*_report(PAGE, [PAGE], judge, left_out, unread, alone=True).notes]

    assert noted([], []) == ["This one page was looked at and no other: neither a sitemap nor a link of it led to any."]
    assert noted([], [PAGE]) == [f"The links of {PAGE} could not be read."]
    assert noted(["/logout"], []) == [
        "Not opened, as by the name no page, or one that does something: /logout.",
        "This one page was looked at and no other: neither a sitemap nor a link of it led to any but those.",
    ]


def test_a_state_that_was_cut_short_is_not_called_clean(monkeypatch: pytest.MonkeyPatch) -> None:
    cut = Observed("refused", looked_at={PAGE}, tags={PAGE: TAG}, answered=False, cut_short=True)
    judge = Judge("shop.example", site(), [Observed("before", looked_at={PAGE}, tags={PAGE: TAG}), cut])
    assert judge.findings() == []
    report = Report(PAGE, "shop", "", [PAGE], ["before"], [], [], judge.notes(), judge.unaudited())
    assert "refused: not audited, for the browser ended before all pages were looked at." in report.text()
    assert [each.fault for each in compared(site(), report) if each.grave] == [
        f"shop: {PAGE} ended the browser although the shopper has refused."
    ]
    monkeypatch.setenv("CONSENT_CONFIG", "consent.toml")
    monkeypatch.setattr(command, "audit", lambda *_, **__: report)
    done = CliRunner().invoke(command.audit_command, [PAGE])
    assert done.exit_code == 2
    assert f"Not audited, for {CUT_SHORT}: refused." in done.stderr


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


def call(kind: str, at: float = 1.0, **said: Any) -> ConsentCall:
    return ConsentCall(at, PAGE, ["consent", kind, said])


@pytest.mark.parametrize(
    ("state", "since", "calls", "hits", "found"),
    [
        ("before", 0, [call("default", analytics_storage="granted", region=["US"])], [], set()),
        ("before", 0, [call("default", analytics_storage="granted")], [], {"granted by default"}),
        ("accepted", 2.0, [call("default", 3.0, ad_storage="granted"), call("update", 3.0)], [], set()),
        ("withdrawn", 2.0, [call("default", ad_storage="granted")], [], set()),
        ("withdrawn", 2.0, [call("default", 3.0, ad_storage="granted")], [], {"granted by default", "no update"}),
        ("before", 0, [call("default"), call("update", 2.0, ad_storage="granted")], [], {"update differs"}),
        ("refused", 2.0, [call("update", ad_storage="granted"), call("update", 3.0)], [], set()),
        ("refused", 2.0, [call("update", 3.0, ad_storage="granted")], [], {"update differs"}),
        ("accepted", 2.0, [call("update", 3.0, ad_storage="denied")], [], {"update differs"}),
        ("accepted", 2.0, [call("update", 3.0, ad_storage=each) for each in ("denied", "granted")], [], set()),
        ("accepted", 2.0, [], [("https://www.google-analytics.com/g/collect", 9.0)], set()),
        ("before", 0, [call("default", 3.0)], [("https://x.google-analytics.com/j/collect", 2.0)], {TOO_LATE}),
        ("accepted", 2.0, [call("default", 5.0), call("update", 5.0)], [("/g/collect?v=2", 4.0)], {TOO_LATE}),
        ("accepted", 2.0, [call("default", 3.0), call("update", 3.0)], [("/g/collect?gcs=G1--", 9.0)], set()),
        ("accepted", 0, [call("default", 1.0), call("update", 3.0)], [("/g/collect?gcs=G100", 2.5)], set()),
        ("accepted", 0, [call("default", 1.0), call("update", 3.0)], [("/g/collect?gcs=G100", 9.0)], {"gcs differs"}),
        ("accepted", 2.0, [call("default", 3.0), call("update", 3.0)], [("/g/collect?gcs=G1-0", 9.0)], {"gcs differs"}),
    ],
)
def test_consent_mode_is_held_against_state_region_and_moment(
    state: str, since: float, calls: list[ConsentCall], hits: list[tuple[str, float]], found: set[str]
) -> None:
    sightings = [asked(address, at=at) for address, at in hits]
    every = judged(*sightings, state=state, since=since, consent_calls=calls)
    assert {each.name for each in every if each.kind == "consent-mode"} == found


def test_a_name_of_three_letters_tells_its_service() -> None:
    assert judged(seen("cookie", "_ga"))[0].service == "ga4"
    assert judged(seen("cookie", "i"))[0].service is None


def test_a_fault_of_the_tag_names_its_pages() -> None:
    pages = [f"{SHOP}/{n}" for n in range(8)]
    nothing = {"ours": [], "works": False, "choice": None, "banner": False}
    (found,) = judged(tags=dict.fromkeys(pages, nothing), looked_at={*pages})
    assert found.page == pages[0]
    assert found.fix.endswith(f"The same on {', '.join(pages[1:6])} and 2 more.")


def test_what_to_type_says_where_a_cookie_lies_and_who_can_hold_it() -> None:
    of = site(services=("stripe",), cookies={"analytics": (listed("_t"),)})
    answer = f"{SHOP}/basket"
    (own,) = judged(seen("cookie", "_t", initiator=answer, by_response=True), of=of)
    assert own.fix == f"Let consent_server.enforce hold the cookie back where the shop's own {answer} is answered."
    (unknown,) = judged(seen("cookie", "_x", initiator=answer, by_response=True), of=of)
    assert "Unless it is necessary, let consent_server.enforce hold" in unknown.fix
    (foreign,) = judged(seen("cookie", "_x", "t.example", initiator="https://t.example/p", by_response=True), of=of)
    assert 'name = "_x", host = "t.example" in consent.toml. Unless it is necessary, hold ' in foreign.fix
    (stored,) = judged(seen("local-storage", "_x", "t.example:81", frame="https://t.example:81/"), of=of)
    assert 'name = "_x", host = "t.example" in consent.toml.' in stored.fix
    (service,) = judged(seen("cookie", "_ga"), of=of)
    assert 'services = ["stripe", "ga4"]' in service.fix


def test_what_to_type_for_what_is_no_script_is_where_its_address_is_written() -> None:
    of = site(trackers=(("t.example", "marketing"),), cookies={"marketing": (listed("_m", host="t.example"),)})
    frame = asked("https://t.example/film", attribute="src")
    style, script = asked("https://t.example/a.css", attribute="href"), asked("https://t.example/a.js", script=True)
    within = asked("https://t.example/hit", initiator=frame.name)
    held = seen("cookie", "_m", "t.example", initiator=frame.name, by_response=True)
    fixes = [each.fix for each in judged(frame, style, script, within, held, of=of)]
    plain = asked("https://t.example/plain", attribute=UNMARKABLE)
    inside = asked("https://t.example/in", initiator=plain.name)
    script_adds = 'as no mark holds an object, embed or track, and mark that script: type="text/plain" data-consent'
    assert [each.fix for each in judged(plain, inside, of=of)] == [
        f'Have a script add the tag for t.example in {PAGE}, {script_adds}="marketing".',
        f'Have a script add {plain.name}, {script_adds}="marketing".',
    ]
    mark = 'data-consent="marketing"'
    of_frame = f"Hold {frame.name}: {mark}, with data-src in place of src on the tag that loads it."
    assert fixes == [
        f"Mark the tag for t.example in {PAGE}: {mark}, with data-src in place of src.",
        f"Mark the tag for t.example in {PAGE}: {mark}, with data-href in place of href.",
        f'Mark the tag for t.example in {PAGE}: type="text/plain" {mark}.',
        *(of_frame, of_frame),
    ]


@pytest.mark.parametrize("header", ["Sec-Fetch-Dest", "sec-fetch-dest"])
@pytest.mark.parametrize("is_headed_first", [True, False])
def test_an_object_is_known_by_what_its_request_is_for_and_nothing_else_is_one(
    is_headed_first: bool, header: str
) -> None:
    def sent(id_: str, url: str) -> dict[str, Any]:
        return {"type": "Document", "requestId": id_, "request": {"url": url}}

    initiators, of_object = Initiators(), asked("https://t.example/o", attribute="src")
    calls = [
        lambda: initiators.element_asked(sent("1", of_object.url)),
        lambda: initiators.headed({"requestId": "1", "headers": {header: "object"}}),
    ]
    for call in reversed(calls) if is_headed_first else calls:
        call()
    initiators.element_asked(sent("2", "https://t.example/film"))
    initiators.headed({"requestId": "2", "headers": {"Sec-Fetch-Dest": "iframe"}})
    others = [asked("https://t.example/film", attribute="src"), seen("cookie", "_m"), replace(of_object, initiator="x")]
    track = {"type": "TextTrack", "initiator": {"type": "parser"}}
    assert how_asked(track, PAGE)["attribute"] == UNMARKABLE
    assert initiators.marked_by(of_object).attribute == UNMARKABLE
    assert initiators.marked_by(replace(of_object, attribute="")).attribute == UNMARKABLE
    assert [initiators.marked_by(each).attribute for each in others] == ["src", "", UNMARKABLE]
    assert initiators.marked_by(replace(of_object, initiator="https://t.example/s.js", attribute="")).attribute == ""


def test_behind_our_tag_that_stands_in_the_page_is_the_script_that_asked() -> None:
    def frames(*urls: str) -> dict[str, Any]:
        return {"callFrames": [{"url": url} for url in urls]}

    vendor, page = "https://t.example/t.js", f"{PAGE}?lang=az"
    asked_by = {"stack": {**frames(page, page), "parent": frames(page, vendor, page)}}
    assert [behind_in(by, page) for by in (asked_by, {"stack": frames(vendor, page)}, {"stack": frames(page)}, {})] == [
        *(vendor, "", "", "")
    ]
    hit = asked("https://t.example/hit", behind=vendor)
    inline, linked = ({PAGE: {"ours": [{"src": src}]}} for src in ("", "https://c.example/v1/shop/consent.js"))
    assert [each.initiator for tags in (inline, linked, {}) for each in behind_our_tag([hit], tags)] == [
        *(vendor, PAGE, PAGE)
    ]


def test_a_draft_keeps_the_services_that_are_named_and_holds_no_whole_host_of_the_shop() -> None:
    of = site(services=("stripe",))
    judge = Judge("shop.example", of, [Observed("before", [seen("cookie", "_ga"), asked("/g/collect?v=2")])])
    assert [row["name"] for row in judge.all_seen()] == ["_ga", f"{SHOP}/g/collect"]
    text = draft(Report(PAGE, "shop", "", [PAGE], ["before"], [], judge.all_seen()), of, Suggestions())
    assert 'services = ["stripe", "ga4"]' in text
    assert '# match = "shop.example/g/collect"' in text


def ours(src: str, site_id: str) -> dict[str, Any]:
    return {"src": f"{src}/v1/{site_id}/consent.js", "site": site_id, "async": False, "late": False}


def test_a_connection_ahead_of_the_tag_is_ours_and_another_vendors_v1_is_not() -> None:
    server, vendor = "https://consent.example", "https://vendor.example"
    both = {**TAG, "ours": [ours(server, "shop"), ours(vendor, "abc")]}
    others = [asked(f"{vendor}/v1/abc/consent.js"), asked(f"{vendor}/v1/track"), asked(f"{server}/pixel")]
    mine = [asked(f"{server}/"), asked(server), asked(f"{server}/v1/shop/consent.js"), asked(f"{server}/v1/shop/place")]
    found = judged(*others, *mine, of=site(), tags={PAGE: both}, looked_at={PAGE})
    assert [each.name for each in found] == [each.name for each in others]
    alone = {**TAG, "ours": [ours(vendor, "abc")], "works": False}
    found = judged(*others[:2], of=site(), tags={PAGE: alone}, looked_at={PAGE})
    assert {each.name for each in found if each.kind == "request"} == {each.name for each in others[:2]}
    wrong = {**TAG, "ours": [ours(server, "other")]}
    found = judged(asked(f"{server}/v1/other/consent.js"), of=site(), tags={PAGE: wrong}, looked_at={PAGE})
    assert [each.name for each in found] == ["wrong site"]


def test_a_cookie_that_outlives_the_list_is_said_to_do_that_and_no_more() -> None:
    of = site(cookies={"analytics": (listed("_t", "1 day"),)})
    found = judged(seen("cookie", "_t", life=1e9), of=of, state="accepted")
    (said,) = compared(of, Report(PAGE, "shop", "", [PAGE], ["accepted"], found, []))
    assert said.fault == f"shop: {PAGE} keeps _t longer than the cookie list says."


@pytest.mark.parametrize(
    ("text", "pages", "more"),
    [
        ("<urlset><url><loc> https://a.example/?a=1&amp;b=2 </loc></url></urlset>", ["https://a.example/?a=1&b=2"], []),
        ("<urlset><url><loc><![CDATA[https://a.example/x]]></loc></url></urlset>", ["https://a.example/x"], []),
        ("<s:urlset><s:url><s:loc>https://a.example/</s:loc></s:url></s:urlset>", ["https://a.example/"], []),
        ("<sitemapindex><sitemap><loc>https://a.example/1.xml.gz</loc></sitemap></sitemapindex>", [],
            ["https://a.example/1.xml.gz"]),
        ("<html><loc>https://a.example/</loc>", [], []),
    ],
)  # fmt: skip
def test_a_sitemap_is_read_however_it_is_written(text: str, pages: list[str], more: list[str]) -> None:
    assert read_sitemap(text) == (pages, more)


@pytest.mark.parametrize(
    ("path", "is_opened"),
    [
        *((path, False) for path in ("/logout", "/account/log-out/", "/signout?x=1", "/hesab/cixis", "/cikis-yap")),
        *((path, False) for path in ("/%C3%A7%C4%B1x%C4%B1%C5%9F", "/выход", "/abmelden.html", "/deconnexion/")),
        *((path, False) for path in ("/?action=logout", "/index.php?route=account/logout", "/terms.pdf")),
        *((path, False) for path in ("/sign_out.php", "/user/signoff", "/?do=user.logout", "/?logout")),
        *(
            (path, False)
            for path in ("/film.webm", "/a.AVIF", "/day.ics", "/app.apk", "/b.epub", "/a.tar.gz", "/x.pptx")
        ),
        *(
            (path, False)
            for path in ("/?add-to-cart=5", "/shop/?x=1&remove_item=ab", "/unsubscribe?u=1", "/cart/add/7")
        ),
        *(
            (path, True)
            for path in ("/cart/", "/basket", "/unsubscribed-goods", "/?q=add-to-cart", "/add-to-cart-help")
        ),
        *((path, True) for path in ("/products/sign-outdoor-lamp", "/login?next=/logout", "/login?return_to=/cixis")),
        *((path, True) for path in ("/blog-outlet", "/cixis-yollari", "/sairento", "/?q=logouts", "/catalog-off")),
    ],
)
def test_what_ends_a_login_is_not_opened_in_whatever_language(path: str, is_opened: bool) -> None:
    found, left_out = [PAGE], []  # type: list[str], list[str]
    added = _take(found, [SHOP + path], PAGE, 9, left_out)
    assert (added, left_out) == (([SHOP + path], []) if is_opened else ([], [SHOP + path]))


RULES = (
    Rule("uk", ("GB",), {"analytics": "objection", "marketing": "objection"}),
    Rule("china", ("CN",), {"marketing": "off"}),
)


@pytest.mark.parametrize(
    ("place", "told", "state", "leaks"),
    [
        ("GB", None, "before", {"functional"}),
        (None, "uk", "before", {"functional"}),
        (None, "uk", "gpc", {"functional", "marketing"}),
        ("GB", None, "refused", {"functional", "analytics", "marketing"}),
        ("GB", None, "withdrawn", {"functional", "analytics", "marketing"}),
        ("GB", None, "accepted", set()),
        ("CN", "uk", "accepted", {"marketing"}),
        (None, "", "accepted", set()),
        ("", None, "accepted", {"marketing"}),
        (None, None, "accepted", {"marketing"}),
        (None, None, "before", {"functional", "analytics", "marketing"}),
        ("DE", None, "before", {"functional", "analytics", "marketing"}),
    ],
)
def test_what_may_be_there_is_by_the_rule_that_the_page_shows(
    place: str | None, told: str | None, state: str, leaks: set[str]
) -> None:
    categories = ("functional", "analytics", "marketing")
    of = site(rules=RULES, cookies={category: (listed(category),) for category in categories})
    tag = {**TAG, "ours": [{**TAG["ours"][0], "place": place}]}  # type: ignore[index]
    observed = Observed(
        state, [seen("cookie", name) for name in categories], tags={PAGE: tag}, looked_at={PAGE}, rule=told
    )
    assert {each.name for each in Judge("shop.example", of, [observed]).findings()} == leaks


def test_a_default_that_grants_what_is_on_until_objected_is_right() -> None:
    of = site(rules=RULES)
    calls = [call("default", analytics_storage="granted")]
    assert judged(of=of, rule="uk", consent_calls=calls) == []
    assert [each.name for each in judged(of=of, rule="", consent_calls=calls)] == ["granted by default"]


def test_the_report_says_which_rule_counted() -> None:
    judge = Judge("shop.example", site(rules=RULES), [Observed("before", looked_at={PAGE}, rule="uk")])
    assert judge.notes() == ["Audited from where the rule uk counts; other places have to be audited from there."]
    assert Judge("shop.example", site(), [Observed("before", looked_at={PAGE})]).notes() == []


def test_a_check_of_a_page_that_did_not_open_in_some_state_is_grave_and_a_place_is_no_fault() -> None:
    observed = [Observed("before", looked_at={PAGE}, rule="uk"), Observed("gpc")]
    judge = Judge("shop.example", site(rules=RULES), observed)
    report = Report(PAGE, "shop", "", [PAGE], ["before"], [], [], judge.notes(), judge.unaudited())
    found = [*compared(site(), report)]
    assert [each.fault for each in found if each.grave] == [
        f"shop: {PAGE} did not open although the browser sends Global Privacy Control."
    ]
    assert [each.fault for each in found if not each.grave] == [f"shop: gpc: not audited, for {NO_PAGE}."]
