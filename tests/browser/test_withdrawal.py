"""A withdrawal is whole, and harms nothing: what goes, what stays, and how the page comes back."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Request, Route, expect

from .conftest import Shop, cookie, press, settle, until, when
from .visits import ALLOW, PATTERN, WITHDRAW, accepted, says

RAN = "<script>window.order = []; window.ran = (name) => order.push(name)</script>"
INLINE = '<script type="text/plain" data-consent="analytics">window.inline = 1</script>'

pytestmark = pytest.mark.troubles("Failed to load resource|MIME|WebSocket")


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
    accepted(page, shop.page(f"{RAN}<script>{add.replace('{t}', shop.url('/it.js', 'tracker'))}</script>"))
    when(page, lambda: "tracker/it.js" in shop.hits)
    page.route(shop.url("/"), lambda route: route.fulfill(status=405))
    page.evaluate(WITHDRAW)
    says(page, "withdrawn", "stays")


def test_where_no_script_has_run_the_page_stays_and_says_that_the_consent_is_withdrawn(shop: Shop, page: Page) -> None:
    accepted(page, shop.page("<p>Nothing here asks anybody</p>"))
    page.evaluate("window.here = true")
    page.evaluate(WITHDRAW)
    says(page, "withdrawn")
    assert page.evaluate("window.here")


def test_who_listens_hears_of_it_before_anything_is_taken_back(shop: Shop, page: Page) -> None:
    shop.serve(cookies={"analytics": (cookie("_t_*"),)})
    accepted(page, shop.page(INLINE))
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
    accepted(
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
    accepted(page, shop.page(f"<script>fetch('{url}', {{ mode: 'no-cors' }})</script>"))
    when(page, lambda: len(shop.hits) == 2)
    page.evaluate("window.here = true")
    page.evaluate(WITHDRAW)
    until(page, "!window.here && window.consent")
    settle(page)
    assert len(shop.hits) == 2


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
    accepted(page, shop.page(""))
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
    accepted(page, shop.page(""))
    page.evaluate("document.cookie = 'm_a=1;path=/'")
    page.evaluate("consent.decide({ marketing: false })")
    says(page, "withdrawn", "removed", names="m_a")


def test_what_another_category_names_stays_while_that_is_allowed(shop: Shop, page: Page) -> None:
    shop.serve(cookies={"functional": (cookie("shared_*"),), "marketing": (cookie("shared_id"), cookie("m_*"))})
    accepted(page, shop.page(""))
    page.evaluate("document.cookie = 'shared_id=1;path=/'; document.cookie = 'm_a=1;path=/'")
    page.evaluate("consent.decide({ marketing: false })")
    says(page, "withdrawn", "removed", names="m_a")
    assert "shared_id" in page.evaluate("document.cookie")
    page.evaluate("consent.decide({ functional: false })")
    until(page, "!document.cookie.includes('shared_id')")
