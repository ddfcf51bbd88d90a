"""What the gate holds, releases and takes back, in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from .conftest import Shop, banner, cookie, press, released, settle, until, when

COUNT = "<script>window.order = []; window.ran = (name) => order.push(name)</script>"

MARKED = """
<script type="text/plain" data-consent="analytics" src="{t}/one.js"></script>
<script type="text/plain" data-consent="analytics">ran('inline')</script>
<script type="text/plain" data-consent="analytics" data-type="module" src="{t}/module.js"></script>
<script type="text/plain" data-consent="analytics" src="{t}/two.js" async></script>
<script type="text/plain" data-consent="analytics" src="{t}/three.js" defer></script>
<iframe data-consent="analytics" data-src="{t}/frame" title="A film"></iframe>
<img alt="" data-consent="analytics" data-src="{t}/pixel.gif">
<video data-consent="analytics" data-src="{t}/film.mp4" preload="auto"></video>
<audio data-consent="analytics" data-src="{t}/song.mp3" preload="auto"></audio>
<link rel="stylesheet" data-consent="analytics" data-href="{t}/style.css">
"""
EVERYTHING = {
    *("one.js", "module.js", "two.js", "three.js", "frame", "pixel.gif", "film.mp4", "song.mp3", "style.css"),
}

pytestmark = pytest.mark.troubles("Failed to load resource|MIME|unknown category|integrity")


def marked(shop: Shop) -> str:
    return COUNT + MARKED.replace("{t}", shop.url("", "tracker").rstrip("/"))


def hits(shop: Shop) -> list[str]:
    return sorted(hit.removeprefix("tracker/") for hit in shop.hits if hit.startswith("tracker/"))


def test_it_holds_everything_that_is_marked_until_the_shopper_allows_it_and_then_runs_each_once(
    shop: Shop, page: Page
) -> None:
    page.goto(shop.page(marked(shop)))
    expect(banner(page)).to_be_visible()
    settle(page)
    assert shop.hits == []
    press(page, "accept")
    when(page, lambda: set(hits(shop)) >= EVERYTHING)
    settle(page)
    # A browser may ask for parts of a film more than once.
    assert [hit for hit in hits(shop) if hit != "film.mp4" and hit != "song.mp3"] == sorted(
        EVERYTHING - {"film.mp4", "song.mp3"}
    )


def test_it_runs_nothing_for_who_refuses_or_allows_another_category(shop: Shop, page: Page) -> None:
    page.goto(shop.page(marked(shop)))
    press(page, "refuse")
    settle(page)
    page.evaluate("consent.decide({ functional: true, marketing: true })")
    released(page)
    assert shop.hits == []
    assert page.evaluate("order") == []


def test_it_runs_scripts_in_page_order_each_after_the_one_before_has_loaded(shop: Shop, page: Page) -> None:
    page.goto(shop.page(marked(shop)))
    press(page, "accept")
    until(page, "order.length == 5")
    order = page.evaluate("order")
    order.remove("/two.js")  # async: whenever it comes
    assert order == ["/one.js", "inline", "/module.js", "/three.js"]


def test_it_waits_for_all_of_several_categories(shop: Shop, page: Page) -> None:
    page.goto(shop.page(COUNT + '<script type="text/plain" data-consent="analytics marketing">ran("both")</script>'))
    page.evaluate("consent.decide({ analytics: true })")
    released(page)
    assert page.evaluate("order") == []
    page.evaluate("consent.decide({ marketing: true })")
    until(page, "order.length == 1")


def test_it_gates_what_a_single_page_app_adds_later(shop: Shop, page: Page) -> None:
    page.goto(shop.page(COUNT))
    add = """(name) => {
      const part = document.createElement('section');
      const script = document.createElement('script');
      script.type = 'text/plain';
      script.dataset.consent = 'analytics';
      script.text = `ran('${name}')`;
      part.append(script);
      document.body.append(part);
    }"""
    page.evaluate(add, "before")
    settle(page)
    assert page.evaluate("order") == []
    press(page, "accept")
    until(page, "order.length == 1")
    page.evaluate(add, "after")
    until(page, "order.join() == 'before,after'")


def test_it_keeps_integrity_attributes_and_load_listeners_of_a_script(shop: Shop, page: Page) -> None:
    tracker = shop.url("", "tracker").rstrip("/")
    page.goto(
        shop.page(
            COUNT + f'<script id="wrong" type="text/plain" data-consent="analytics" crossorigin="anonymous"'
            f' integrity="sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=" src="{tracker}/forged.js"></script>'
            f'<script id="right" type="text/plain" data-consent="analytics" data-key="7" src="{tracker}/a.js"></script>'
            "<script>"
            "document.getElementById('right').addEventListener('load', () => ran('loaded'));"
            "document.getElementById('wrong').onerror = () => ran('failed');"
            "</script>"
        )
    )
    press(page, "accept")
    until(page, "order.length == 3")
    assert page.evaluate("order") == ["failed", "/a.js", "loaded"]
    assert page.evaluate("document.querySelector('script[src$=\"a.js\"]').dataset.key") == "7"


def test_an_unknown_category_stays_held_and_is_named_once_in_the_console(shop: Shop, page: Page) -> None:
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(shop.page(COUNT + '<script type="text/plain" data-consent="analitycs">ran("x")</script>'))
    press(page, "accept")
    when(page, lambda: [text for text in said if "analitycs" in text])
    page.evaluate("consent.decide({ marketing: false })")
    settle(page)
    assert page.evaluate("order") == []
    assert len([text for text in said if "analitycs" in text]) == 1


def test_the_preferences_open_from_any_element_of_the_shop_that_asks_for_them(shop: Shop, page: Page) -> None:
    page.goto(shop.page('<a href="/elsewhere" data-consent-open><b>Cookie settings</b></a>'))
    press(page, "refuse")
    page.get_by_role("link", name="Cookie settings").click()
    expect(page.get_by_role("switch", name="Analytics")).not_to_be_checked()
    assert page.url == shop.url("/")


# ---- Withdrawal ----

LEAVE = """
<script type="text/plain" data-consent="analytics">
  ran('analytics');
  document.cookie = '_t_host=1;path=/';
  document.cookie = '_t_deep=1;path=/a/b';
  document.cookie = '_t_parent=1;path=/;domain=shop.localhost';
  document.cookie = 'basket=1;path=/';
  localStorage._t_local = sessionStorage._t_session = 1;
  localStorage.basket = 1;
  for (const name of ['_t_database', 'goods']) indexedDB.open(name);
  for (const name of ['_t_cache', 'goods']) caches.open(name);
  addEventListener('pagehide', () => { document.cookie = '_t_again=1;path=/'; });
