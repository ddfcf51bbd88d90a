"""A withdrawal is whole, and harms nothing: what goes, what stays, and how the page comes back."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, Request, Route, expect
from websockets.sync.server import ServerConnection, serve

from .conftest import WORDS, Shop, cookie, press, settle, until, when
from .films import SONG

RAN = "<script>window.order = []; window.ran = (name) => order.push(name)</script>"
SETTINGS = "<button data-consent-open>Cookie settings</button>"
ALLOW = "consent.decide({ functional: true, analytics: true, marketing: true })"
WITHDRAW = "consent.decide({ functional: false, analytics: false, marketing: false })"
PATTERN = (("*.tracker.localhost", "analytics"),)
INLINE = '<script type="text/plain" data-consent="analytics">window.inline = 1</script>'

pytestmark = pytest.mark.troubles("Failed to load resource|MIME|WebSocket")


def accept(page: Page, url: str) -> None:
    """Come to a page, accept, and come to it again as who has accepted."""
    page.goto(url)
    page.evaluate(ALLOW)
    until(page, "consent.token")
    page.goto(url)


def says(page: Page, *words: str, names: str = "") -> None:
    """See that the shopper is told this, in this order, and nothing else."""
    told = " ".join(WORDS["en"][word].replace("{names}", names) for word in words)
    expect(page.get_by_role("status").locator("span")).to_have_text(told)


# How the page comes back


@pytest.mark.parametrize("fragment", ["", "#paid"])
def test_the_answer_page_of_a_form_comes_back_by_get(
    shop: Shop, page: Page, requests: list[Request], fragment: str
) -> None:
    page.goto(shop.page(INLINE))
    page.evaluate(ALLOW)
    until(page, "window.inline && consent.token")
    form = f'<form method="post" action="/order{fragment}"><button>Pay</button></form>'
    shop.page(f"{INLINE}<h2>Thank you</h2>", path="/order")
    page.goto(shop.page(form))
    page.get_by_role("button", name="Pay").click()
    page.get_by_role("heading", name="Thank you").wait_for()
    until(page, "window.inline")
    page.evaluate(WITHDRAW)
    until(page, "!window.inline && window.consent")
    says(page, "withdrawn")
    assert page.url == shop.url("/order" + fragment)
    settle(page)
    assert [each.method for each in requests if "/order" in each.url].count("POST") == 1


def test_a_page_that_answers_no_get_stays_and_says_what_that_means(shop: Shop, page: Page) -> None:
    def only_by_post(route: Route) -> None:
        if route.request.method == "POST":
            route.continue_()
        else:
            route.fulfill(status=405)

    page.route("**/order", only_by_post)
    shop.page(f"{INLINE}<h2>Thank you</h2>", path="/order")
    page.goto(shop.page(f'{INLINE}<form method="post" action="/order"><button>Pay</button></form>'))
    page.evaluate(ALLOW)
    until(page, "window.inline && consent.token")
    page.get_by_role("button", name="Pay").click()
    page.get_by_role("heading", name="Thank you").wait_for()
    until(page, "window.inline")
    page.evaluate(WITHDRAW)
    says(page, "withdrawn", "stays")
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()


def test_so_it_does_where_what_releases_did_not_load(shop: Shop, page: Page) -> None:
    shop.serve(trackers=PATTERN)
    page.route("**/release.*", lambda route: route.abort())
    add = "const s = document.createElement('script'); s.src = '{t}'; document.head.append(s)"
    accept(page, shop.page(f"{RAN}<script>{add.replace('{t}', shop.url('/it.js', 'tracker'))}</script>"))
    when(page, lambda: "tracker/it.js" in shop.hits)
    page.route(shop.url("/"), lambda route: route.fulfill(status=405))
    page.evaluate(WITHDRAW)
    says(page, "withdrawn", "stays")


def test_where_no_script_has_run_the_page_stays_and_says_that_the_consent_is_withdrawn(shop: Shop, page: Page) -> None:
    accept(page, shop.page("<p>Nothing here asks anybody</p>"))
    page.evaluate("window.here = true")
    page.evaluate(WITHDRAW)
    says(page, "withdrawn")
    assert page.evaluate("window.here")


def test_who_listens_hears_of_it_before_anything_is_taken_back(shop: Shop, page: Page) -> None:
    shop.serve(cookies={"analytics": (cookie("_t_*"),)})
    accept(page, shop.page(INLINE))
    page.evaluate(
        "document.cookie = '_t_a=1;path=/';"
        "document.addEventListener('consentchange', () => { sessionStorage.seen = document.cookie.includes('_t_a') })"
    )
    page.evaluate(WITHDRAW)
    says(page, "withdrawn", "removed", names="_t_a")
    assert page.evaluate("sessionStorage.seen") == "true"


# What a pattern let through


def test_a_script_that_a_pattern_let_through_ends_with_the_page(shop: Shop, page: Page) -> None:
    shop.serve(trackers=PATTERN, cookies={"analytics": (cookie("_t_*"),)})
    url = shop.url("/it.js", "tracker")
    accept(
        page,
        shop.page(
            f"{RAN}<script>const s = document.createElement('script'); s.src = '{url}';"
            "s.onload = () => { s.remove(); setInterval(() => { document.cookie = '_t_a=1;path=/' }, 20) };"
            "document.head.append(s)</script>"
        ),
    )
    until(page, "document.cookie.includes('_t_a')")
    shop.hits.clear()
    page.evaluate(WITHDRAW)
    says(page, "withdrawn", "removed", names="_t_a")
    settle(page)
    assert "_t_a" not in page.evaluate("document.cookie")
    assert shop.hits == []


def test_what_asked_by_a_request_of_its_own_ends_with_the_page_too(shop: Shop, page: Page) -> None:
    shop.serve(trackers=PATTERN)
    url = shop.url("/it", "tracker")
    accept(page, shop.page(f"<script>fetch('{url}', {{ mode: 'no-cors' }})</script>"))
    when(page, lambda: len(shop.hits) == 2)
    page.evaluate("window.here = true")
    page.evaluate(WITHDRAW)
    until(page, "!window.here && window.consent")
    settle(page)
    assert len(shop.hits) == 2


@pytest.mark.parametrize("made", ["by the parser", "by a script"])
def test_a_frame_that_a_pattern_let_through_is_unloaded_and_comes_back_after_another_yes(
    shop: Shop, page: Page, made: str
) -> None:
    shop.serve(trackers=PATTERN)
    url = shop.url("/film", "tracker")
    frame = f'<iframe src="{url}" title="Film"></iframe>'
    script = (
        f"<script>document.body.append(Object.assign(document.createElement('iframe'), {{ src: '{url}' }}))</script>"
    )
    page.goto(shop.page(""))
    page.evaluate(ALLOW)
    until(page, "consent.token")
    page.goto(shop.page(frame if made == "by the parser" else script))
    when(page, lambda: shop.hits)
    page.evaluate("window.here = true")
    until(page, "(() => { try { return !frames[0].document } catch { return true } })()")
    before = page.evaluate("history.length")
    page.evaluate(WITHDRAW)
    until(page, "(() => { try { return frames[0].location.href == 'about:blank' } catch { return false } })()")
    assert page.evaluate("[window.here, history.length, document.querySelectorAll('iframe').length]") == [
        True,
        before,
        1,
    ]
    settle(page)
    shop.hits.clear()
    page.evaluate(f"fetch('{shop.url('/more', 'tracker')}', {{ mode: 'no-cors' }}); undefined")
    settle(page)
    assert shop.hits == []
    page.evaluate(ALLOW)
    when(page, lambda: "tracker/film" in shop.hits)


@contextmanager
def socket_server(closed: threading.Event) -> Iterator[int]:
    """Serve sockets that stay open until the other side closes; set ``closed`` when one has."""

    def talk(socket: ServerConnection) -> None:
        for _ in socket:
            pass
        closed.set()

    with serve(talk, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.socket.getsockname()[1]
        server.shutdown()
        thread.join()


def test_a_socket_that_a_pattern_let_through_is_closed_and_opens_again_after_a_yes(shop: Shop, page: Page) -> None:
    closed = threading.Event()
    with socket_server(closed) as port:
        shop.serve(trackers=PATTERN)
        url = f"ws://a.tracker.localhost:{port}/"
        accept(
            page, shop.page(f"<script>const s = new WebSocket('{url}'); s.onopen = () => (window.opened = s)</script>")
        )
        until(page, "!!window.opened")
        assert page.evaluate("opened instanceof WebSocket && WebSocket.OPEN == opened.readyState")
        page.evaluate(WITHDRAW)
        when(page, closed.is_set)
        page.evaluate(f"new WebSocket('{url}').onerror = () => (window.refused = 1)")
        until(page, "window.refused")
        page.evaluate(ALLOW)
        page.evaluate(f"new WebSocket('{url}').onopen = () => (window.again = 1)")
        until(page, "window.again")


# Films and songs

PLAYERS = {
    "a song": '<audio data-consent="marketing" data-src="{song}" loop muted></audio>',
    "its source": '<audio data-consent="marketing" loop muted><source data-src="{song}" type="audio/wav"></audio>',
    "a song streamed by a script": (
        '<audio data-consent="marketing" loop muted></audio><script>consent.when("marketing").then(() =>'
        " fetch('{song}').then((r) => r.blob()).then((blob) => {"
        " document.querySelector('audio').src = URL.createObjectURL(blob) }))</script>"
    ),
}


@pytest.mark.parametrize(
    ("player", "late"), [*((player, False) for player in PLAYERS), ("a song streamed by a script", True)]
)
def test_a_song_stops_and_forgets_what_it_has_loaded(shop: Shop, page: Page, player: str, late: bool) -> None:
    shop.pages["/song.wav"] = ("audio/wav", SONG, {})
    page.goto(shop.page(PLAYERS[player].replace("{song}", shop.url("/song.wav"))))
    held: list[Route] = []
    if late:  # what releases, and takes back, comes after the no
        page.route("**/release.*", lambda route: held.append(route))
    page.evaluate(ALLOW)
    until(page, "document.querySelector('audio').readyState > 1")
    page.evaluate("document.querySelector('audio').play()")
    until(page, "document.querySelector('audio').currentTime > 0")
    page.evaluate("window.here = document.querySelector('audio')")
    page.evaluate(WITHDRAW)
    for route in held:
        route.continue_()
    until(page, "here.paused && here.readyState == 0 && [0, 3].includes(here.networkState)")  # empty, or no source
    until(page, "here == document.querySelector('audio') && !here.src && !here.currentSrc")
    page.evaluate(ALLOW)
    if "script" not in player:
        until(page, "here.readyState > 1")


def test_a_song_that_plays_outside_the_page_stops(shop: Shop, page: Page) -> None:
    shop.serve(trackers=PATTERN)
    accept(page, shop.page(""))
    page.evaluate(f"window.here = new Audio(); here.src = '{shop.url('/song', 'tracker')}'")
    when(page, lambda: "tracker/song" in shop.hits)
    page.evaluate(WITHDRAW)
    until(page, "here.paused && !here.hasAttribute('src') && !here.currentSrc")


# What goes, and what stays


def test_what_a_necessary_entry_names_stays_and_so_does_our_own(shop: Shop, page: Page) -> None:
    shop.serve(
        cookies={
            "necessary": (cookie("consent"), cookie("cart_id"), cookie("login_*")),
            "functional": (cookie("cart_*"),),
            "analytics": (cookie("c*"), cookie("*login*")),
            "marketing": (cookie("ask-*"), cookie("m_[a](b)+.^$|*_*x")),
        }
    )
    url = shop.page("")
    page.goto(url)
    press(page, "refuse")
    until(page, "consent.token")
    page.goto(shop.page("", path="/without-us", head=""))  # where nothing is removed while it is set
    kept = ["cart_id", "login_a", "ask-other"]
    gone = ["cart_other", "c", "a_login", "m_[a](b)+.^$|1_2x"]
    for name in [*kept, *gone]:
        page.evaluate("(name) => { localStorage[name] = 1; sessionStorage[name] = 1 }", name)
        page.evaluate("(name) => { document.cookie = `${name}=1;path=/` }", name)
    page.evaluate("localStorage['M_[a](b)+.^$|1_2x'] = 1")
    page.goto(url)
    says(page, "removed", names=", ".join(gone))
    there = {each["name"] for each in page.context.cookies()}
    assert there == {"consent", *kept}
    assert page.evaluate("Object.keys(localStorage).sort()") == sorted([*kept, "M_[a](b)+.^$|1_2x"])
    assert page.evaluate("consent.choice") == {"functional": False, "analytics": False, "marketing": False}


def test_what_is_named_in_one_place_stays_in_the_others(shop: Shop, page: Page) -> None:
    kinds = ("cookie", "local-storage", "session-storage", "indexed-db")
    shop.serve(cookies={"marketing": tuple(cookie(f"m_{kind}*", kind) for kind in kinds)})
    accept(page, shop.page(""))
    names = [f"m_{kind}_1" for kind in kinds]
    page.evaluate(
        """(names) => Promise.all(names.map((name) => new Promise((made) => {
          document.cookie = `${name}=1;path=/`;
          localStorage[name] = sessionStorage[name] = 1;
          indexedDB.open(name).onsuccess = ({ target }) => made(target.result.close());
        })))""",
        names,
    )
    page.evaluate("consent.decide({ marketing: false })")
    says(page, "withdrawn", "removed", names=", ".join(names))
    left = page.evaluate(
        """async () => [document.cookie.split('; ').map((each) => each.split('=')[0]), Object.keys(localStorage),
          Object.keys(sessionStorage), (await indexedDB.databases()).map(({ name }) => name)]"""
    )
    there = [[name for name in place if name in names] for place in left]
    assert [sorted(place) for place in there] == [sorted({*names} - {name}) for name in names]


def test_what_was_removed_is_told_where_a_browser_s_databases_never_answer(shop: Shop, page: Page) -> None:
    shop.serve(cookies={"marketing": (cookie("m_*"),)})
    page.add_init_script("indexedDB.databases = () => new Promise(() => {})")
    accept(page, shop.page(""))
    page.evaluate("document.cookie = 'm_a=1;path=/'")
    page.evaluate("consent.decide({ marketing: false })")
    says(page, "withdrawn", "removed", names="m_a")


def test_what_another_category_names_stays_while_that_is_allowed(shop: Shop, page: Page) -> None:
    shop.serve(cookies={"functional": (cookie("shared_*"),), "marketing": (cookie("shared_id"), cookie("m_*"))})
    accept(page, shop.page(""))
    page.evaluate("document.cookie = 'shared_id=1;path=/'; document.cookie = 'm_a=1;path=/'")
    page.evaluate("consent.decide({ marketing: false })")
    says(page, "withdrawn", "removed", names="m_a")
    assert "shared_id" in page.evaluate("document.cookie")
    page.evaluate("consent.decide({ functional: false })")
    until(page, "!document.cookie.includes('shared_id')")
