"""What is wrong in one state only, with consent mode, or with our own tag; and a shop that obeys."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest
from flask import request as at_the_server
from werkzeug.wrappers import Request, Response

from consent_server.audit.report import Report
from consent_server.site.rules import Rule

from .farm import Farm, cookie

HELD = """
<script type="text/plain" data-consent="analytics" src="{good}/tag.js"></script>
<script>document.cookie = 'basket=1'; localStorage.removeItem('nothing')</script>
<img alt="" src="{shop}/own.png">"""


def names(report: Report, *states: str) -> set[tuple[str, str, str]]:
    return {(each.state, each.kind, each.name) for each in report.findings if not states or each.state in states}


def test_a_shop_that_obeys_is_clean_in_every_state(farm: Farm) -> None:
    farm.script("/tag.js", "document.cookie = '_t1=1'")
    body = farm.fill(HELD).replace("{good}", farm.url("", "good"))
    head = '<script nomodule src="/for-old-browsers.js"></script>' + farm.tag
    farm.page(body + '<a href="/two">two</a>', head=head)
    farm.page(body, "/two")
    report = farm.audit()
    assert report.findings == []
    assert report.notes == []
    assert list(report.pages) == [farm.url("/"), farm.url("/two")]
    assert [(row["name"], row["states"]) for row in report.seen if row["name"] == "_t1"] == [("_t1", ["accepted"])]
    assert any(row["host"].startswith("good.") and row["states"] == ["accepted"] for row in report.seen)


def test_what_goes_on_after_a_refusal_or_a_withdrawal_is_named_in_that_state(farm: Farm) -> None:
    listen = "document.addEventListener('consentchange', ({ detail }) => setTimeout(() => { "
    refused = listen + "if (!detail.analytics && !window.was) fetch('{t}/after-no', { mode: 'no-cors' });"
    refused += " window.was = detail.analytics }));"
    withdrawn = listen + "if (detail.analytics) sessionStorage.setItem('basket', 'ran') }));"
    withdrawn += (
        "if (sessionStorage.basket && consent.choice?.analytics === false) fetch('{t}/goes-on', { mode: 'no-cors' });"
    )
    farm.script("/listener.js", refused + withdrawn)
    farm.page('<script src="/listener.js"></script>')
    report = farm.audit(("before", "refused", "accepted", "withdrawn"))
    found = names(report)
    assert ("refused", "request", farm.url("/after-no", "t")) in found
    assert ("withdrawn", "request", farm.url("/goes-on", "t")) in found
    assert {state for state, _, name in found if name.startswith(farm.url("", "t"))} == {"refused", "withdrawn"}
    assert {each.initiator for each in report.findings} == {farm.url("/listener.js")}


def test_a_cookie_that_another_has_since_the_yes_is_no_finding_after_the_withdrawal(farm: Farm) -> None:
    """No page of the shop can take it away."""
    theirs = replace(cookie("theirs"), host="good.localhost")
    farm.serve(cookies={"analytics": (theirs,)})
    sets = {"Set-Cookie": "theirs=1; Secure; SameSite=None; Partitioned; Max-Age=1000"}
    farm.files["/embed"] = lambda _: Response("<p>Film", 200, sets, content_type="text/html")
    farm.page(f'<iframe title="F" data-consent="analytics" data-src="{farm.url("/embed", "good")}"></iframe>')
    report = farm.audit(("accepted", "withdrawn"), pages=1)
    assert report.findings == [], report.text()
    assert [row["states"] for row in report.seen if row["name"] == "theirs"] == [["accepted"]]


HIDES = """<script>
  new MutationObserver(() => document.querySelector('#ask, [data-ask]')?.remove())
    .observe(document, { childList: true, subtree: true });
</script>"""


MOVES = """<script>
  const banner = () => document.querySelector('[data-ask] [role=dialog]');
  const move = () => banner()?.style.setProperty('transform', '%s', 'important');
  new MutationObserver(move).observe(document, { childList: true, subtree: true });
</script>"""
COVERS = """<img alt="" src="/shown"><%s style="width:100vw;height:100vh;margin:0">Buy</%s><script>
  const waits = setInterval(() => {
    if (!document.querySelector('[data-ask] [role=dialog]')) return;
    clearInterval(waits);
    document.querySelector('%s').%s();
    fetch('/cover-is-there');
  }, 10);
