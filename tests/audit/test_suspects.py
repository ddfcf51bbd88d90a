"""What is suspected to be a tracker, by its address, its name or what it sends, and what is not."""

from __future__ import annotations

import pytest

from consent_server.audit.observed import unique
from consent_server.site import Site

from .sightings import PAGE, SHOP, asked, judged, listed, seen, site


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
