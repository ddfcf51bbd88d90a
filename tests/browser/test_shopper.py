"""What shoppers meet: a banner for everybody, their own choices, other tabs and hosts, and no question twice."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Frame, Page, Request, Route, expect

from consent_server.decision import Entry
from consent_server.settings.theme import contrast
from consent_server.site import Cookie, Variant
from consent_server.web import shopper as shopper_views

from .conftest import WORDS, Shop, banner, cookie, posted, press, settle, until, when

AXE = Path(__file__).parents[2] / "snippet/node_modules/axe-core/axe.min.js"

LAYOUTS = ("bar", "box", "centre")

THEMES: dict[str, dict[str, Any]] = {
    "ours": {},
    "a shop's": {"background": "#fff8e7", "text": "#3b0764", "accept": {"background": "#7c1d1d", "text": "#ffffff"}},
}


# ---- Everybody can use it ----


def violations(page: Page | Frame, *tags: str) -> list[str]:
    page.evaluate(AXE.read_text())
    only = f"runOnly: {[*tags]}," if tags else ""
    found = page.evaluate(f"axe.run(document, {{ {only} resultTypes: ['violations'] }})")["violations"]
    return [f"{each['id']}: {each['nodes'][0]['html'][:120]} {each['nodes'][0]['failureSummary']}" for each in found]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_axe_finds_nothing_wrong_in_any_layer_layout_language_and_theme(
    shop: Shop, new_context: Callable[..., BrowserContext], layout: str, theme: str, scheme: str
) -> None:
    shop.serve(theme={"layout": layout, **THEMES[theme]}, cookies={"analytics": (cookie("_ga"),)})
    for lang in ("az", "en", "ru", "tr"):
        page = new_context(locale=lang, color_scheme=scheme, viewport={"width": 320, "height": 640}).new_page()
        page.goto(shop.page("<p>Goods</p>", lang=lang))
        expect(banner(page, lang)).to_be_visible()
        assert violations(page) == []
        press(page, "choose", lang)
        expect(page.get_by_role("dialog", name=WORDS[lang]["details"])).to_be_visible()
        page.locator("[data-ask] summary").click()  # of the one category with a cookie
        assert violations(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_wrong_in_a_held_frame_the_message_of_what_was_removed_and_my_choices(
    shop: Shop, new_context: Callable[..., BrowserContext], scheme: str
) -> None:
    shop.serve(cookies={"marketing": (cookie("_ads"),)})
    page = new_context(locale="en-GB", color_scheme=scheme).new_page()
    film = '<iframe width=400 height=250 data-consent="marketing" data-src="/film" title="Film"></iframe>'
    shop.page("", "/film", head="")
    page.goto(shop.page(film))
    expect(page.frame_locator("iframe").get_by_role("button")).to_have_count(2)
    *heights, text, back = page.frames[1].evaluate(
        "[...[...document.querySelectorAll('button')].map((each) => each.offsetHeight),"
        " getComputedStyle(document.querySelector('p')).color,"
        " getComputedStyle(document.documentElement).backgroundColor]"
    )
    assert min(heights) >= 44
    # On a ground of its own, whatever the shop has behind the frame.
    text, back = ("#{:02x}{:02x}{:02x}".format(*map(int, re.findall(r"\d+", colour))) for colour in (text, back))
    assert contrast(text, back) >= 4.5
    # Without the best practice that a whole page has a heading and landmarks.
    assert violations(page.frames[1], "wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa") == []
    page.evaluate("consent.decide({ marketing: true }); document.cookie = '_ads=1;path=/'")
    until(page, "consent.token")
    page.evaluate("consent.decide({ marketing: false })")
    expect(page.get_by_role("status")).to_contain_text("_ads")
    assert violations(page) == []
    page.evaluate("consent.decide({ marketing: true })")
    until(page, "consent.token")
    page.evaluate("consent.open()")
    page.get_by_text("My choices", exact=True).click()
    expect(page.get_by_role("heading", name="My earlier answers")).to_be_visible()
    assert violations(page) == []


def size(page: Page) -> list[tuple[int, int]]:
    boxes = [button.bounding_box() for button in banner(page).get_by_role("button").all()]
    return [(round(box["width"]), round(box["height"])) for box in boxes if box]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("width", [320, 640, 1280])
def test_the_buttons_are_alike_large_enough_and_fit_a_narrow_window(
    shop: Shop, new_context: Callable[..., BrowserContext], layout: str, width: int
) -> None:
    shop.serve(theme={"layout": layout})
    page = new_context(locale="en-GB", viewport={"width": width, "height": 640}).new_page()
    page.goto(shop.page("<p>Goods</p>"))
    accept, refuse, choose = size(page)
    assert accept == refuse
    assert min(*accept, *choose) >= 44
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    styles = page.evaluate(
        "[...document.querySelectorAll('[data-ask] button')].map((b) => { const s = getComputedStyle(b);"
        " return [s.color, s.backgroundColor, s.font, s.border, s.opacity].join() })"
    )
    assert styles[0] == styles[1] != styles[2]


def tab_to(page: Page, there: str) -> None:
    """Press Tab until what is meant has the focus."""
    passed = []
    while not page.evaluate(there):
        passed.append(page.evaluate("document.activeElement.outerHTML.slice(0, 90)"))
        assert len(passed) <= 40, f"never {there}, but {passed[-10:]}; in front: {page.evaluate('document.hasFocus()')}"
        page.keyboard.press("Tab")


def test_the_whole_journey_goes_by_keyboard_and_the_focus_comes_back(shop: Shop, page: Page) -> None:
    page.goto(shop.page("<button data-consent-open>Cookie settings</button>"))
    expect(banner(page)).to_be_focused()
    for name in ("Privacy policy", "Accept all", "Reject all", "Manage preferences"):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == name
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name=WORDS["en"]["details"])
    expect(dialog).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    assert page.evaluate("document.activeElement.textContent") == "Manage preferences"
    page.keyboard.press("Enter")
    expect(dialog).to_be_focused()
    tab_to(page, "document.activeElement.name == 'analytics'")
    page.keyboard.press("Space")
    tab_to(page, "document.activeElement.textContent == 'Save my choices'")
    page.keyboard.press("Enter")
    assert page.evaluate("consent.choice") == {"functional": False, "analytics": True, "marketing": False}
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("button", name="Cookie settings").focus()
    page.keyboard.press("Enter")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Cookie settings")).to_be_focused()


def test_escape_postpones_decides_nothing_and_the_next_page_asks_again(shop: Shop, page: Page) -> None:
    page.goto(shop.page("<p>Goods</p>"))
    banner(page).press("Escape")
    expect(banner(page)).to_be_hidden()
    assert page.evaluate("[consent.choice, document.cookie]") == [None, ""]
    page.reload()
    expect(banner(page)).to_be_visible()


def test_nobody_is_taken_away_from_what_they_type_and_the_page_scrolls_on(shop: Shop, page: Page) -> None:
    page.goto(shop.page("<input autofocus><div style='height:3000px'></div>", head=""))
    page.locator("input").focus()
    page.evaluate(
        "(src) => { const s = document.createElement('script'); s.src = src; document.head.append(s) }",
        shop.url("/v1/shop/consent.js"),
    )
    expect(banner(page)).to_be_visible()
    expect(page.locator("input")).to_be_focused()
    page.mouse.move(200, 100)
    page.mouse.wheel(0, 500)
    until(page, "scrollY > 0")


def test_the_page_stays_usable_when_something_hides_the_preferences(shop: Shop, page: Page) -> None:
    page.goto(shop.page("<button onclick=\"document.title = 'bought'\">Buy</button>"))
    expect(banner(page)).to_be_visible()
    page.evaluate("document.querySelector('[data-ask]').style.setProperty('display', 'none', 'important')")
    page.evaluate("consent.open()")
    page.get_by_text("Buy").click()
    assert page.title() == "bought"


def test_a_language_from_right_to_left_is_laid_out_so(shop: Shop, page: Page) -> None:
    words = {**WORDS["en"], "title": "ملفات تعريف الارتباط", "text": "بموافقتك نستخدم ملفات تعريف الارتباط."}
    shop.serve(languages=("ar",), words={"ar": words})
    page.goto(shop.page("", lang="ar"))
    dialog = page.get_by_role("dialog", name=words["title"])
    assert dialog.evaluate("(each) => getComputedStyle(each).direction") == "rtl"


def test_it_speaks_the_page_s_language_then_the_browser_s_then_the_shop_s_first(
    shop: Shop, new_context: Callable[..., BrowserContext]
) -> None:
    for lang, locale, spoken in (
        ("az", "ru-RU", "az"),
        ("de", "ru-RU", "ru"),
        ("de", "fr-FR", "en"),
        ("tr-TR", "az", "tr"),
    ):
        page = new_context(locale=locale).new_page()
        page.goto(shop.page("", lang=lang))
        expect(banner(page, spoken)).to_be_visible()


# ---- One answer, everywhere, once ----


def test_an_answer_reaches_other_open_tabs_at_once(shop: Shop, page: Page) -> None:
    held = '<script type="text/plain" data-consent="analytics">window.ran = 1</script>'
    url = shop.page(held)
    page.goto(url)
    other = page.context.new_page()
    other.goto(url)
    press(page, "accept")
    until(other, "window.ran")
    expect(banner(other)).to_be_hidden()
    settle(page)
    assert [path for path, _ in shop.posts].count("decisions") == 1


def test_an_answer_is_shared_between_subdomains_where_the_shop_says_so(shop: Shop, page: Page) -> None:
    shop.serve(cookie_domain="shop.localhost")
    shop.page("", "/")
    page.goto(shop.url("/", "www.shop"))
    other = page.context.new_page()
    other.goto(shop.url("/", "m.shop"))
    press(page, "accept")
    until(other, "window.consent.allows('marketing')")
    page.goto(shop.url("/", "shop"))
    assert page.evaluate("consent.allows('marketing')") is True
    assert len(page.context.cookies()) == 1


def test_a_new_revision_asks_again_and_says_what_changed_and_follows_the_old_answer(shop: Shop, page: Page) -> None:
    page.goto(shop.page(""))
    press(page, "accept")
    until(page, "consent.token")
    old = page.evaluate("consent.token")
    what = "We now also measure searches."
    shop.serve(revision=2, changed={"en": what, "az": "x", "ru": "x", "tr": "x"})
    page.goto(shop.page("", head=shop.tag.replace(".js", ".js?2")))  # the browser may keep the script for five minutes
    expect(banner(page)).to_be_visible()
    expect(banner(page).get_by_text(what)).to_be_visible()
    assert page.evaluate("[consent.choice, consent.token]") == [None, None]
    press(page, "refuse")
    until(page, "consent.token")
    assert posted(shop, "decisions")[-1]["previous"] == old
    page.reload()
    settle(page)
    expect(banner(page)).to_be_hidden()


@pytest.mark.parametrize("answer", ["accept", "refuse"])
def test_an_expired_answer_is_asked_again(shop: Shop, page: Page, answer: str) -> None:
    shop.serve(keep=30 * 86400)
    page.goto(shop.page(""))
    press(page, answer)
    until(page, "consent.token")
    page.clock.install()
    page.clock.fast_forward(31 * 86400 * 1000)
    page.reload()
    expect(banner(page)).to_be_visible()
    assert page.evaluate("consent.choice") is None


def test_variants_are_drawn_by_weight_and_named_in_the_decision(
    shop: Shop, new_context: Callable[..., BrowserContext]
) -> None:
    title = {"en": {"title": "Cookies, please"}}
    shop.serve(variants=(Variant("a", 1, None, {}), Variant("b", 1, "box", title)))
    seen = set()
    for _ in range(12):
        page = new_context(locale="en-GB").new_page()
        page.goto(shop.page(""))
        variant = "b" if page.get_by_role("dialog", name="Cookies, please").count() else "a"
        assert page.locator("[data-ask] .box").count() == (variant == "b")
        press(page, "refuse")
        until(page, "consent.token")
        assert posted(shop, "decisions")[-1]["variant"] == variant
        seen.add(variant)
        page.context.close()
    assert seen == {"a", "b"}


# ---- What exactly is asked ----


@pytest.mark.parametrize("lang", ["az", "en", "ru", "tr"])
def test_the_cookie_list_says_whose_what_for_and_how_long_in_the_language_of_the_page(
    shop: Shop, page: Page, lang: str
) -> None:
    said = {each: f"{each}: to count visits" for each in ("az", "en", "ru", "tr")}
    lasts = {each: f"{each}: 13 months" for each in said}
    shop.serve(cookies={"analytics": (Cookie("_ga", "Google", said, lasts),)})
    page.goto(shop.page("", lang=lang))
    press(page, "choose", lang)
    group = page.locator("[data-ask] section").filter(has=page.get_by_role("switch", name=WORDS[lang]["analytics"]))
    group.locator("summary").click()
    listed = dict(zip(group.locator("dt").all_inner_texts(), group.locator("dd").all_inner_texts(), strict=True))
    names = [WORDS[lang][f"cookie_{part}"] for part in ("name", "provider", "purpose", "life")]
    assert listed == dict(zip(names, ["_ga", "Google", said[lang], lasts[lang]], strict=True))


# ---- My choices ----


def test_my_choices_show_check_hand_out_and_erase_what_is_held(shop: Shop, page: Page) -> None:
    page.goto(shop.page("<button data-consent-open>Cookie settings</button>"))
    press(page, "accept")
    until(page, "consent.token")
    page.get_by_role("button", name="Cookie settings").click()
    page.get_by_text("My choices", exact=True).click()
    mine = page.get_by_role("dialog")
    expect(mine.get_by_text("Your answer is recorded and unchanged")).to_be_visible()
    mine.get_by_text("How this was checked").click()
    for what in ("Answer", "Receipt"):
        expect(mine.get_by_text(f"{what}: Signature verified")).to_be_visible()
    expect(mine.get_by_text("Allowed: Functional, Analytics, Marketing")).to_be_visible()
    expect(mine.get_by_role("listitem")).to_have_count(1)
    with page.expect_popup() as opened:
        press(page, "receipt")
    receipt = opened.value
    expect(receipt.get_by_role("heading", name="Receipt: Shop")).to_be_visible()
    expect(receipt.get_by_text("Allowed: Functional, Analytics, Marketing")).to_be_visible()
    assert violations(receipt, "wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa") == []
    receipt.evaluate("window.print = () => { document.title = 'printed' }")
    receipt.get_by_role("button", name="Print").click()
    assert receipt.title() == "printed"
    with receipt.expect_download() as download:
        receipt.get_by_role("link", name="JSON-LD").click()
    assert json.loads(Path(download.value.path()).read_text())
    receipt.close()
    assert page.evaluate("consent.receipt().then(Object.keys)")
    press(page, "erase")
    expect(page.get_by_text(WORDS["en"]["sure"])).to_be_visible()
    press(page, "erase")
    expect(mine.get_by_text("Your record is erased")).to_be_visible()
    assert page.evaluate("[consent.choice, document.cookie]") == [None, ""]


def entries(shop: Shop) -> list[Entry]:
    return [*shop.app.extensions["consent"].store.log.day(shop.site, datetime.now(UTC).date())]


@pytest.mark.troubles("401")
def test_who_withdraws_and_then_erases_is_erased_whole(shop: Shop, page: Page) -> None:
    """Twice a yes that is taken back, the second time with a load in between, and then the erasure."""
    page.goto(shop.page("<button data-consent-open>Cookie settings</button>"))
    press(page, "accept")
    until(page, "consent.token")
    for reloads in (False, True):
        if reloads:
            page.evaluate("consent.decide({ marketing: true })")
            until(page, "consent.token && consent.allows('marketing')")
        page.get_by_role("button", name="Cookie settings").click()
        page.get_by_text("My choices", exact=True).click()
        expect(page.get_by_role("dialog").get_by_role("listitem")).to_have_count(1)  # then nothing is asked any more
        press(page, "withdraw")
        press(page, "withdraw")  # are you sure?
        until(page, "consent.token && !JSON.parse(atob(consent.token.split('.')[0])).sub")
        page.reload()
    assert len(entries(shop)) == 4
    # One of a key that is out of use since is refused, and keeps none of the others.
    page.evaluate("sessionStorage['ask-withdrawn'] = 'e30.none ' + sessionStorage['ask-withdrawn']")
    page.reload()
    page.get_by_role("button", name="Cookie settings").click()
    page.get_by_text("My choices", exact=True).click()
    press(page, "erase")
    expect(page.get_by_text(WORDS["en"]["sure"])).to_be_visible()
    press(page, "erase")
    expect(page.get_by_role("dialog").get_by_text("Your record is erased")).to_be_visible()
    assert {entry.id for entry in entries(shop)} == {""}
    assert page.evaluate("[consent.choice, document.cookie, sessionStorage.length]") == [None, "", 0]


@pytest.mark.troubles("ERR_FAILED|Failed to fetch")
def test_an_answer_whose_reply_was_lost_long_ago_gets_a_token_all_the_same(
    shop: Shop, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose(route: Route) -> None:
        here = route.request.url.replace("shop.localhost", "127.0.0.1")
        route.fetch(url=here, headers=route.request.headers | {"host": f"shop.localhost:{shop.port}"})
        route.abort()

    page.goto(shop.page("<button data-consent-open>Cookie settings</button>"))
    page.route("**/decisions", lose)
    with page.expect_event("requestfailed", lambda request: request.url.endswith("/decisions")):
        press(page, "accept")
    assert len(entries(shop)) == 1
    page.unroute("**/decisions")
    monkeypatch.setattr(shopper_views, "SECONDS_TO_REPEAT", -1)
    page.reload()
    until(page, "consent.token && consent.allows('marketing')")
    assert len(entries(shop)) == 2


def test_who_only_refused_is_not_told_of_an_erasure(shop: Shop, page: Page) -> None:
    page.goto(shop.page("<button data-consent-open>Cookie settings</button>"))
    press(page, "refuse")
    until(page, "consent.token")
    page.get_by_role("button", name="Cookie settings").click()
    page.get_by_text("My choices", exact=True).click()
    press(page, "erase")
    expect(page.get_by_text(WORDS["en"]["sure"])).to_be_visible()
    press(page, "erase")
    expect(page.get_by_role("dialog").get_by_text("nothing was erased")).to_be_visible()
    assert page.evaluate("[consent.choice, document.cookie]") == [None, ""]


def test_my_choices_check_the_receipt_itself_and_say_so_when_it_was_changed_on_its_way(
    shop: Shop, new_context: Callable[..., BrowserContext]
) -> None:
    def answered() -> Page:
        page = new_context(locale="en-GB").new_page()
        page.goto(shop.page("<button data-consent-open>Cookie settings</button>"))
        press(page, "accept")
        until(page, "consent.token")
        return page

    stranger = answered()
    genuine = stranger.evaluate("consent.receipt()")
    refused = {"@id": "dpv:ConsentRefused"}
    page = answered()
    for change, verdict in (
        ({}, "recorded"),
        ({"dpv:hasConsentStatus": refused}, "forged"),
        ({"dpv:hasDataController": {}}, "forged"),
        ({"dcterms:provenance": genuine["dcterms:provenance"]}, "forged"),
        (genuine, "forged"),  # the server's own words, of somebody else's answer
    ):

        def meddle(route: Route, _: Request, change: dict[str, Any] = change) -> None:
            here = route.request.url.replace("shop.localhost", "127.0.0.1")  # only the browser knows that host
            answer = route.fetch(url=here, headers=route.request.headers | {"host": f"shop.localhost:{shop.port}"})
            route.fulfill(response=answer, json=answer.json() | change)

        page.route("**/me/receipt", meddle)
        page.reload()
        page.get_by_role("button", name="Cookie settings").click()
        page.get_by_text("My choices", exact=True).click()
        expect(page.get_by_role("dialog").get_by_role("status")).to_have_text(WORDS["en"][verdict])
        said = WORDS["en"]["checked" if verdict == "recorded" else verdict]
        expect(page.get_by_text(f"Receipt: {said}")).to_be_attached()
        expect(page.get_by_text(f"Answer: {WORDS['en']['checked']}")).to_be_attached()
        page.unroute("**/me/receipt")


def test_my_choices_say_so_when_the_token_is_not_what_the_server_signed(shop: Shop, page: Page) -> None:
    page.goto(shop.page("<button data-consent-open>Cookie settings</button>"))
    press(page, "accept")
    until(page, "consent.token")
    token = page.evaluate("consent.token")
    payload, signature = token.split(".")
    forged = f"{payload}.{signature[:10]}{'A' if signature[10] != 'A' else 'B'}{signature[11:]}"
    page.context.add_cookies([{"name": "consent", "value": forged, "url": shop.url("/")}])
    page.reload()
    page.get_by_role("button", name="Cookie settings").click()
    page.get_by_text("My choices", exact=True).click()
    expect(page.get_by_role("dialog").get_by_role("status")).to_have_text(WORDS["en"]["forged"])
    expect(page.get_by_text("Answer: The signature is wrong")).to_be_attached()
    expect(page.get_by_text("Receipt:")).to_have_count(0)


@pytest.mark.troubles("Failed to load resource")
def test_my_choices_are_fetched_by_who_opens_them_say_when_that_failed_and_work_the_next_time(
    shop: Shop, page: Page, requests: list[Request]
) -> None:
    shop.serve(contact="privacy@shop.example", authority={"name": "The Authority", "url": "https://authority.example"})
    page.route("**/mine.*", lambda route: route.abort())
    page.goto(shop.page(""))
    press(page, "choose")
    mine = page.get_by_text("My choices", exact=True)

    def fetched() -> int:
        return len([made for made in requests if "/mine." in made.url])

    assert fetched() == 0
    failed = page.get_by_text(WORDS["en"]["failed"])
    for times in (1, 2):
        mine.click()
        when(page, lambda times=times: fetched() == times)
        expect(failed).to_have_count(1)
        page.get_by_role("tab", name="Cookies").click()
    page.unroute("**/mine.*")
    page.evaluate("document.documentElement.lang = 'ru'")  # the preferences are open in English
    mine.click()
    expect(page.get_by_text(WORDS["en"]["unanswered"])).to_be_visible()
    expect(failed).to_have_count(0)
    expect(page.get_by_role("link", name="privacy@shop.example")).to_be_visible()
    expect(page.get_by_role("link", name="The Authority")).to_have_attribute("href", "https://authority.example")
    assert fetched() == 3


def test_my_choices_lead_to_the_page_on_which_the_shop_is_written_to(shop: Shop, page: Page) -> None:
    shop.serve(contact="/contact")
    page.goto(shop.page(""))
    press(page, "choose")
    page.get_by_text("My choices", exact=True).click()
    expect(page.get_by_role("link", name="/contact")).to_have_attribute("href", "/contact")


# ---- The shop's scripts ----


def test_the_queue_the_events_and_the_promise_serve_the_shop_s_scripts(shop: Shop, page: Page) -> None:
    word = secrets.token_hex(4)
    page.goto(
        shop.page(
            "<script>consentQueue.push((c) => said.push(['late', c.choice]))</script>",
            head="<script>var said = []; (window.consentQueue ||= []).push((c) => { said.push(['queue', c.choice]);"
            "document.addEventListener('consentready', (e) => said.push(['ready', e.detail])); });"
            "document.addEventListener('consentchange', (e) => said.push(['change', e.detail]));</script>"
            + shop.tag
            + f"<script>consent.when('analytics').then(() => said.push(['{word}', consent.allows('analytics')]));"
            "</script>",
        )
    )
    assert page.evaluate("said") == [["queue", None], ["ready", None], ["late", None]]
    page.evaluate("consent.decide({ functional: true })")
    until(page, "said.length == 4")
    page.evaluate("consent.decide({ analytics: true })")
    functional = {"functional": True, "analytics": False, "marketing": False}
    both = {**functional, "analytics": True}
    until(page, "said.length == 6")
    assert page.evaluate("said.slice(3)") == [["change", functional], ["change", both], [word, True]]
    assert page.evaluate("[consent.allows('necessary'), consent.allows('nonsense')]") == [True, False]
