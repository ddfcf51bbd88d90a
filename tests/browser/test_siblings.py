"""More of what pages do to a gate: they send a script in two parts, give a part its address late, hide a frame, keep a cookie."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
from playwright.sync_api import Page

from .conftest import WORDS, Shop, cookie, posted, press, settle, until, when
from .rows import COUNT, HELD, hits, tracker
from .visits import ALLOW, WITHDRAW, accepted

pytestmark = pytest.mark.troubles(".")

LONG = "<!-- long -->" * 300
ONCE = WORDS["en"]["once"]


class TwoParts:
    """A page whose second part comes when the test says so."""

    def __init__(self, shop: Shop, first: str, second: str) -> None:
        self.parts = f"<!doctype html><html lang=en><title>Shop</title>{shop.tag}<body>{first}", second
        self.second = threading.Event()
        shop.pages["/parts"] = ("text/html; charset=utf-8", cast("Any", self), {})

    def __iter__(self) -> Iterator[bytes]:
        yield self.parts[0].encode()
        self.second.wait(60)
        yield self.parts[1].encode()


# ---- What comes in parts ----


def test_a_script_that_arrives_in_two_parts_runs_once_it_is_whole_and_in_its_order(shop: Shop, page: Page) -> None:
    accepted(page, shop.page(""))
    first = f"{COUNT}<script {HELD}>window.part = 1; {'/* long */' * 300}"
    parts = TwoParts(shop, first, f"; ran('whole')</script><script {HELD} src={tracker(shop, 'next.js')}></script><p>x")
    page.goto(shop.url("/parts"), wait_until="commit")
    until(page, "document.querySelector('[data-consent]')?.text && window.consent?.allows('analytics')")
    settle(page)
    assert page.evaluate("[window.part, order]") == [None, []]
    parts.second.set()
    until(page, "order.join() == 'whole,/next.js'")


def test_what_the_page_wants_the_focus_for_has_it_however_late_it_comes(shop: Shop, page: Page) -> None:
    parts = TwoParts(shop, f"<p>x{LONG}", "<input autofocus>")
    page.goto(shop.url("/parts"), wait_until="commit")
    until(page, "document.querySelector('[data-ask]')?.firstChild.offsetHeight")
    settle(page)
    assert page.evaluate("document.activeElement.localName") == "body"
    parts.second.set()
    until(page, "document.activeElement.localName == 'input'")
    settle(page)
    assert page.evaluate("document.activeElement.localName") == "input"


def test_a_whole_script_does_not_wait_for_the_end_of_the_page(shop: Shop, page: Page) -> None:
    accepted(page, shop.page(""))
    parts = TwoParts(shop, f"{COUNT}<div><script {HELD}>ran('a')</script></div><p>x{LONG}", "<p>y")
    page.goto(shop.url("/parts"), wait_until="commit")
    until(page, "window.order?.join() == 'a'")
    parts.second.set()


def test_a_picture_whose_parts_arrive_later_gets_their_addresses(shop: Shop, page: Page) -> None:
    accepted(page, shop.page(""))
    first = f"<picture data-consent=analytics><source media='(max-width: 1px)' data-srcset={tracker(shop, 'no')}>{LONG}"
    parts = TwoParts(shop, first, f"<img alt='' data-src={tracker(shop, 'it')}></picture>")
    page.goto(shop.url("/parts"), wait_until="commit")
    until(page, "document.querySelector('source')?.srcset")
    parts.second.set()
    when(page, lambda: "it" in hits(shop))


LATER = {
    "a picture's part": "const it = make('picture'); const part = document.createElement('img'); later(() => { part.dataset.src = '{t}'; it.append(part) })",
    "a film's part": "const it = make('video', { preload: 'auto' }); const part = document.createElement('source'); later(() => { part.dataset.src = '{t}'; it.append(part) })",
    "a part's address": "const it = make('picture'); const part = document.createElement('img'); it.append(part); later(() => (part.dataset.src = '{t}'))",
    "a script's address": "const it = make('script', { type: 'text/plain' }); later(() => (it.src = '{t}'))",
    "a script's held address": "const it = make('script', { type: 'text/plain' }); later(() => (it.dataset.src = '{t}'))",
    "a script's text": "const it = make('script', { type: 'text/plain' }); later(() => (it.textContent = 'new Image().src = `{t}`'))",
}


@pytest.mark.parametrize("what", LATER)
def test_what_is_in_the_page_before_it_has_all_is_released_when_it_has(shop: Shop, page: Page, what: str) -> None:
    accepted(page, shop.page(""))
    until(page, "window.consent.allows('analytics')")
    page.evaluate(
        "(code) => { const make = (name, set) => { const made = Object.assign(document.createElement(name), set);"
        " made.dataset.consent = 'analytics'; document.body.append(made); return made };"
        " const later = (act) => setTimeout(act, 300); eval(code) }",
        LATER[what].replace("{t}", tracker(shop, "it.js")),
    )
    when(page, lambda: hits(shop) == ["it.js"])
    page.evaluate(WITHDRAW)
    until(page, "window.consent && !consent.allows('analytics') && !document.querySelector('main [src]')")


def test_a_source_that_is_marked_by_itself_is_played(shop: Shop, page: Page) -> None:
    page.goto(
        shop.page(f"<video preload=auto><source data-consent=analytics data-src={tracker(shop, 'film')}></video>")
    )
    press(page, "accept")
    when(page, lambda: "film" in hits(shop))


def test_a_held_script_s_type_is_in_any_case(shop: Shop, page: Page) -> None:
    marked = (
        "<script type='TEXT/PLAIN' data-consent=analytics>ran('a')</script>"
        "<script type='text/plain ' data-consent='\n analytics '>ran('b')</script>"
    )
    page.goto(shop.page(COUNT + marked))
    press(page, "accept")
    until(page, "order.join() == 'a,b'")


def test_a_script_that_the_browser_does_not_run_can_be_found_by_who_does(shop: Shop, page: Page) -> None:
    inline = "<script type=text/plain data-consent=analytics data-type=text/partytown>1</script>"
    page.goto(shop.page(inline + inline.replace(">1<", " src=/own.js><")))
    found = "document.querySelectorAll('[type=\"text/partytown\"]').length"
    assert page.evaluate(found) == 0
    press(page, "accept")
    until(page, f"{found} == 2")


def test_what_is_out_of_the_page_at_its_turn_runs_once_it_is_put_back(shop: Shop, page: Page) -> None:
    # As a framework does that keeps a part of the page for the next time it is shown.
    held = [tracker(shop, name) for name in ("first.js", "own.js", "film")]
    page.route("**/first.js", lambda _: None)
    part = f"<script {HELD}>ran('own')</script><script {HELD} src={held[1]}></script><iframe title=F data-consent=analytics data-src={held[2]}></iframe>"
    page.goto(shop.page(f"{COUNT}<script {HELD} src={held[0]}></script><div id=part>{part}</div>"))
    with page.expect_request("**/first.js"):
        page.evaluate(ALLOW)
    page.evaluate("window.kept = part; part.remove()")
    page.wait_for_timeout(1800)  # as long as a script that does not load holds up the next
    assert page.evaluate("order") == []
    page.evaluate("document.body.append(kept)")
    until(page, "order.join() == 'own,/own.js'")
    when(page, lambda: {*hits(shop)} == {"film", "own.js"})


# ---- What old libraries make of lists ----

OLD = """<script>
  Array.prototype.toJSON = function () { return '[' + [...this].map((each) => JSON.stringify(each)) + ']' };
  Array.prototype.reduce = function () { return this.length > 1 ? this : this[0] };
  Array.prototype.entries = function () { return [...this] };
  Object.prototype.each = function () {};
