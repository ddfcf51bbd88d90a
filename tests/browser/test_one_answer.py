"""One answer, the newest: whatever tabs, hosts, scopes, clocks and late replies do, a no never becomes a yes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import quote, unquote

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from consent_server import create_app
from consent_server.decision import Consent
from consent_server.tokens import token

from .conftest import Shop, banner, posted, press, settle, slow, until, when

NO = {"functional": False, "analytics": False, "marketing": False}
YES = dict.fromkeys(NO, True)
TAG = '<script type="text/plain" data-consent="analytics">window.ran = 1</script>'
REFUSE = "consent.decide({ functional: false, analytics: false, marketing: false })"
ACCEPT = "consent.decide({ functional: true, analytics: true, marketing: true })"
DELIVERED = "!!window.consent?.token"
WITHOUT_EVENTS = "Object.defineProperty(window, 'cookieStore', { value: undefined })"
"""What Safari before 18.4 has, and every browser in a page under http."""
HEARS = "window.heard = []; document.addEventListener('consentchange', ({ detail }) => heard.push(detail.analytics))"


def cookies(context: BrowserContext, name: str = "consent") -> list[tuple[str, str, str]]:
    """Return domain, path and value of each cookie of a name."""
    return sorted(
        (str(each["domain"]), str(each["path"]), str(each["value"]))
        for each in context.cookies()
        if each["name"] == name
    )


def choice(page: Page) -> Any:
    return page.evaluate("consent.choice")


def issued(shop: Shop, *allow: str, at: int, site: str = "shop") -> str:
    """Return the token of an answer given at a moment in seconds."""
    names = {"sub": "s" * 22, "jti": f"decided-at-{at}-{'-'.join(allow)}"} if allow else {}
    consent = Consent(site=site, allow=sorted(allow), rev=1, notice="n" * 22, at=at, exp=at + 10**8, **names)
    return token(consent, shop.app.extensions["consent"].keys.sign(consent))


def plant(context: BrowserContext, value: str, domain: str = "shop.localhost", path: str = "/", **more: Any) -> None:
    context.add_cookies([{"name": "consent", "value": value, "domain": domain, "path": path, **more}])


def bodies(shop: Shop) -> list[dict[str, Any]]:
    """Return the decisions that were posted, in order."""
    return [json.loads(body) for path, body in shop.posts if path == "decisions"]


# ---- Late answers of the server ----


@pytest.mark.parametrize("host", ["shop", "www.shop"])
@pytest.mark.parametrize("events", [True, False])
def test_yes_at_once_no_and_away_the_late_answer_changes_nothing(
    shop: Shop, new_context: Callable[..., BrowserContext], host: str, events: bool
) -> None:
    context = new_context()
    if not events:
        context.add_init_script(WITHOUT_EVENTS)
    page = context.new_page()
    shop.page(TAG)
    page.goto(shop.url("/", host))
    with slow(shop) as answer:
        press(page, "accept")
        when(page, lambda: answer.taken)
        page.evaluate(REFUSE)
        page.goto(shop.url("/?2", host))
        assert choice(page) == NO
        until(page, DELIVERED)
        held = cookies(context)
        answer.arrive.set()
        settle(page)
        assert cookies(context) == held
    assert choice(page) == NO
    page.goto(shop.url("/?3", host))
    assert choice(page) == NO
    assert page.evaluate("window.ran") is None
    no = next(body for body in bodies(shop) if not body["allow"])
    assert no["previous"].count(".") == 1, "the no is known to follow the yes"


@pytest.mark.parametrize("events", [True, False])
@pytest.mark.parametrize(("first", "then", "left"), [(ACCEPT, REFUSE, NO), (REFUSE, ACCEPT, YES)])
def test_another_tab_s_late_acknowledgement_does_not_overwrite_the_later_answer(
    shop: Shop, new_context: Callable[..., BrowserContext], events: bool, first: str, then: str, left: dict[str, bool]
) -> None:
    context = new_context()
    if not events:
        context.add_init_script(WITHOUT_EVENTS)
    one, two = context.new_page(), context.new_page()
    url = shop.page("")
    one.goto(url)
    two.goto(url)
    with slow(shop) as answer:
        one.evaluate(first)
        when(one, lambda: answer.taken)
        two.evaluate(then)
        until(two, f"JSON.stringify(consent.choice) == '{json.dumps(left).replace(' ', '')}'")
        answer.arrive.set()
        until(one, f"JSON.stringify(consent.choice) == '{json.dumps(left).replace(' ', '')}'")
    until(one, DELIVERED)
    for page in (one, two):
        page.goto(url + "?2")
        assert choice(page) == left
    assert len(cookies(context)) == 1


@pytest.mark.parametrize(("first", "then", "left"), [(ACCEPT, REFUSE, NO), (REFUSE, ACCEPT, YES)])
def test_what_delivers_an_answer_comes_late_and_finds_another_tab_s_later_one(
    shop: Shop, new_context: Callable[..., BrowserContext], first: str, then: str, left: dict[str, bool]
) -> None:
    context = new_context()
    context.add_init_script(WITHOUT_EVENTS)
    one, two = context.new_page(), context.new_page()
    held: list[Route] = []
    one.route("**/delivery.*", lambda route: held.append(route))
    url = shop.page("")
    one.goto(url)
    two.goto(url)
    one.evaluate(first)
    when(one, lambda: held)
    two.evaluate(then)
    until(two, f"JSON.stringify(consent.choice) == '{json.dumps(left).replace(' ', '')}'")
    held[0].continue_()
    until(one, DELIVERED)
    assert choice(one) == left
    two.goto(url + "?2")
    assert choice(two) == left


MEANWHILE = """(() => {
  const { get, set } = Object.getOwnPropertyDescriptor(Document.prototype, 'cookie');
  window.reads = 0;
  Object.defineProperty(Document.prototype, 'cookie', {
    configurable: true,
    get() {
      const found = get.call(this);
      if (++reads == window.at) set.call(this, `consent=${other};Path=/`);
      return found;
    },
    set(text) { set.call(this, text) },
  });
})()"""
"""At one of this page's looks at the cookies, right after it, another tab's answer comes there."""


def test_at_whatever_moment_another_tab_answers_this_one_s_tidying_leaves_that_answer(
    shop: Shop, new_context: Callable[..., BrowserContext]
) -> None:
    context = new_context()
    context.add_init_script(WITHOUT_EVENTS + ";" + MEANWHILE)
    url = shop.page("")
    later = issued(shop, at=int(time.time()) + 7200)
    at = looks = 1
    while at <= looks:
        context.clear_cookies()
        page = context.new_page()
        page.goto(url)
        with slow(shop) as answer:
            page.evaluate(f"window.other = '{later}'; {ACCEPT}; window.reads = 0; window.at = {at}")
            when(page, lambda: answer.taken)
            until(page, "performance.getEntriesByType('resource').some((one) => one.name.includes('/delivery.'))")
            settle(page)
            looks = page.evaluate("window.reads")
            if at > looks:
                break  # it looks once less in some runs
            assert [value for _, _, value in cookies(context)] == [later], f"at look {at} of {looks}"
        page.close()
        at += max(1, looks // 8)
    assert looks > 5


def test_a_tab_that_leaves_before_its_answer_comes_leaves_the_other_tab_s_no(
    shop: Shop, new_context: Callable[..., BrowserContext]
) -> None:
    context = new_context()
    one, two = context.new_page(), context.new_page()
    url = shop.page("")
    one.goto(url)
    two.goto(url)
    with slow(shop) as answer:
        one.evaluate(ACCEPT)
        when(one, lambda: answer.taken)
        two.evaluate(REFUSE)
        one.close()
        until(two, DELIVERED)
        answer.arrive.set()
        settle(two)
        assert choice(two) == NO
    ids = [body["id"] for body in bodies(shop) if body["allow"]]
    assert len(set(ids)) == 1, "the yes was sent again as the same decision"


# ---- Heard once ----


@pytest.mark.parametrize("events", [True, False])
def test_each_decision_is_heard_once_in_every_tab_and_by_vendors(
    shop: Shop, new_context: Callable[..., BrowserContext], events: bool
) -> None:
    context = new_context()
    context.add_init_script(HEARS + ("" if events else ";" + WITHOUT_EVENTS))
    shop.serve(vendors={"google": {"mode": "advanced"}})
    url = shop.page("")
    one, two = context.new_page(), context.new_page()
    one.goto(url)
    two.goto(url)

    def heard(page: Page) -> list[list[bool]]:
        if not events:  # a tab that is come back to
            page.evaluate("document.dispatchEvent(new Event('visibilitychange', { bubbles: true }))")
            settle(page)
        told = "dataLayer.filter((each) => each.event == 'consentchange').map((each) => each.consent.analytics)"
        return [page.evaluate("heard"), page.evaluate(told)]

    one.bring_to_front()
    press(one, "accept")
    until(one, DELIVERED)
    settle(two)
    assert heard(one) == heard(two) == [[True], [True]]
    one.evaluate(REFUSE)
    until(one, DELIVERED)
    settle(two)
    assert heard(one) == heard(two) == [[True, False], [True, False]]


def test_three_tags_are_one_gate(shop: Shop, page: Page) -> None:
    page.goto(shop.page(TAG.replace("window.ran = 1", "window.ran = (window.ran || 0) + 1"), head=shop.tag * 3))
    assert banner(page).count() == 1
    press(page, "accept")
    until(page, DELIVERED)
    until(page, "window.ran")
    assert page.evaluate("ran") == 1
    assert len(bodies(shop)) == 1


# ---- Scopes ----


def withdraw(page: Page) -> None:
    """Refuse in a page in which something has run, which ends with the page; wait for the next."""
    page.evaluate(f"window.here = 1; {REFUSE}")
    until(page, f"!window.here && {DELIVERED}")


def test_a_cookie_domain_that_is_set_changed_and_removed_keeps_every_answer(
    shop: Shop, new_context: Callable[..., BrowserContext]
) -> None:
    context = new_context()
    page = context.new_page()

    def shop_with(domain: str | None) -> None:
        shop.serve(cookie_domain=domain)
        shop.page(TAG, head=shop.tag.replace(".js", f".js?{domain}"))  # no cache has yesterday's

    shop_with(None)
    page.goto(shop.url("/", "www.shop"))
    press(page, "accept")
    until(page, DELIVERED)
    assert [domain for domain, *_ in cookies(context)] == ["www.shop.localhost"]

    shop_with("shop.localhost")
    page.goto(shop.url("/?2", "www.shop"))
    assert choice(page) == YES
    withdraw(page)
    assert [domain for domain, *_ in cookies(context)] == [".shop.localhost"]
    for host in ("www.shop", "m.shop", "shop"):
        page.goto(shop.url("/?3", host))
        assert choice(page) == NO
    page.evaluate("delete window.ran")

    shop_with("www.shop.localhost")
    page.goto(shop.url("/?4", "www.shop"))
    assert choice(page) == NO
    page.evaluate(ACCEPT)
    until(page, DELIVERED)
    assert [domain for domain, *_ in cookies(context)] == [".www.shop.localhost"]

    shop_with(None)
    page.goto(shop.url("/?5", "www.shop"))
    assert choice(page) == YES
    withdraw(page)
    assert [domain for domain, *_ in cookies(context)] == ["www.shop.localhost"]
    page.goto(shop.url("/?6", "www.shop"))
    assert choice(page) == NO


@pytest.mark.troubles("409")  # the server never gave that yes
def test_an_answer_left_on_any_path_or_parent_is_replaced(
    shop: Shop, new_context: Callable[..., BrowserContext]
) -> None:
    context = new_context()
    yes = issued(shop, "analytics", at=1_700_000_000)
    for domain, path in ((".shop.localhost", "/"), ("www.shop.localhost", "/a"), (".www.shop.localhost", "/a/b")):
        plant(context, yes, domain, path)
    page = context.new_page()
    shop.page(TAG, "/a/b")
    page.goto(shop.url("/a/b", "www.shop"))
    assert choice(page)["analytics"]
    page.evaluate(REFUSE)
    until(page, DELIVERED)
    assert [(domain, path) for domain, path, _ in cookies(context)] == [("www.shop.localhost", "/")]


@pytest.mark.parametrize(
    ("given", "allowed"),
    [
        ([((), 0), (("analytics",), 3600)], ["analytics"]),
        ([(("analytics",), 0), ((), 3600)], []),
        ([(("analytics",), 3599), ((), 0)], []),
        ([(("analytics", "marketing"), 5), (("marketing",), 5)], ["marketing"]),
        ([(("marketing",), 5), (("analytics",), 6)], ["analytics"]),
    ],
)
@pytest.mark.parametrize("swapped", [False, True])
def test_of_several_the_newest_counts_and_of_two_without_an_order_the_stricter(
    shop: Shop,
    new_context: Callable[..., BrowserContext],
    given: list[tuple[tuple[str, ...], int]],
    allowed: list[str],
    swapped: bool,
) -> None:
    context = new_context()
    hour = 1_790_000_000 - 1_790_000_000 % 3600
    plant(context, "1", "shop.localhost", "/x")
    for (allow, after), path in zip(given[::-1] if swapped else given, ("/", "/x/"), strict=True):
        plant(context, issued(shop, *allow, at=hour + after), path=path)
    page = context.new_page()
    shop.page(TAG, "/x/y")
    page.goto(shop.url("/x/y"))
    assert [name for name, is_allowed in choice(page).items() if is_allowed] == allowed
    # What is tidied away takes somebody else's with it for a moment, until that is given back.
    when(page, lambda: sorted(value == "1" for *_, value in cookies(context)) == [False, True])


FOREIGN = ["1", "true", "%7B%22analytics%22%3Atrue%7D", "~null", "eyJhIjoxfQ.c2ln", "OTHER"]


@pytest.mark.parametrize("foreign", FOREIGN)
@pytest.mark.parametrize("where", ["parent", "same", "every page"])
def test_somebody_else_s_is_left_alone_and_nobody_is_asked_for_ever(
    shop: Shop, new_context: Callable[..., BrowserContext], foreign: str, where: str
) -> None:
    context = new_context()
    value = issued(shop, "analytics", at=1_790_000_000, site="another") if foreign == "OTHER" else foreign
    domain = ".shop.localhost" if where == "parent" else "www.shop.localhost"
    if where == "every page":
        context.add_init_script(f"try {{ document.cookie = 'consent={value};Path=/;Max-Age=9999' }} catch {{}}")
    else:
        plant(context, value, domain)
    page = context.new_page()
    shop.page(TAG)
    page.goto(shop.url("/", "www.shop"))
    expect(banner(page)).to_be_visible()
    press(page, "refuse")
    until(page, "consent.token && document.cookie.split('consent=').length == 3")
    for n in range(2):
        page.goto(shop.url(f"/?{n}", "www.shop"))
        assert choice(page) == NO
        assert page.evaluate("!!consent.token")
    assert (domain, "/", value) in cookies(context)
    assert len(cookies(context)) == 2
    assert [body["allow"] for body in bodies(shop)] == [[]]
    page.evaluate(ACCEPT)
    until(page, DELIVERED)
    settle(page)
    assert (domain, "/", value) in cookies(context)
    assert len(cookies(context)) == 2
    if where != "every page" and foreign != "OTHER":  # it still goes with the browser's last window, as it came
        assert [each["expires"] for each in context.cookies() if each.get("value") == value] == [-1]
    page.goto(shop.url("/?yes", "www.shop"))
    assert choice(page) == YES


def test_two_shops_on_one_host_keep_an_answer_each(shop: Shop, new_context: Callable[..., BrowserContext]) -> None:
    context = new_context()
    page = context.new_page()
    url = shop.page("")
    page.goto(url)
    press(page, "refuse")
    until(page, DELIVERED)
    first = cookies(context)
    other = replace(shop.site, id="other")
    mine = shop.app
    assert mine
    shop.served = create_app(shop.settings, {"shop": shop.site, "other": other})
    mine.extensions["consent"].store.close()
    shop.page("", "/other", head=shop.tag.replace("/v1/shop/", "/v1/other/"))
    page.goto(shop.url("/other"))
    expect(banner(page)).to_be_visible()
    press(page, "accept")
    until(page, "consent.token && document.cookie.split('consent=').length == 3")
    settle(page)
    assert set(first) < set(cookies(context))
    page.goto(url)
    assert choice(page) == NO
    page.goto(shop.url("/other"))
    assert choice(page) == YES


# ---- A refusal names nobody ----


@pytest.mark.troubles("Failed to load resource|decision not taken|ERR_")
@pytest.mark.parametrize("status", [0, 403, 404, 422, 503])
def test_two_who_refuse_hold_the_same_cookie_also_while_it_waits(
    shop: Shop, new_context: Callable[..., BrowserContext], status: int
) -> None:
    url = shop.page("")
    held = set()
    for _ in range(2):
        context = new_context()
        page = context.new_page()
        context.route(
            "**/decisions",
            lambda route: (
                route.fulfill(status=status, json={"type": "/problems/x", "detail": "no"}) if status else route.abort()
            ),
        )
        page.goto(url)
        with page.expect_event(
            "requestfinished" if status else "requestfailed", lambda r: r.url.endswith("/decisions")
        ):
            press(page, "refuse")
        if 400 <= status < 500:
            when(page, lambda: "tries" in cookies(context)[0][2])  # noqa: B023
        settle(page)
        [(_, _, value)] = cookies(context)
        held.add(value)
        [waiting] = json.loads(unquote(value[1:]))
        assert not {"id", "jti", "sub"} & set(waiting)
        assert waiting["at"] % 3600 == 0
    assert len(held) == 1


def test_a_withdrawal_sent_again_counts_once_although_it_has_no_id_in_the_cookie(
    shop: Shop, new_context: Callable[..., BrowserContext]
) -> None:
    context = new_context()
    page = context.new_page()
    url = shop.page("")
    page.goto(url)
    press(page, "accept")
    until(page, DELIVERED)
    with slow(shop) as answer:
        page.evaluate(REFUSE)
        when(page, lambda: answer.taken)
        page.goto(url + "?2")
        until(page, DELIVERED)
    first, second = [body["id"] for body in bodies(shop) if not body["allow"]]
    assert first == second
    assert choice(page) == NO
    [(_, _, value)] = cookies(context)
    assert "~" not in value


def test_a_first_refusal_whose_acknowledgement_was_lost_is_another_one_to_the_server(shop: Shop, page: Page) -> None:
    url = shop.page("")
    page.goto(url)
    with slow(shop) as answer:
        press(page, "refuse")
        when(page, lambda: answer.taken)
        page.goto(url + "?2")
        until(page, DELIVERED)
    first, second = [body["id"] for body in bodies(shop)]
    assert first != second, "nothing lies in the browser by which the two could be known to be one"


# ---- What the server refuses ----


@pytest.mark.troubles("Failed to load resource|decision not taken")
@pytest.mark.parametrize(
    ("status", "kind"), [(403, "foreign-origin"), (404, "unknown-site"), (422, "unknown-notice"), (400, "malformed")]
)
@pytest.mark.parametrize("word", ["accept", "refuse"])
def test_what_an_operator_s_fault_refused_is_offered_again_seldom_until_it_is_taken(
    shop: Shop, new_context: Callable[..., BrowserContext], status: int, kind: str, word: str
) -> None:
    context = new_context()
    page = context.new_page()
    offered = []

    def refuse(route: Any) -> None:
        offered.append(route.request.post_data_json)
        route.fulfill(status=status, json={"type": f"/problems/{kind}", "detail": "not now"})

    context.route("**/decisions", refuse)
    url = shop.page("")
    page.goto(url)
    press(page, word)
    when(page, lambda: len(offered) == 1)
    until(page, "document.cookie.includes('tries')")
    for n in range(6):
        page.goto(f"{url}?{n}")
        settle(page)
        assert choice(page) == (YES if word == "accept" else NO)
    assert len(offered) == 2, "the next page, and then not before an hour has passed"
    if word == "accept":
        assert offered[0]["id"] == offered[1]["id"]

    later = "{ const { now } = Date; Date.now = () => now() + HOURS * 36e5 }"
    page.add_init_script(later.replace("HOURS", "3"))
    page.goto(f"{url}?later")
    when(page, lambda: len(offered) == 3)
    context.unroute("**/decisions")
    page.add_init_script(later.replace("HOURS", "20"))
    page.goto(f"{url}?mended")
    until(page, DELIVERED)


# ---- Any text ----

TEXTS = [
    *("~", "~null", "~{}", "~[]", "~[null]", "~5", '~"x"', "~%", "%", "%E0%A4%A", "~%5B%7B%7D%5D", "null", "undefined"),
    *(
        '~[{"site":"shop"}]',
        '~[{"site":"shop","allow":"analytics"}]',
        '~[{"site":"shop","allow":[["analytics"]],"id":"x"}]',
    ),
    *(
        '~[{"site":"shop","allow":{"every":1}}]',
        '~[{"site":"shop","allow":["analytics"]}]',
        '~2[{"site":"shop","allow":[]}]',
    ),
    *("x" * 4000, "~" + "[" * 3000, "a.b.c", "=", "==", '"quoted"', "e30.e30", "bnVsbA." + "A" * 86, "W10." + "A" * 86),
]


PRESSED = (("accept", YES), ("refuse", NO), ("choose", NO))


@pytest.mark.parametrize(
    ("word", "answer", "text"),
    [(*PRESSED[number % 3], text) for number, text in enumerate(TEXTS)],
    ids=[text[:24] for text in TEXTS],
)
def test_any_text_in_the_cookie_is_no_answer_and_every_button_works(
    shop: Shop, new_context: Callable[..., BrowserContext], text: str, word: str, answer: dict[str, bool]
) -> None:
    context = new_context()
    context.add_init_script(f"try {{ if (!location.search) document.cookie = `consent={text};path=/` }} catch {{}}")
    page = context.new_page()
    url = shop.page(TAG)
    page.goto(url)
    assert choice(page) is None
    assert page.evaluate("consent.token") is None
    expect(banner(page)).to_be_visible()
    press(page, word)
    if word == "choose":
        press(page, "save")
    until(page, DELIVERED)
    page.goto(url + "?2")
    assert choice(page) == answer


# ---- Clocks ----


@pytest.mark.parametrize("server", ["shop", "consent"])
@pytest.mark.parametrize("days", [300, 200, 2, -2, -300])
@pytest.mark.parametrize("word", ["accept", "refuse"])
def test_a_clock_that_is_wrong_does_not_ask_on_every_page(
    shop: Shop, new_context: Callable[..., BrowserContext], days: int, word: str, server: str
) -> None:
    context = new_context()
    context.add_init_script(f"{{ const {{ now }} = Date; Date.now = () => now() + {days} * 864e5 }}")
    page = context.new_page()
    url = shop.page(TAG, head=shop.tag.replace("//shop.", f"//{server}."))
    page.goto(url)
    press(page, word)
    until(page, DELIVERED)
    for n in range(2):
        page.goto(f"{url}?{n}")
        settle(page)
        assert choice(page) == (YES if word == "accept" else NO)
        assert banner(page).count() == 0
    if word == "accept":
        withdraw(page)
    else:
        page.evaluate(ACCEPT)
        until(page, DELIVERED)
    page.goto(url + "?changed")
    assert choice(page) == (NO if word == "accept" else YES)


@pytest.mark.parametrize("hours", [-25, -23, 23, 25])
def test_a_clock_is_called_wrong_from_a_day_on(shop: Shop, page: Page, hours: int) -> None:
    page.add_init_script(f"{{ const {{ now }} = Date; Date.now = () => now() + {hours} * 36e5 }}")
    page.goto(shop.page(""))
    press(page, "refuse")
    until(page, DELIVERED)
    settle(page)
    assert page.evaluate("document.cookie.includes('ask-clock=')") is (abs(hours) > 24)


@pytest.mark.troubles("ERR_FAILED")
def test_a_clock_that_is_set_right_keeps_the_later_answer(
    shop: Shop, new_context: Callable[..., BrowserContext]
) -> None:
    context = new_context()
    page = context.new_page()
    url = shop.page("")
    page.goto(url)
    page.evaluate("Date.now = ((now) => () => now() + 300 * 864e5)(Date.now)")
    context.route("**/decisions", lambda route: route.abort())
    page.evaluate(ACCEPT)
    page.goto(url + "?right")
    page.evaluate(REFUSE)
    page.goto(url + "?2")
    assert choice(page) == NO
    context.unroute("**/decisions")
    page.goto(url + "?3")
    until(page, DELIVERED)
    assert choice(page) == NO


# ---- What lasts in Safari ----


def as_safari(context: BrowserContext) -> BrowserContext:
    context.add_init_script(
        "Object.defineProperty(Navigator.prototype, 'vendor', { get: () => 'Apple Computer, Inc.' })"
    )
    return context


@pytest.mark.parametrize(("word", "answer"), [("accept", YES), ("refuse", NO)])
def test_an_answer_outlasts_the_seven_days_of_a_script_s_cookie(
    shop: Shop, new_context: Callable[..., BrowserContext], word: str, answer: dict[str, bool]
) -> None:
    context = as_safari(new_context())
    page = context.new_page()
    url = shop.page(TAG)
    page.goto(url)
    press(page, word)
    when(page, lambda: cookies(context, "ask-kept"))
    [(_, _, held)] = cookies(context)
    [(_, _, guard)] = cookies(context, "ask-guard")
    assert (guard == "0") == (word == "refuse")
    context.clear_cookies(name="consent")  # seven days have passed
    page.goto(url + "?2")
    assert choice(page) == answer
    assert banner(page).count() == 0
    when(page, lambda: cookies(context))
    assert [value for *_, value in cookies(context)] == [held]


@pytest.mark.parametrize("late", ["guard", "token"])
@pytest.mark.troubles("401")  # nothing is left to keep
def test_what_makes_a_yes_last_comes_after_the_no_and_says_nothing(
    shop: Shop, new_context: Callable[..., BrowserContext], late: str
) -> None:
    context = as_safari(new_context())
    page = context.new_page()
    url = shop.page(TAG)
    page.goto(url)
    with slow(shop, "/keep") as answer:
        if late == "token":
            answer.left = 0
            page.route("**/keep", lambda route: route.continue_())
        press(page, "accept")
        if late == "token":
            when(page, lambda: cookies(context, "ask-guard"))
            answer.left = 1
        when(page, lambda: answer.taken)
        page.evaluate(f"window.here = 1; {REFUSE}")
        answer.arrive.set()
        until(page, "!window.here && window.consent")
        page.goto(url + "?2")
        until(page, DELIVERED)
        settle(page)
    context.clear_cookies(name="consent")
    page.goto(url + "?3")
    assert choice(page) in (NO, None)
    assert page.evaluate("window.ran") is None


def test_other_browsers_get_no_other_cookie(shop: Shop, new_context: Callable[..., BrowserContext]) -> None:
    context = new_context()
    page = context.new_page()
    page.goto(shop.page(""))
    press(page, "accept")
    until(page, DELIVERED)
    settle(page)
    assert {each["name"] for each in context.cookies()} == {"consent"}


def test_what_stands_within_another_cookie_is_no_answer(shop: Shop, page: Page) -> None:
    page.goto(shop.page(""))
    page.evaluate(REFUSE)
    until(page, DELIVERED)
    planted = issued(shop, "marketing", at=int(time.time()) + 7200)
    page.evaluate(f"document.cookie = 'q=shoes consent={planted};path=/'")
    page.reload()
    settle(page)
    assert page.evaluate("[consent.allows('marketing'), consent.choice.marketing]") == [False, False]
    assert len([path for path, _ in shop.posts if path == "decisions"]) == 1


PLANTED = {
    "an id that is no text": {"id": {}},
    "an id that is a number": {"id": 5},
    "an earlier answer that is a number": {"previous": 5},
    "an earlier answer that is an object": {"previous": {"a": 1}},
    "a time that is text": {"at": "1"},
}


@pytest.mark.troubles("Failed to load resource|consent: decision not taken")
@pytest.mark.parametrize("planted", PLANTED)
def test_no_text_in_the_cookie_is_posted_without_end_or_stands_in_the_way(shop: Shop, page: Page, planted: str) -> None:
    base = {"site": "shop", "allow": ["analytics"], "at": 1, "rev": 1, "exp": 9999999999, "id": "a" * 21 + "A"}
    text = json.dumps([{**base, **PLANTED[planted]}])
    page.context.add_cookies([{"name": "consent", "value": "~" + quote(text), "url": shop.url("/")}])
    page.goto(shop.page(""))
    until(page, "decodeURIComponent(document.cookie).includes('\"tries\":1')")  # it was refused
    settle(page)
    assert len(posted(shop, "decisions")) == 1
    page.evaluate("consent.decide({ functional: true, analytics: false, marketing: false })")
    until(page, "consent.token")
    page.reload()
    until(page, "consent.token && consent.choice.functional && !consent.choice.analytics")


def test_a_no_is_kept_where_the_clock_says_that_time_has_just_begun(shop: Shop, page: Page) -> None:
    page.add_init_script("{ const off = Date.now() - 600000, now = Date.now; Date.now = () => now() - off }")
    page.goto(shop.page(""))
    press(page, "refuse")
    until(page, "consent.choice")
    page.goto(shop.url("/"))
    until(page, "consent.choice && !document.querySelector('[data-ask] .buttons')")