</script>"""
"""The page has loaded once it lies there."""


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (MOVES % "translateX(-3000px)", ""),
        (MOVES % "translateY(-3000px)", ""),
        ("", COVERS % ('div popover="manual"', "div", "[popover]:not([data-ask])", "showPopover")),
    ],
)
def test_a_banner_that_is_out_of_sight_or_under_something_does_not_show(farm: Farm, head: str, body: str) -> None:
    covered = threading.Event()
    farm.files["/shown"] = lambda _: Response("", 200 if covered.wait(20) else 503)
    farm.files["/cover-is-there"] = lambda _: Response(f"{covered.set()}")
    farm.page(body, head=head + farm.tag)
    assert names(farm.audit(("before",), pages=1)) == {("before", "tag", "no banner")}


def test_a_window_of_the_pages_own_that_comes_first_hides_no_banner(farm: Farm) -> None:
    covered = threading.Event()
    farm.files["/shown"] = lambda _: Response("", 200 if covered.wait(20) else 503)
    farm.files["/cover-is-there"] = lambda _: Response(f"{covered.set()}")
    farm.page(COVERS % ("dialog", "dialog", "dialog", "showModal"))
    assert names(farm.audit(("before",), pages=1)) == set()


def test_where_nothing_is_asked_there_is_no_banner_and_nothing_wrong(farm: Farm) -> None:
    off = dict.fromkeys(("functional", "analytics", "marketing"), "off")
    farm.serve(rules=(Rule("nowhere", ("CN",), off),))
    farm.page("", head=farm.tag.replace("<script", '<script data-place="CN"'))
    report = farm.audit(("before", "refused"), pages=1)
    assert report.findings == [], report.text()
    assert "refused: not audited, for nothing is asked where the audit runs." in report.notes


@pytest.mark.parametrize("other", ["", "x"])
def test_of_a_tag_that_stands_inline_the_server_is_the_one_that_it_names(farm: Farm, other: str) -> None:
    assert farm.app
    gate = farm.app.test_client().get("/v1/shop/consent.js", headers={"Host": "shop.localhost"}).get_data(as_text=True)
    calls = f"<script>fetch('{farm.url('/v1/keep/shown', other)}', {{ mode: 'no-cors' }})</script>" if other else ""
    farm.page(calls, head=f'<script data-base="{farm.url("/v1/shop/")}">{gate}</script>')
    report = farm.audit(("before", "refused", "accepted"), pages=1)
    assert {each.name for each in report.findings} == ({farm.url("/v1/keep/shown", other)} if other else set())


COVERED = """<button data-consent-open>Cookies</button>
<div style="position:fixed;inset:0;z-index:9" onclick="event.stopPropagation()"></div>"""


def test_what_to_type_fits_the_element_that_asks(farm: Farm) -> None:
    farm.serve(trackers=(("t.localhost", "marketing"),))
    elements = '<img alt="" src="{t}/pixel"><iframe title="F" src="{t}/film"></iframe><script src="{t}/a.js"></script>'
    elements += '<object data="{t}/object"></object><embed src="{t}/embed">'
    farm.page(f'<link rel="stylesheet" href="{{t}}/a.css">{elements}', head="")
    report = farm.audit(("before",), pages=1)
    marks = {each.name.rpartition("/")[2]: each.fix.partition(": ")[2] for each in report.findings}
    held = 'data-consent="marketing"'
    assert marks == {
        "missing": "",
        "a.js": f'type="text/plain" {held}.',
        "a.css": f"{held}, with data-href in place of href.",
        **dict.fromkeys(("pixel", "film"), f"{held}, with data-src in place of src."),
        **dict.fromkeys(("object", "embed"), f'type="text/plain" {held}.'),
    }, report.text()
    by_script = {each.name.rpartition("/")[2] for each in report.findings if each.fix.startswith("Have a script add")}
    assert by_script == {"object", "embed"}, report.text()


def test_a_modal_window_of_the_pages_is_closed_to_answer_and_that_is_said(farm: Farm) -> None:
    farm.page("<dialog id='age'>Are you 18?</dialog><script>age.showModal()</script>")
    report = farm.audit(("refused", "withdrawn"), pages=1)
    assert (report.findings, report.states) == ([], ["refused", "withdrawn"]), report.text()
    assert {note.partition(":")[0] for note in report.notes if "<dialog>" in note} == {"refused", "withdrawn"}


def test_settings_whose_button_cannot_be_pressed_are_opened_by_a_call_and_that_is_said(farm: Farm) -> None:
    farm.page(COVERED)
    report = farm.audit(("withdrawn",), pages=1)
    assert (report.findings, report.states) == ([], ["withdrawn"]), report.text()
    assert ["data-consent-open" in note for note in report.notes] == [True]


@pytest.mark.parametrize(
    ("head", "name"),
    [
        ("", "missing"),
        ("{tag}{tag}", "twice"),
        ("{other}", "wrong site"),
        ("{inline}", "wrong site"),
        ("{async}", "async"),
        ('<script src="/first.js"></script>{tag}', "late"),
        ("{hides}{tag}", "no banner"),
    ],
)
def test_a_tag_that_stands_wrongly_is_named(farm: Farm, head: str, name: str) -> None:
    farm.script("/first.js", "")
    assert farm.app
    gate = farm.app.test_client().get("/v1/other/consent.js", base_url=farm.url()).text
    for word, tag in (
        ("{hides}", HIDES),
        ("{tag}", farm.tag),
        ("{other}", farm.tag.replace("/shop/", "/other/")),
        ("{inline}", f'<script data-base="{farm.url("/v1/other/")}">{gate}</script>'),
        ("{async}", farm.tag.replace("<script", "<script async")),
    ):
        head = head.replace(word, tag)
    farm.page("", head=head)
    assert ("before", "tag", name) in names(farm.audit(("before",), pages=1))


def test_gpc_goes_with_every_request_and_makes_no_preflights(farm: Farm) -> None:
    asked: list[tuple[str, str | None]] = []

    def answer(request: Request) -> Response:
        asked.append((request.method, request.headers.get("Sec-GPC")))
        return Response("", 200, {"Access-Control-Allow-Origin": "*"})

    farm.files["/cors"] = answer
    farm.page(farm.fill("<script>navigator.globalPrivacyControl && fetch('{t}/cors')</script>"))
    farm.audit(("before", "gpc"), pages=1)
    assert {*asked} == {("GET", "1")}


def test_nothing_of_an_audit_is_counted_in_the_rates(farm: Farm) -> None:
    posts: list[str] = []
    assert farm.app
    farm.app.before_request(lambda: posts.append(at_the_server.path))
    farm.audit(("refused",), pages=1)
    assert not [path for path in posts if path.endswith(("/shown", "/decisions"))]
    assert [path for path in posts if path.endswith("/consent.js")]


def test_a_back_end_that_asks_for_a_token_takes_an_audit_for_no_answer(farm: Farm) -> None:
    said: set[tuple[bool, bool]] = set()
    farm.page("<script>fetch('/v1/shop/allows/analytics')</script>")
    assert farm.app

    @farm.app.after_request
    def _(response: Any) -> Any:
        if at_the_server.path.endswith("/allows/analytics"):
            said.add(("consent" in at_the_server.cookies, response.status_code == 204))
        return response

    farm.audit(("accepted",), pages=1)
    assert said == {(False, False), (True, False)}


def test_a_tracker_that_the_shop_hands_on_is_suspected_by_the_number_it_gave(farm: Farm) -> None:
    farm.page("<script>document.cookie = '_t1=GA1.1.123456.789012'; fetch('/metrics?id=123456.789012')</script>")
    report = farm.audit(("before",), pages=1)
    found = [each for each in report.findings if each.name == farm.url("/metrics")]
    assert [each.fix.startswith("Suspected") for each in found] == [True]


def test_the_number_is_the_shops_cookies_and_no_third_partys_of_that_name_and_an_answers_is_none(farm: Farm) -> None:
    for host, value in (("aa", "99999999.111111"), ("zz", "99999999.222222")):
        sets = f"_t1={value}; SameSite=None; Secure; Path=/"
        farm.files[f"/{host}"] = lambda _, sets=sets: Response("", 200, {"Set-Cookie": sets})  # type: ignore[misc]
    farm.files["/session"] = lambda _: Response("", 200, {"Set-Cookie": "sid=77777777abcdefgh; Path=/"})
    farm.page(
        f"<img alt='' src='{farm.url('/aa', 'aa')}'><img alt='' src='{farm.url('/zz', 'zz')}'><script>"
        "document.cookie = '_t1=GA1.1.123456.789012'; document.cookie = '_xyz=0f9b1c2d3e4f5a6b';"
        "fetch('/listed?id=123456.789012'); fetch('/unlisted?id=0f9b1c2d3e4f5a6b');"
        "fetch('/session').then(() => fetch('/own?sid=77777777abcdefgh'))</script>"
    )
    report = farm.audit(("before", "refused"), pages=1)
    suspected = {(each.state, each.name) for each in report.findings if each.fix.startswith("Suspected")}
    assert suspected == {(s, farm.url(path)) for s in ("before", "refused") for path in ("/listed", "/unlisted")}


def test_what_is_on_until_somebody_objects_is_clean_where_the_page_says_so(farm: Farm) -> None:
    farm.settings = replace(farm.settings, country_header="X-Country")
    rules = (Rule("uk", ("GB",), {"analytics": "objection"}),)
    farm.serve(rules=rules, gpc=True)
    farm.script("/tag.js", "document.cookie = '_t1=1'")
    farm.page(HELD.replace("{good}", farm.url("", "good")).replace("{shop}", ""))
    farm.country = "GB"
    report = farm.audit(("before", "refused", "gpc"), pages=1)
    assert report.findings == [], report.text()
    assert {name: row["states"] for row in report.seen if (name := row["name"]) == "_t1"} == {"_t1": ["before", "gpc"]}
    farm.country = "DE"
    report = farm.audit(("before",), pages=1)
    assert report.findings == [], report.text()
    assert not [row for row in report.seen if row["name"] == "_t1"]
    body = HELD.replace("{good}", farm.url("", "good")).replace("{shop}", "")
    farm.page(body, head=farm.tag.replace("<script", '<script data-place="GB"'))
    report = farm.audit(("before",), pages=1)
    assert report.findings == [], report.text()
    assert [row for row in report.seen if row["name"] == "_t1"]


def test_the_sitemap_says_which_pages_there_are(farm: Farm) -> None:
    farm.page('<a href="/linked">linked</a>')
    farm.page("", "/listed")
    urls = "".join(f"<url><loc>{farm.url(path)}</loc></url>" for path in ("/", "/listed"))
    farm.files["/sitemap.xml"] = lambda _: Response(f"<urlset>{urls}</urlset>", content_type="application/xml")
    assert list(farm.audit(("before",)).pages) == [farm.url("/"), farm.url("/listed")]
