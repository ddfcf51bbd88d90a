"""The rows of the table in docs/tag.md that are of scripts."""

from __future__ import annotations

from playwright.sync_api import Page

from .conftest import Shop, press, settle, until, when
from .rows import COUNT, HELD, Rows, hits, tracker

ELEMENTS = Rows("Elements")
row = ELEMENTS.row


def said_yes(shop: Shop, page: Page, body: str, head: str | None = None) -> None:
    """Open a page with this body, see that nothing happens, and accept all."""
    page.goto(shop.page(COUNT + body, head=head))
    settle(page)
    assert shop.hits == []
    assert page.evaluate("order") == []
    press(page, "accept")


@row("inline `script`")
def inline(shop: Shop, page: Page) -> None:
    said_yes(shop, page, f"<div id=here><script {HELD}>ran(document.currentScript.parentNode.id)</script><p></p></div>")
    until(page, "order.length")
    assert page.evaluate("order") == ["here"]
    assert page.evaluate("here.innerHTML.match(/<\\w+/g).join()") == "<script,<p"


@row("`script` with an address")
def external(shop: Shop, page: Page) -> None:
    text = "ran(document.currentScript.parentNode.id + document.currentScript.dataset.key)"
    shop.pages["/place.js"] = ("text/javascript", text, {})
    said_yes(shop, page, f"<div id=here><script {HELD} data-key=7 src=/place.js></script></div>")
    until(page, "order.length")
    assert page.evaluate("order") == ["here7"]
    assert page.evaluate("[here.children.length, here.firstChild.type]") == [1, "text/plain"]


@row('`data-type="module"`')
def module(shop: Shop, page: Page) -> None:
    said_yes(
        shop,
        page,
        f"<script {HELD} data-type=module>ran(import.meta.url ? 'inline' : '')</script>"
        f"<script {HELD} data-type=module src={tracker(shop, 'm.js')}></script>",
    )
    until(page, "order.length == 2")
    assert sorted(page.evaluate("order")) == ["/m.js", "inline"]


@row('`nomodule`, and a type that the browser does not run, `data-type="importmap"` for one')
def skipped(shop: Shop, page: Page) -> None:
    said_yes(
        shop,
        page,
        f"<script {HELD} nomodule src={tracker(shop, 'old.js')}></script>"
        f"<script {HELD} data-type='text/x-template' src={tracker(shop, 'template')}></script>"
        f'<script {HELD} data-type=importmap>{{ "imports": {{ "vendor": "{tracker(shop, "v.js")}" }} }}</script>'
        f"<script {HELD} src={tracker(shop, 'after.js')}></script>"
        f"<script {HELD} data-type=module>import 'vendor'; ran('module')</script>",
    )
    until(page, "order.includes('module')")
    assert page.evaluate("order") == ["/after.js", "/v.js", "module"]
    assert hits(shop) == ["after.js", "v.js"]


@row('`data-type="speculationrules"`')
def rules(shop: Shop, page: Page) -> None:
    ahead = '{"prefetch": [{"source": "list", "eagerness": "immediate", "urls": ["/ahead"]}]}'
    shop.pages["/ahead"] = ("text/html", "ahead", {})
    said_yes(shop, page, f"<script {HELD} data-type=speculationrules>{ahead}</script>")
    when(page, lambda: "GET /ahead" in shop.visits)


@row("a script that does not load, or throws")
def broken(shop: Shop, page: Page) -> None:
    page.route("**/never.js", lambda _: None)
    page.route("**/blocked.js", lambda route: route.abort("blockedbyclient"))
    said_yes(
        shop,
        page,
        f"<script {HELD} src={tracker(shop, 'blocked.js')}></script><script {HELD}>ran('a'); throw Error('a vendor throws')</script>"
        f"<script {HELD} src={tracker(shop, 'never.js')}></script><script {HELD}>ran('b')</script>"
        f"<iframe data-consent=analytics data-src={tracker(shop, 'frame')} title=F></iframe>",
    )
    until(page, "order.join() == 'a,b'")
    assert hits(shop) == ["frame"]


