"""What is done with each kind of element: the rows of the table in docs/tag.md."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from .conftest import Shop, press, settle, until, when
from .rows import COUNT, HELD, Rows, hits, tracker

ELEMENTS = Rows("Elements")
row = ELEMENTS.row

pytestmark = pytest.mark.troubles("Failed to (load|execute 'write')|consent: |MIME|[Bb]locked|a vendor throws")


def test_each_row_of_the_table_is_a_test() -> None:
    assert ELEMENTS.written[1:] == list(ELEMENTS)


@pytest.mark.parametrize("name", ELEMENTS)
def test_the_row_is_true(shop: Shop, page: Page, name: str) -> None:
    ELEMENTS[name](shop, page)


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


@row("`img`, its `srcset` too")
def picture(shop: Shop, page: Page) -> None:
    said_yes(
        shop,
        page,
        f"<img alt='' data-consent=analytics data-src={tracker(shop, 'a.gif')}>"
        f"<img alt='' data-consent=analytics data-src={tracker(shop, 'no')} data-srcset='{tracker(shop, 'b.gif')} 1x'>",
    )
    when(page, lambda: sorted(hits(shop)) == ["a.gif", "b.gif"])


@row("`picture`, `video`, `audio`, with their `source`s")
def parts(shop: Shop, page: Page) -> None:
    said_yes(
        shop,
        page,
        f"<picture data-consent=analytics><source data-srcset={tracker(shop, 'wide.gif')}><img alt='' data-src={tracker(shop, 'no')}></picture>"
        f"<video data-consent=analytics preload=auto data-poster={tracker(shop, 'poster')}><source data-src={tracker(shop, 'film')}></video>"
        f"<audio data-consent=analytics preload=auto data-src={tracker(shop, 'song')}></audio>",
    )
    when(page, lambda: {*hits(shop)} == {"wide.gif", "poster", "film", "song"})


@row("`link`")
def link(shop: Shop, page: Page) -> None:
    said_yes(shop, page, f"<link rel=stylesheet data-consent=analytics data-href={tracker(shop, 'style')}>")
    when(page, lambda: hits(shop) == ["style"])


@row("a copy (`cloneNode`, `cloneContents`, `importNode`, or the text of `innerHTML` and `outerHTML`) of any other")
def asks(shop: Shop, page: Page) -> None:
    said_yes(
        shop,
        page,
        f"<div id=box><link rel=stylesheet data-consent=analytics data-href={tracker(shop, 'style')}>"
        f"<video data-consent=analytics data-poster={tracker(shop, 'poster')}></video></div>",
    )
    when(page, lambda: sorted(hits(shop)) == ["poster", "style"])
    until(page, "consent.token")
    page.evaluate("window.copied = box.cloneNode(true); window.text = [box.innerHTML, box.outerHTML]")
    page.evaluate("consent.decide({ analytics: false })")
    until(page, "!document.querySelector('link').href")
    page.evaluate(
        "document.body.append(copied, ...text.map((html) => document.createRange().createContextualFragment(html)))"
    )
    settle(page)
    assert sorted(hits(shop)) == ["poster", "style"]
    page.evaluate("for (const more of [...document.body.children].slice(-4)) if (more != copied) more.remove()")
    page.evaluate("consent.decide({ analytics: true })")
    # A browser asks once or twice for what two elements want at the same moment.
    when(page, lambda: all(hits(shop).count(path) > 1 for path in ("poster", "style")))
    page.evaluate("document.body.append(copied.cloneNode(true))")
    until(page, "document.querySelectorAll('link[href],video[poster]').length == 6")
    page.evaluate("document.body.insertAdjacentHTML('beforeend', copied.outerHTML)")
    until(page, "document.querySelectorAll('link[href],video[poster]').length == 8")


@row("any other: `object`, `embed`, `a`, `form`, `svg`; `srcdoc`")
def others(shop: Shop, page: Page) -> None:
    there = tracker(shop, "x")
    said_yes(
        shop,
        page,
        f"<object data-consent=analytics data-data={there} data-src={there}></object>"
        f"<embed data-consent=analytics data-src={there}><a data-consent=analytics data-href={there}>a</a>"
        f"<svg><script data-consent=analytics type=text/plain data-src={there}></script>"
        f"<image data-consent=analytics data-href={there} /></svg><div data-consent=analytics data-src={there}></div>"
        f"<iframe data-consent=analytics data-srcdoc='<img src={there}>' title=F></iframe>",
    )
    settle(page)
    assert hits(shop) == []
    assert page.evaluate("document.querySelector('a').href + document.querySelector('embed').src") == ""


@row("an address of `javascript:`, `data:`, `blob:`, however it is spelled, of a script too")
def not_of_a_host(shop: Shop, page: Page) -> None:
    addresses = [
        *("javascript:top.ran(1)", " JavaScript:top.ran(1)", "java\tscript:top.ran(1)", "\x01javascript:top.ran(1)"),
        *("data:text/html,<script>top.ran(1)</script>", "DATA:text/html,x", "vbscript:x", "java\nscript:top.ran(1)"),
        *("data:text/javascript,ran(1)", " data:text/javascript;base64,cmFuKDEp"),
    ]
    said_yes(shop, page, "")
    page.evaluate(
        """(addresses) => {
          for (const address of [...addresses, ...['<script>top.ran(1)</script>', 'ran(1)'].map((text) =>
            URL.createObjectURL(new Blob([text], { type: 'text/html' })))]) {
            for (const name of ['iframe', 'img', 'script']) {
              const part = document.createElement(name);
              part.type = 'text/plain';
              part.dataset.consent = 'analytics';
              part.dataset.src = address;
              part.dataset.srcset = address + ' 2x';
              document.body.append(part);
            }
          }
        }""",
        addresses,
    )
    settle(page)
    assert page.evaluate("order") == []
    assert page.evaluate("document.querySelectorAll('[src],[srcset]').length") == page.evaluate(
        "document.querySelectorAll('script[src]').length"
    )


@row("`data-consent` that is empty, says `necessary`, or no category that there is")
def unknown(shop: Shop, page: Page) -> None:
    said_yes(
        shop,
        page,
        "".join(
            f"<script type=text/plain data-consent='{name}'>ran('{name}')</script>"
            f"<iframe title=F data-consent='{name}' data-src={tracker(shop, 'x')}></iframe>"
            for name in ("", "necessary", "necessary analytics", "analitycs", "constructor", "*")
        ),
    )
    settle(page)
    assert page.evaluate("order") == []
    assert hits(shop) == []


@row("attributes that are set or changed later")
def changed(shop: Shop, page: Page) -> None:
    said_yes(shop, page, "<iframe id=frame title=F></iframe><script id=script type=text/plain>ran('script')</script>")
    for change in (
        f"frame.dataset.src = '{tracker(shop, 'one')}'",
        "frame.dataset.consent = 'analytics'",
        f"frame.dataset.src = '{tracker(shop, 'two')}'",
        "script.dataset.consent = 'marketing'",
    ):
        page.evaluate(change)
        settle(page)
    assert hits(shop) == ["one", "two"]
    assert page.evaluate("order") == ["script"]
    page.evaluate("window.here = 1; consent.decide({ marketing: false })")
    until(page, "!window.here && window.consent && !consent.allows('marketing') && consent.token")  # it came anew
    page.evaluate(f"frame.dataset.src = '{tracker(shop, 'three')}'; frame.dataset.consent = 'marketing'")
    settle(page)
    assert hits(shop) == ["one", "two"]


@row("in an open shadow root")
def shadow(shop: Shop, page: Page) -> None:
    define = """
      customElements.define('shop-film', class extends HTMLElement {
        connectedCallback() {
          this.attachShadow({ mode: this.getAttribute('mode') }).innerHTML =
            `<iframe title=F data-consent=analytics data-src=${this.getAttribute('film')}></iframe>`;
        }
      })"""
    said_yes(
        shop,
        page,
        f"<shop-film mode=open film={tracker(shop, 'later')}></shop-film><script>{define.replace('shop-film', 'shop-early')}</script>"
        f"<shop-early mode=open film={tracker(shop, 'early')}></shop-early>"
        f"<shop-early mode=closed film={tracker(shop, 'closed')}></shop-early>"
        f"<div><template shadowrootmode=open><iframe title=F data-consent=analytics data-src={tracker(shop, 'declared')}></iframe></template></div>",
    )
    when(page, lambda: sorted(hits(shop)) == ["declared", "early"])
    page.evaluate(define)
    when(page, lambda: sorted(hits(shop)) == ["declared", "early", "later"])
    page.evaluate("document.querySelector('shop-early').shadowRoot.innerHTML += '<p>'")
    settle(page)
    assert "closed" not in hits(shop)
