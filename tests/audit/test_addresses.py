"""The address as it was typed, and where it leads."""

from __future__ import annotations

import gzip
from dataclasses import replace

import pytest
from werkzeug.wrappers import Request, Response

from consent_server.audit.browsing.browser import Error
from consent_server.audit.run import NotReached

from .farm import Farm
from .test_bad_input import kill_the_tab


def test_an_address_is_audited_once_however_it_is_typed(farm: Farm) -> None:
    farm.page('<a href="/">home</a><a href="/az/">az</a><script>fetch("/own")</script>')
    farm.files["/go"] = lambda _: Response("", 302, {"Location": "/az/"})
    farm.page('<a href="/go">here</a><a href="/az/#x">home</a>', "/az/")
    assert farm.site
    sites = [replace(farm.site, id="other", origins=("https://other.example",)), farm.site]
    typed = f"HTTP://Shop.LOCALHOST:{farm.port}"
    report = farm.audit(("before",), url=typed, site=None, sites=sites, pages=4)
    assert report.site == "shop"
    assert report.pages == [farm.url(), farm.url("/az/"), farm.url("/go")]
    assert report.findings == [], report.text()
    assert farm.audit(("before",), url=farm.url("/go"), pages=1).pages == [farm.url("/go")]


def test_sitemaps_of_sitemaps_packed_or_not_name_the_pages_once(farm: Farm) -> None:
    def sitemap(of: str, *urls: str) -> bytes:
        return f"<{of}>{''.join(f'<x><loc><![CDATA[{url}]]></loc></x>' for url in urls)}</{of}>".encode()

    for path in ("/one", "/two", "/three"):
        farm.page("", path)
    others = farm.url("/s.xml", "other")
    files = {
        "/robots.txt": f"Sitemap: {farm.url('/index.xml')}".encode(),
        "/index.xml": sitemap("sitemapindex", others, farm.url("/a.xml.gz"), farm.url("/b.xml.gz")),
        "/s.xml": sitemap("urlset", farm.url("/x", "other")),
        "/a.xml.gz": gzip.compress(sitemap("urlset", farm.url(""), farm.url("/one"), farm.url("/two#x"))),
        "/b.xml.gz": sitemap("urlset", farm.url("/three").replace("shop.", "SHOP.")),
    }
    for path, body in files.items():
        kind = "application/gzip" if path.endswith("gz") else "text/plain" if "robots" in path else "text/xml"
        farm.files[path] = lambda _, body=body, kind=kind: Response(body, content_type=kind)  # type: ignore[misc]
    report = farm.audit(("before",), pages=9)
    assert report.pages == [farm.url(path) for path in ("/", "/one", "/two", "/three")]


def test_a_menu_that_a_script_makes_is_waited_for_and_a_page_alone_says_so(farm: Farm) -> None:
    menu = """<a href="#main">Skip</a><script>setTimeout(() => document.body.append(
        Object.assign(document.createElement('a'), { href: '/two#top', text: 'two' })), 900)</script>"""
    farm.page(menu)
    farm.page("", "/two")
    report = farm.audit(("before",))
    assert (list(report.pages), report.notes) == ([farm.url(), farm.url("/two")], [])
    alone = farm.audit(("before",), url=farm.url("/two"))
    assert (list(alone.pages), ["one page" in note for note in alone.notes]) == ([farm.url("/two")], [True])


def test_a_name_and_password_in_the_address_let_the_audit_in(farm: Farm) -> None:
    def private(request: Request) -> Response:
        if not request.authorization:
            return Response("", 401, {"WWW-Authenticate": 'Basic realm="Shop"'})
        return Response(f'<!doctype html>{farm.tag}<a href="/two">two</a>', content_type="text/html")

    farm.files |= {"/private": private, "/two": private}
    named = farm.url("/private").replace("//", "//u:secret@")
    report = farm.audit(("before",), url=named, site=None, sites=[farm.site], pages=2)
    assert (report.site, report.pages, report.findings) == ("shop", [farm.url("/private"), farm.url("/two")], [])
    assert report.notes == []
    with pytest.raises(NotReached) as refused:
        farm.audit(("before",), url=farm.url("/nothing").replace("//", "//u:secret@"))
    assert "secret" not in f"{refused.value}"


def test_a_name_and_password_in_the_address_stand_in_no_report(farm: Farm) -> None:
    farm.page(
        farm.fill(
            '<script src="/own.js"></script><img alt="" src="{t}/pixel"><script>document.cookie = "a=1";'
            "localStorage.b = 1; navigator.serviceWorker.register('/serve.js'); new Worker('/work.js')</script>"
        ),
        head="",
    )
    for path in ("/own.js", "/serve.js", "/work.js"):
        farm.script(path, f"fetch('{{t}}{path}', {{ mode: 'no-cors' }})")
    report = farm.audit(("before",), url=farm.url().replace("//", "//u:secret@"), pages=1)
    assert {each.kind for each in report.findings} >= {"request", "cookie", "local-storage", "service-worker", "tag"}
    assert "secret" not in report.json() + report.text() + report.markdown()


def test_a_page_that_crashes_or_hangs_has_no_links_and_those_of_the_others_are_read(farm: Farm) -> None:
    farm.page('<a href="/crash">1</a><a href="/hangs">2</a><a href="/two">3</a><a href="/konto/abmelden">4</a>')
    farm.page('<script src="/kill"></script><a href="/lost">5</a>', "/crash")
    farm.page('<script>onload = () => { for (;;); }</script><a href="/lost">5</a>', "/hangs")
    farm.page('<a href="/three">6</a>', "/two")
    farm.page("", "/three")
    farm.files["/kill"] = kill_the_tab
    report = farm.audit((), pages=9)
    assert report.pages == [farm.url(path) for path in ("/", "/crash", "/hangs", "/two", "/three")]
    assert f"The links of {farm.url('/crash')}, {farm.url('/hangs')} could not be read." in report.notes
    assert (
        f"Not opened, as by the name no page, or one that does something: {farm.url('/konto/abmelden')}."
        in report.notes
    )


def test_an_address_that_leads_to_another_is_not_audited(farm: Farm) -> None:
    farm.files["/go"] = lambda _: Response("", 302, {"Location": farm.url("/x", "other")})
    with pytest.raises(NotReached, match="leads on to another's http://other"):
        farm.audit(("before",), url=farm.url("/go"))


def test_a_shop_that_answers_once_and_then_no_more_is_not_audited(farm: Farm) -> None:
    asked: list[str] = []

    def once(request: Request) -> Response:
        asked.append(request.path)
        return Response("<h1>Shop</h1>", 200 if len(asked) == 1 else 503, content_type="text/html")

    farm.files["/once"] = once
    with pytest.raises(NotReached, match=r"no page of the shop could be opened.*answered with status 503"):
        farm.audit(("before", "gpc"), url=farm.url("/once"), pages=1)


def test_a_tab_that_ends_before_its_pages_are_known_is_a_sentence(farm: Farm, monkeypatch: pytest.MonkeyPatch) -> None:
    async def ends(*_: object, **__: object) -> None:
        raise Error("Target crashed")

    monkeypatch.setattr("consent_server.audit.run.find_pages", ends)
    with pytest.raises(NotReached, match="could not be audited: Target crashed"):
        farm.audit(("before",))