@row("`document.write` in a released script, or in what it starts with a promise")
def writing(shop: Shop, page: Page) -> None:
    shop.pages["/write.js"] = (
        "text/javascript",
        "document.open(); document.write('gone'); document.close(); ran('external')",
        {},
    )
    body = (
        f"<script {HELD}>document.write('<p>gone'); document.open(); document.writeln('x'); ran('inline')</script>"
        f"<script {HELD}>Promise.resolve().then(() => {{ document.write('gone'); ran('promised') }})</script>"
        f"<script {HELD} src=/write.js></script>"
        f"<script {HELD}>{{ const made = document.implementation.createHTMLDocument(); made.write('<p>own'); window.made = made.body.innerText }}</script>"
    )
    said_yes(shop, page, body)
    for _ in "the first time", "a returning shopper":
        until(page, "order.join() == 'inline,promised,external'")
        assert page.evaluate("document.querySelector('h1').textContent") == "Shop"
        assert page.evaluate("document.body.innerText.includes('gone')") is False
        until(page, "window.made == 'own'")
        until(page, "!Object.hasOwn(document, 'write') && /native/.test(document.write)")
        until(page, "consent.token")
        page.reload()


@row("a released script that waits for `DOMContentLoaded` or `load`")
def late(shop: Shop, page: Page) -> None:
    code = "addEventListener('load', () => ran('never')); document.addEventListener('DOMContentLoaded', () => ran('never'))"
    said_yes(shop, page, f"<script {HELD}>{code}; document.readyState == 'complete' && ran('at once')</script>")
    until(page, "order.length")
    settle(page)
    assert page.evaluate("order") == ["at once"]


@row("a script that markup made (`innerHTML`)")
def fragment(shop: Shop, page: Page) -> None:
    said_yes(shop, page, "<div id=box></div>")
    page.evaluate(
        "(html) => (box.innerHTML = html)",
        f"<script {HELD}>ran('inline')</script><script {HELD} src={tracker(shop, 'a.js')}></script>",
    )
    until(page, "order.length == 2")
    until(page, "box.children.length == 2")
    assert page.evaluate("order") == ["inline", "/a.js"]


@row("a copy (`cloneNode`) of a script that has run")
def copy(shop: Shop, page: Page) -> None:
    said_yes(
        shop,
        page,
        f"<div id=box><script {HELD}>ran('inline')</script><script {HELD} src={tracker(shop, 'a.js')}></script></div>",
    )
    until(page, "order.length == 2")
    page.evaluate(
        "const held = box; held.before(held.cloneNode(true)); document.body.append(held.cloneNode(true), held)"
    )
    settle(page)
    assert page.evaluate("order.length") == 2


@row("`innerHTML +=` around a script that has run")
def appended(shop: Shop, page: Page) -> None:
    said_yes(shop, page, f"<div id=box><script {HELD}>ran('inline')</script></div>")
    until(page, "order.length == 1")
    page.evaluate("box.innerHTML += '<p>more'")
    until(page, "order.length == 2")


@row("`iframe`")
def frame(shop: Shop, page: Page) -> None:
    said_yes(
        shop,
        page,
        f"<div id=box><iframe data-consent=analytics data-src={tracker(shop, 'film')} title=F></iframe></div>",
    )
    when(page, lambda: hits(shop) == ["film"])
    until(page, "consent.token")
    page.evaluate("window.kept = box.firstChild; window.entries = history.length")
    page.evaluate("window.copied = box.cloneNode(true)")
    page.evaluate("consent.decide({ analytics: false })")
    until(page, "!kept.src && kept.contentDocument")
    page.evaluate("document.body.append(copied)")
    page.reload()
    settle(page)
    assert hits(shop) == ["film"]
