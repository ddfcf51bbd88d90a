"""What is a finding and what is none, and what is said of it: told of sightings alone, without a browser."""

from __future__ import annotations

import pytest

from consent_server.audit.browsing.documents import Documents
from consent_server.audit.browsing.pages import _take, read_sitemap
from consent_server.audit.findings import NO_PAGE, Judge
from consent_server.audit.observed import ConsentCall, Observed
from consent_server.audit.report import Report
from consent_server.check.page import compared
from consent_server.site.rules import Rule

from .sightings import PAGE, SHOP, TAG, asked, call, judged, listed, seen, shown, site

TOO_LATE = "no default before hit"


def test_hosts_in_the_middle_of_a_way_to_the_shops_own_page_are_no_others() -> None:
    documents = Documents()
    shown(documents, 1.0, PAGE, "https://way.example/x", f"{PAGE}home")
    assert not documents.is_elsewhere(asked("https://way.example/x", at=0.9))


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
