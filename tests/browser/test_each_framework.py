"""What frameworks do to held elements and the gate to theirs: the rows of the table in docs/tag.md."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from .conftest import Shop, press, settle, until, when
from .libraries import library, rendered
from .rows import COUNT, HELD, Rows, hits, tracker

FRAMEWORKS = Rows("Frameworks")
row = FRAMEWORKS.row

pytestmark = pytest.mark.troubles("Failed to load|consent: ")

PRODUCT = """[
  h('h1', { key: 0 }, 'App'),
  h('p', { key: 1 }, name),
  name == 'gone' ? null : h('section', { key: 2 },
    h('script', { type: 'text/plain', 'data-consent': 'analytics', dangerouslySetInnerHTML: { __html: 'ran("inline")' } }),
    h('script', { type: 'text/plain', 'data-consent': 'analytics', src: '{t}/a.js' }),
    h('iframe', { 'data-consent': 'analytics', 'data-src': '{t}/film', title: 'Film' }))]"""
"""What React shows: an inline script, one with an address, and a frame."""


def test_each_row_of_the_table_is_a_test() -> None:
    assert FRAMEWORKS.written[1:] == list(FRAMEWORKS)


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_the_row_is_true(shop: Shop, page: Page, name: str) -> None:
    FRAMEWORKS[name](shop, page)


def with_library(shop: Shop, name: str) -> str:
    """Return a head with our tag and a framework."""
    shop.pages["/library.js"] = ("text/javascript", library(name), {})
    return f"{shop.tag}{COUNT}<script src=/library.js></script>"


def goes_and_lives(shop: Shop, page: Page) -> None:
    """See that each ran once, then that the app can take away what it made and put it back."""
    until(page, "order.length == 2")
    when(page, lambda: sorted(hits(shop)) == ["a.js", "film"])
    assert page.evaluate("order") == ["inline", "/a.js"]
    until(page, "!document.querySelector('[data-turbo-temporary]')")
    page.evaluate("show('gone')")
    until(page, "!document.querySelector('section')")
    expect(page.get_by_role("heading", name="App")).to_be_visible()
    page.evaluate("show('back')")
    expect(page.get_by_text("back", exact=True)).to_be_visible()
    until(page, "document.querySelector('iframe').src")


def client(version: str) -> Callable[[Shop, Page], None]:
    """Return the test of an app that React draws in the browser."""

    def test(shop: Shop, page: Page) -> None:
        source = f"""
          const h = React.createElement;
          const App = () => {{
            const [name, set] = React.useState('shown');
            window.show = set;
            return {PRODUCT.replace("{t}", tracker(shop).rstrip("/"))};
          }};
          createRoot(app).render(h(App));"""
        head = with_library(shop, f"react{version}")
        page.goto(shop.page(f"<div id=app></div><script>{source}</script>", head=head))
        settle(page)
        assert shop.hits == []
        press(page, "accept")
        goes_and_lives(shop, page)

    return test


def hydrated(version: str, whole: bool) -> Callable[[Shop, Page], None]:
    """Return the test of an app that React draws on a server and takes over in the browser."""

    def test(shop: Shop, page: Page) -> None:
        product = PRODUCT.replace("{t}", tracker(shop).rstrip("/"))
        head = with_library(shop, f"react{version}")
        if whole:
            scripts = [
                f"h('script', {{ key: {i}, src: '{src}' }})"
                for i, src in enumerate([shop.url("/v1/shop/consent.js"), "/count.js", "/library.js"])
            ]
            tree = f"h('html', {{ lang: 'en' }}, h('head', {{}}, [{','.join(scripts)}]), h('body', {{}}, {product}, h('script', {{ src: '/app.js' }})))"
            root = "document"
        else:
            tree, root = f"h(React.Fragment, {{}}, {product})", "app"
        source = f"""
          const h = React.createElement;
          window.recovered = [];
          const App = () => {{
            const [name, set] = React.useState('shown');
            window.show = set;
            return {tree};
          }};
          hydrateRoot({root}, h(App), {{ onRecoverableError: (error) => recovered.push(String(error)) }});"""
        html = rendered(version, f"((name) => {tree})('shown')")
        shop.pages["/app.js"] = ("text/javascript", source, {})
        shop.pages["/count.js"] = ("text/javascript", COUNT[8:-9], {})
        if whole:
            shop.pages["/"] = ("text/html; charset=utf-8", f"<!doctype html>{html}", {})
        else:
            shop.page(f"<div id=app>{html}</div><script src=/app.js></script>", head=head)
        page.goto(shop.url("/"))
        press(page, "accept")
        until(page, "order.length == 2 && consent.token")
        when(page, lambda: sorted(hits(shop)) == ["a.js", "film"])
        shop.hits.clear()
        page.reload()  # of a shopper who comes back: what is released runs before and while React takes over
        goes_and_lives(shop, page)
        assert page.evaluate("recovered") == []

    return test


for version in "18", "19":
    row(f"React {version}")(client(version))
    row(f"React {version}, a part of the page that a server drew")(hydrated(version, whole=False))
    row(f"React {version}, a whole document that a server drew")(hydrated(version, whole=True))


@row("Vue 3")
def vue(shop: Shop, page: Page) -> None:
    there = tracker(shop)
    source = f"""
      const {{ h, ref, createApp }} = Vue;
      const name = ref('shown');
      window.show = (value) => (name.value = value);
      createApp(() => [h('h1', 'App'), h('p', name.value), name.value == 'gone' ? null : h('section', [
        h('script', {{ type: 'text/plain', 'data-consent': 'analytics' }}, 'ran("inline")'),
        h('script', {{ type: 'text/plain', 'data-consent': 'analytics', src: '{there}a.js' }}),
        h('iframe', {{ 'data-consent': 'analytics', 'data-src': '{there}film', title: 'Film' }})])]).mount(app);"""
    page.goto(shop.page(f"<div id=app></div><script>{source}</script>", head=with_library(shop, "vue")))
    settle(page)
    assert shop.hits == []
    press(page, "accept")
    goes_and_lives(shop, page)


def two_pages(shop: Shop, name: str, one: str, attributes: str = "") -> None:
    """Serve two pages that a framework swaps: the first with held elements."""
    head = with_library(shop, name)
    shop.page(f"<div {attributes}><h2>One</h2><a href=/two>two</a>{one}</div>", "/one", head=head)
    shop.page(
        f"<div {attributes}><h2>Two</h2><a href=/one>one</a><script {HELD}>ran('two')</script></div>", "/two", head=head
    )


def visit(page: Page, name: str) -> None:
    """Follow a link, without leaving the document."""
    page.evaluate("window.here = true")
    page.get_by_role("link", name=name).click()
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    assert page.evaluate("window.here") is True


@row("Turbo: a visit, and back")
def turbo(shop: Shop, page: Page) -> None:
    script = f"<script {HELD}>ran('one')</script><script {HELD} src={tracker(shop, 'a.js')}></script>"
    two_pages(shop, "turbo", script)
    page.goto(shop.url("/one"))
    press(page, "accept")
    until(page, "order.join() == 'one,/a.js'")
    visit(page, "two")
    until(page, "order.length == 3")
    page.evaluate("history.back()")
    expect(page.get_by_role("heading", name="One")).to_be_visible()
    until(page, "order.length == 5")
    settle(page)
    assert page.evaluate("order") == ["one", "/a.js", "two", "one", "/a.js"]


@row("Turbo: a page that is morphed")
def turbo_morphed(shop: Shop, page: Page) -> None:
    shop.pages["/turbo.js"] = ("text/javascript", library("turbo"), {})
    head = f"{shop.tag}<script src=/turbo.js></script><meta name=turbo-refresh-method content=morph>"
    frame = f"<iframe data-consent=analytics data-src={tracker(shop, 'film')} title=F></iframe>"
    page.goto(shop.page(frame, head=head))
    press(page, "accept")
    when(page, lambda: hits(shop) == ["film"])
    page.evaluate("document.addEventListener('turbo:render', () => (window.morphed = 1))")
    page.evaluate("void Turbo.visit(location.href, { action: 'replace' })")
    until(page, "window.morphed")
    settle(page)
    assert page.evaluate("document.querySelector('iframe').hasAttribute('src')")
    assert hits(shop) == ["film"]


@row("Turbo: back after a withdrawal")
def turbo_withdrawn(shop: Shop, page: Page) -> None:
    two_pages(shop, "turbo", f"<iframe data-consent=analytics data-src={tracker(shop, 'film')} title=F></iframe>")
    shop.page("<h2>Two</h2>", "/two", head=with_library(shop, "turbo"))  # no script that ran has the page come anew
    page.goto(shop.url("/one"))
    press(page, "accept")
    when(page, lambda: hits(shop) == ["film"])
    visit(page, "two")
    page.evaluate("consent.decide({ analytics: false })")
    until(page, "consent.token && !consent.choice.analytics")
    settle(page)
    page.evaluate("history.back()")
    expect(page.get_by_role("heading", name="One")).to_be_visible()
    settle(page)
    assert hits(shop) == ["film"]


@row("htmx: a boosted link, and back")
def htmx(shop: Shop, page: Page) -> None:
    script = f"<script {HELD}>ran('one')</script><iframe data-consent=analytics data-src={tracker(shop, 'film')} title=F></iframe>"
    two_pages(shop, "htmx", script, "hx-boost=true")
    page.goto(shop.url("/one"))
    press(page, "accept")
    until(page, "order.join() == 'one'")
    when(page, lambda: hits(shop) == ["film"])
    visit(page, "two")
    until(page, "order.join() == 'one,two'")
    page.evaluate("history.back()")
    expect(page.get_by_role("heading", name="One")).to_be_visible()
    until(page, "order.length == 3")
    settle(page)
    assert page.evaluate("order") == ["one", "two", "one"]


@row("jQuery: `html`, `append`, `clone`")
def jquery(shop: Shop, page: Page) -> None:
    page.goto(shop.page("<div id=box></div>", head=with_library(shop, "jquery")))
    press(page, "accept")
    until(page, "consent.token")
    page.evaluate(
        "(html) => jQuery('#box').html(html)",
        f"<div><script {HELD}>ran('inline')</script><script {HELD} src={tracker(shop, 'a.js')}></script></div>",
    )
    until(page, "order.join() == 'inline,/a.js'")
    until(page, "box.firstChild.children.length == 2")
    page.evaluate("jQuery('#box').append(jQuery('#box > div').clone())")
    settle(page)
    assert page.evaluate("order.length") == 2