</script>"""


def test_an_answer_is_kept_and_sent_beside_an_old_library_that_changes_lists(shop: Shop, page: Page) -> None:
    shop.serve(cookies={"analytics": (cookie("_t_*"),)})
    for head in (OLD + shop.tag, shop.tag + OLD):
        page.context.clear_cookies()
        shop.posts.clear()
        page.goto(shop.page("", head=head))
        page.evaluate("document.cookie = 'another=1'")
        page.evaluate("document.cookie = '_t_old=1'")
        page.route("**/decisions", lambda route: route.abort())
        press(page, "accept")
        until(page, "consent.allows('analytics')")
        page.unroute("**/decisions")
        page.goto(shop.url("/"))  # which finds it waiting
        until(page, "consent.allows('analytics') && consent.token")
        assert sorted(posted(shop, "decisions")[-1]["allow"]) == ["analytics", "functional", "marketing"]
        page.evaluate(WITHDRAW)
        until(page, "!consent.allows('analytics') && consent.token")
        until(page, "!document.cookie.includes('_t_old')")


# ---- Frames ----

FRAME = "<iframe name=film title=F width=560 height=315 data-consent=analytics data-src='{}' {}></iframe>"


@pytest.mark.parametrize("src", ["src=about:blank", "src", ""])
def test_a_frame_that_shows_nothing_yet_says_so_and_a_way_back_brings_it_not(shop: Shop, page: Page, src: str) -> None:
    shop.page("<p>Other", "/other", Cache_Control="no-store")
    page.goto(shop.page(FRAME.format(tracker(shop, "film"), src), Cache_Control="no-store"))
    page.frame_locator("iframe").get_by_role("button", name=ONCE).wait_for()
    page.evaluate("addEventListener('unload', () => 0)")  # so that the way back loads the page
    page.evaluate(ALLOW)
    when(page, lambda: hits(shop) == ["film"])
    until(page, "consent.token")
    page.goto(shop.url("/other"))
    page.evaluate(WITHDRAW)
    until(page, "consent.token")
    page.go_back()
    page.frame_locator("iframe").get_by_role("button", name=ONCE).wait_for()
    assert hits(shop) == ["film"]


def hidden(page: Page) -> None:
    page.evaluate("document.querySelector('details').open = true")
    page.frame_locator("iframe").get_by_role("button", name=ONCE).wait_for()


def own(page: Page) -> None:
    settle(page)
    assert page.frame_locator("iframe").locator("body").inner_text() == "Own"


def linked(page: Page) -> None:
    page.frame_locator("iframe").get_by_role("button", name=ONCE).wait_for()
    page.get_by_role("link", name="Own").click()
    page.frame_locator("iframe").get_by_text("Own").wait_for()
    own(page)


FRAMES: dict[str, tuple[str, Callable[[Page], None]]] = {
    "in a drawer": ("<details><summary>Film</summary>{}</details>", hidden),
    "with a document of the page's own": (
        "<iframe title=F width=560 height=315 data-consent=analytics srcdoc=Own></iframe>",
        own,
    ),
    "where a link leads": ("{}<a href=/own target=film>Own</a>", linked),
}


@pytest.mark.parametrize("what", FRAMES)
def test_a_held_frame_says_so_when_it_is_seen_and_takes_nothing_away(shop: Shop, page: Page, what: str) -> None:
    shop.pages["/own"] = ("text/html", "Own", {})
    body, check = FRAMES[what]
    page.goto(shop.page(body.format(FRAME.format(tracker(shop, "film"), ""))))
    until(page, "performance.getEntriesByType('resource').some(({ name }) => name.includes('details.en'))")
    settle(page)
    check(page)


# ---- The banner ----


def test_a_banner_that_comes_beside_a_modal_dialog_is_above_all_when_that_has_closed(shop: Shop, page: Page) -> None:
    chat = "<div style='position: fixed; inset: 0; z-index: 2147483647'>Chat</div>"
    page.goto(shop.page(f"<dialog id=own><button onclick='own.close()'>Close</button></dialog>{chat}", head=""))
    page.evaluate("own.showModal()")
    page.evaluate(
        "(src) => document.head.append(Object.assign(document.createElement('script'), { src }))",
        shop.url("/v1/shop/consent.js"),
    )
    until(page, "document.querySelector('[data-ask] [role=dialog]')")
    page.get_by_role("button", name="Close").click()
    press(page, "refuse")
    until(page, "consent.choice")


# ---- What is removed ----


def test_a_cookie_that_no_script_can_remove_is_not_said_to_be_removed(shop: Shop, page: Page) -> None:
    shop.serve(cookies={"analytics": (cookie("_t_*"),)})
    accepted(page, shop.page(""))
    page.evaluate(
        "['_t_seen=1', '_t_stays=1;Secure;Partitioned'].forEach((made) => (document.cookie = made + ';path=/'))"
    )
    page.evaluate(WITHDRAW)
    said = page.get_by_role("status")
    said.get_by_text("_t_seen").wait_for()
    assert "_t_stays" not in said.inner_text()


# ---- The tag and the queue ----


def test_the_address_of_the_tag_may_have_a_path_in_its_query_and_fragment(shop: Shop, page: Page) -> None:
    page.goto(shop.page("", head=shop.tag.replace("consent.js", "consent.js?from=/a/b#/c/d")))
    press(page, "accept")
    until(page, "!!consent.token")


def test_the_queue_takes_several_calls_at_once_before_and_after_the_script_is_here(shop: Shop, page: Page) -> None:
    push = "(window.consentQueue ||= []).push(() => said.push(1), () => said.push(2))"
    page.goto(shop.page("", head=f"<script>var said = []; {push}</script>{shop.tag}"))
    until(page, "said.join() == '1,2'")
    page.evaluate(push)
    assert page.evaluate("said") == [1, 2, 1, 2]