</script>
<script type="text/plain" data-consent="marketing">ran('marketing')</script>"""


def test_withdrawal_removes_what_the_category_left_on_every_domain_and_path_and_says_so(shop: Shop, page: Page) -> None:
    shop.serve(cookies={"analytics": (cookie("_t_*"),)})
    url = shop.url("/a/b", "www.shop")
    shop.page(COUNT + LEAVE + "<button data-consent-open>Cookie settings</button>", "/a/b")
    page.goto(url)
    press(page, "accept")
    until(page, "order.length == 2")
    until(page, "document.cookie.split('; ').filter((c) => c.startsWith('_t_')).length == 3")
    page.evaluate("window.here = true")
    page.evaluate("document.addEventListener('consentchange', () => { localStorage.told = order.length })")
    until(page, "consent.token")
    page.get_by_role("button", name="Cookie settings").click()
    page.get_by_role("switch", name="Analytics").click()
    press(page, "save")
    until(page, "!window.here")  # what ran cannot be unloaded: the page is loaded again
    expect(
        page.get_by_role("status").filter(has_text="_t_parent").filter(has_text="_t_database, _t_cache")
    ).to_be_visible()
    until(page, "order.join() == 'marketing'")
    left = {cookie["name"] for cookie in page.context.cookies()}
    assert left == {"consent", "basket"}
    assert page.evaluate("Object.keys(localStorage).sort().join()") == "basket,told"
    assert page.evaluate("sessionStorage.length") == 0
    until(page, "indexedDB.databases().then((all) => all.map(({ name }) => name).join() == 'goods')")
    assert page.evaluate("caches.keys()") == ["goods"]
    assert page.evaluate("localStorage.told") == "2"  # listeners heard of it before the page went


def test_a_page_whose_released_parts_can_be_unloaded_is_not_loaded_again(shop: Shop, page: Page) -> None:
    page.goto(
        shop.page(f'<iframe data-consent="marketing" data-src="{shop.url("/film", "tracker")}" title="F"></iframe>')
    )
    press(page, "accept")
    until(page, "frames[0].length == 0 && document.querySelector('iframe').src")
    when(page, lambda: hits(shop) == ["film"])
    until(page, "consent.token")
    entries = page.evaluate("history.length")
    page.evaluate("window.here = true; consent.decide({ marketing: false })")
    until(page, "!document.querySelector('iframe').src")
    settle(page)
    assert page.evaluate("window.here") is True
    assert page.evaluate("history.length") == entries
    page.evaluate("consent.decide({ marketing: true })")
    when(page, lambda: hits(shop) == ["film", "film"])


# ---- Frames ----


def test_a_held_frame_says_what_it_waits_for_and_can_be_allowed_once_or_always(shop: Shop, page: Page) -> None:
    source = shop.url("/film", "tracker")
    film = f'<iframe width=400 height=250 data-consent="marketing" data-src="{source}" title="Film"></iframe>'
    page.goto(shop.page(film, lang="az"))
    frame = page.frame_locator("iframe")
    expect(frame.get_by_text("Marketinq")).to_be_visible()
    assert shop.hits == []
    frame.get_by_role("button", name="Bir dəfə icazə ver").click()
    when(page, lambda: hits(shop) == ["film"])
    assert page.evaluate("consent.choice") is None
    page.reload()
    expect(frame.get_by_text("Marketinq")).to_be_visible()
    frame.get_by_role("button", name="Həmişə icazə ver").click()
    when(page, lambda: hits(shop) == ["film", "film"])
    assert page.evaluate("consent.choice") == {"functional": False, "analytics": False, "marketing": True}
    page.reload()
    when(page, lambda: hits(shop) == ["film", "film", "film"])


@pytest.mark.troubles("Blocked script execution")
def test_a_sandboxed_frame_is_released_into_its_sandbox(shop: Shop, page: Page) -> None:
    shop.page("<script>parent.postMessage(origin, '*')</script>", "/film", head="")
    page.goto(
        shop.page(
            COUNT + "<script>onmessage = ({ data }) => ran(data)</script>"
            '<iframe data-consent="marketing" data-src="/film" title="No scripts" sandbox></iframe>'
            '<iframe data-consent="marketing" data-src="/film" title="No origin" sandbox="allow-scripts"></iframe>'
        )
    )
    settle(page)
    assert page.evaluate("order") == []
    press(page, "accept")
    until(page, "order.length")
    settle(page)
    assert page.evaluate("order") == ["null"]
