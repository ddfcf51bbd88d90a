"""A held script runs where the browser would have run the same script unmarked: the rows of the table in docs/tag.md."""

from __future__ import annotations

import base64
import hashlib

import pytest
from playwright.sync_api import Page, expect

from .conftest import Shop, banner, press, settle, until
from .libraries import library
from .rows import HELD, Rows, hits, tracker

POLICIES = Rows("Policies")
row = POLICIES.row

pytestmark = pytest.mark.troubles("Content Security Policy|integrity|consent: |Failed to load|Trusted")

START = "var order = []; window.ran = (name) => order.push(name)"


def test_each_row_of_the_table_is_a_test() -> None:
    assert POLICIES.written[1:] == list(POLICIES)


@pytest.mark.parametrize("name", POLICIES)
def test_the_row_is_true(shop: Shop, page: Page, name: str) -> None:
    POLICIES[name](shop, page)


def digest(text: str) -> str:
    """Return what a policy or an ``integrity`` attribute calls a script by."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def ours(shop: Shop, attributes: str = "") -> str:
    """Return our tag with more attributes."""
    return shop.tag.replace("<script", f"<script {attributes}")


def all_ran(page: Page, expected: list[str]) -> None:
    """Wait until as much has run, and assert that it is this and no more."""
    until(page, f"order.length >= {len(expected)}")
    settle(page)
    assert sorted(page.evaluate("order")) == sorted(expected)


def run(shop: Shop, page: Page, policy: str, body: str, tag: str, expected: list[str], nonce: str = "") -> None:
    """Assert what runs, each script of ``body`` once unmarked, as its twin, and once held, after a yes.

    A script says ``ran('…')``; in its twin, which comes first, HELD is missing.
    """
    page.goto("about:blank")
    page.context.clear_cookies()
    head = f"{tag}<script {nonce}>{START}</script>"
    policy = policy.replace("{start}", f"'{digest(START)}'").replace("{server}", shop.url("").rstrip("/"))
    page.goto(shop.page(body.replace("{held}", ""), head=head, Content_Security_Policy=f"script-src {policy}"))
    all_ran(page, expected)
    page.goto(shop.page(body.replace("{held}", HELD), head=head, Content_Security_Policy=f"script-src {policy}"))
    expect(banner(page)).to_be_visible()
    settle(page)
    assert page.evaluate("order") == []
    press(page, "accept")
    all_ran(page, expected)


def scripts(shop: Shop) -> str:
    """Return scripts with and without a nonce, and with a hash."""
    return "".join(
        f"<script {{held}} {nonce}>ran('inline {name}')</script><script {{held}} {nonce} src={tracker(shop, name + '.js')}></script>"
        for name, nonce in {"right": "nonce=n1", "wrong": "nonce=n2", "without": ""}.items()
    )


@row("`'nonce-…'`")
def nonce(shop: Shop, page: Page) -> None:
    run(shop, page, "'nonce-n1'", scripts(shop), ours(shop, "nonce=n1"), ["/right.js", "inline right"], "nonce=n1")


@row("`'nonce-…'`, and our tag has none, as its host is in the list")
def nonce_of_others(shop: Shop, page: Page) -> None:
    run(shop, page, "'nonce-n1' {server}", scripts(shop), ours(shop), ["/right.js", "inline right"], "nonce=n1")


@row("`'nonce-…' 'strict-dynamic'`")
def strict_dynamic(shop: Shop, page: Page) -> None:
    policy = "'nonce-n1' 'strict-dynamic'"
    run(shop, page, policy, scripts(shop), ours(shop, "nonce=n1"), ["/right.js", "inline right"], "nonce=n1")
    page.evaluate(
        """([held, there]) => {
          const box = document.createElement('div');
          box.innerHTML = `<script ${held} src=${there}markup.js></script>`;
          document.body.append(box);
          const made = document.createElement('script');
          made.type = 'text/plain';
          made.dataset.consent = 'analytics';
          made.src = there + 'made.js';
          document.body.append(made);
        }""",
        [HELD, tracker(shop)],
    )
    until(page, "order.includes('/made.js')")
    settle(page)
    assert "markup.js" not in hits(shop)


@row("`'sha256-…'` of the inline script, or of the file that `integrity` names")
def hashes(shop: Shop, page: Page) -> None:
    listed = "<script {held}>ran('listed')</script><script {held}>ran('not listed')</script>"
    run(shop, page, "{server} {start} '" + digest("ran('listed')") + "'", listed, ours(shop), ["listed"])
    tag = ours(shop, f"nonce=n1 crossorigin integrity={digest(shop.consent_js())}")
    policy = "'nonce-n1' {start} '" + digest("ran('listed')") + "'"
    run(shop, page, policy, listed, tag, ["listed"])


@row("a list of hosts")
def hosts(shop: Shop, page: Page) -> None:
    there, elsewhere = tracker(shop, "a.js"), shop.url("/b.js", "elsewhere")
    body = f"<script {{held}} src={there}></script><script {{held}} src={elsewhere}></script><script {{held}}>ran('inline')</script>"
    policy = "{server} {start} " + tracker(shop).rstrip("/")
    run(shop, page, policy, body, ours(shop), ["/a.js"])
    run(shop, page, policy + " 'nonce-n1'", body, ours(shop, "nonce=n1"), ["/a.js"])
    assert "elsewhere/b.js" not in shop.hits


@row("a Turbo visit to a page with another nonce")
def turbo(shop: Shop, page: Page) -> None:
    shop.pages["/turbo.js"] = ("text/javascript", library("turbo"), {})
    for path, mine in ("/one", "n1"), ("/two", "n2"):
        head = f"<meta name=csp-nonce content={mine}>{ours(shop, f'nonce={mine}')}<script nonce={mine} src=/turbo.js></script><script nonce={mine}>{START}</script>"
        body = (
            f"<a href=/two>two</a><h2>{path}</h2><script nonce={mine}>ran('inline')</script><script nonce={mine} {HELD}>ran('inline')</script>"
            f"<script nonce={mine} src=/plain.js></script><script nonce={mine} {HELD} src={tracker(shop, 'plain.js')}></script>"
        )
        shop.page(body, path, head=head, Content_Security_Policy=f"script-src 'nonce-{mine}' 'strict-dynamic'")
    shop.pages["/plain.js"] = ("text/javascript", "ran('/plain.js')", {})
    page.goto(shop.url("/one"))
    press(page, "accept")
    until(page, "order.length == 4 && consent.token")
    page.evaluate("window.here = true; order.length = 0")
    page.get_by_role("link", name="two").click()
    expect(page.get_by_role("heading", name="/two")).to_be_visible()
    all_ran(page, ["/plain.js", "/plain.js", "inline", "inline"])
    assert page.evaluate("window.here") is True


@row("`require-trusted-types-for 'script'`")
def trusted_types(shop: Shop, page: Page) -> None:
    policy = "require-trusted-types-for 'script'; trusted-types consent"
    body = f"<script {HELD} src={tracker(shop, 'a.js')}></script><script {HELD}>ran('inline')</script>"
    page.goto(shop.page(f"<script>{START}</script>{body}", Content_Security_Policy=policy))
    press(page, "accept")
    until(page, "order.join() == '/a.js,inline'")


@row("`trusted-types` with a list that lacks `consent`")
def not_in_the_list(shop: Shop, page: Page) -> None:
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    policy = "require-trusted-types-for 'script'; trusted-types default dompurify"
    shop.serve(trackers=(("held.localhost", "analytics"),))
    body = (
        f"<script>{START}</script><script {HELD} src={tracker(shop, 'a.js')}></script><script {HELD}>ran('inline')</script>"
        f"<script src={shop.url('/b.js', 'held')}></script>"
    )
    page.goto(shop.page(body, Content_Security_Policy=policy))
    expect(banner(page)).to_be_visible()
    page.evaluate("addEventListener('unhandledrejection', () => (window.unhandled = 1))")
    press(page, "accept")
    until(page, "order.length && consent.token")
    settle(page)
    assert page.evaluate("[order, window.unhandled]") == [["/a.js"], None]
    assert len([text for text in said if text.startswith("consent: not released")]) == 2
    assert len([text for text in said if text.startswith("consent: ") and "trusted-types" in text]) == 1
