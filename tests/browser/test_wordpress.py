"""The plug-in in a WordPress of Debian's packages, with other plug-ins beside it, in a real browser.

Its packages take a while to be installed, so this runs when WORDPRESS is set: `make wordpress`. With WP_CONSENT_API, a
folder, the plug-in WP Consent API is the one in it, else a stand-in.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from conftest import Live, free_port
from playwright.sync_api import Page, expect

from .conftest import banner, press, settle, until
from .press import ACTIVATE, MARIADB, WORDPRESS, Press
from .wordpress_shop import (
    AFTER,
    BEFORE,
    COUNTS,
    FORGET_FRESH,
    HOSTS,
    RAN,
    SET,
    UNINSTALL,
    answered,
    asked,
    config,
    hosts,
    log_in,
    notices,
    page,
    ready,
    said,
    server,
    set_up,
    wordpress,
)

__all__ = ["asked", "page", "ready", "server", "wordpress"]

MISSING = [str(path) for path in (WORDPRESS, *map(Path, MARIADB)) if not Path(path).exists()]

pytestmark = [
    pytest.mark.skipif("WORDPRESS" not in os.environ, reason="it installs a WordPress: make wordpress"),
    pytest.mark.skipif(
        bool(MISSING), reason=f"WordPress is not installed here, as there is no {' and no '.join(MISSING)}"
    ),
]


def test_it_is_set_up_in_the_admin_and_says_what_to_type(page: Page, wordpress: Press, server: Live) -> None:
    wordpress.php(SET)
    page.goto(wordpress.page("shop"))
    assert "gtag" in page.locator("head").inner_html()
    assert page.locator("[data-consent]").count() == 0
    log_in(page, wordpress)
    page.goto(wordpress.url("/wp-admin/"))
    assert notices(page) == [
        "consent-server holds nothing yet: type the server’s address and the site’s id under Settings, Cookie consent."
    ]
    wrong = {"server": "shop", "site": "My Shop", "cookie": "cookie", "handles": "a b", "addresses": "x analytics"}
    set_up(page, wordpress, **wrong)
    faults = "\n".join(notices(page))
    for typed in (
        "“shop” is no address",
        "“My Shop” is no id",
        "called consent",
        "“a b” is no row",
        "“x analytics” is no row",
    ):
        assert typed in faults
    for name in wrong:
        assert page.locator(f"#consent-server-{name}").input_value() == ("consent" if name == "cookie" else "")
    nobody = f"http://127.0.0.1:{free_port()}"
    set_up(page, wordpress, server=f"{nobody}/", site="shop")
    assert notices(page) == [
        f"No consent server answers at {nobody}, so whatever waits stays closed: look whether the address is right and the server runs."
    ]
    set_up(page, wordpress, server=server.url, site="shap")
    assert notices(page) == [
        f"The consent server at {server.url} knows no site “shap”, so whatever waits stays closed: type the id that its consent.toml has."
    ]
    set_up(page, wordpress, site="shop", handles='counter analytics\n"><script>alert(1)</script> marketing')
    assert page.locator("#consent-server-handles").input_value() == ""
    set_up(page, wordpress, handles="counter analytics", addresses="*.tracker.example = marketing")
    assert notices(page) == []
    assert page.locator("#consent-server-handles").input_value() == "counter analytics"
    assert (
        page.evaluate(tag := f"fetch('{wordpress.page('shop')}').then((answer) => answer.text())").count(" async") == 0
    )
    page.get_by_label("Let the page go on").check()
    with page.expect_navigation():
        page.get_by_role("button", name="Save Changes").click()
    assert re.search(r"<script [^>]*consent-server-js[^>]* async", page.evaluate(tag))


@pytest.mark.troubles("403")
def test_only_an_administrator_changes_settings_and_by_the_form_alone(page: Page, ready: Press) -> None:
    log_in(page, ready)
    form = {"option_page": "consent-server", "action": "update", "consent_server[site]": "other"}
    post = """async ([address, form]) => (await fetch(address, form && { method: 'POST', body: new URLSearchParams(form) })).status"""
    save, look = (
        [ready.url("/wp-admin/options.php"), form],
        [ready.url("/wp-admin/options-general.php?page=consent-server")],
    )
    assert page.evaluate(post, save) == 403
    page.context.clear_cookies()
    log_in(page, ready, "reader")
    assert page.evaluate(post, look) == 403
    assert page.evaluate(post, save) == 403
    assert ready.php("require 'wp-load.php'; echo json_encode(get_option('consent_server')['site']);") == "shop"


def test_nothing_is_asked_before_a_yes_all_runs_after_it_and_nothing_after_a_withdrawal(
    page: Page, ready: Press, asked: list[str]
) -> None:
    page.goto(ready.page("shop"))
    expect(banner(page)).to_be_visible()
    assert page.evaluate("document.head.querySelector('script, link[href], style').id") == "consent-server-js"
    until(page, "did.includes('harmless.js')")
    settle(page)
    assert asked == []
    assert page.evaluate("did") == ["harmless.js"]
    assert said(page) == BEFORE
    assert page.evaluate("wp_has_consent('statistics')") is False
    assert page.evaluate("heard") == []

    expect(page.frame_locator("iframe").get_by_role("button", name="Allow once")).to_be_visible()
    press(page, "accept")
    until(page, f"{json.dumps(RAN)}.every((each) => did.includes(each))")
    expect(page.frame_locator("iframe").locator("html")).to_be_attached()
    until(page, "window.consent.token")
    assert hosts(asked) == HOSTS
    until(page, "did.includes('fbevents.js')")
    assert [each for each in page.evaluate("did") if each != "fbevents.js"] == ["harmless.js", *RAN]
    assert page.evaluate("wp_has_consent('statistics') && wp_has_consent('marketing')") is True
    assert {"statistics": "allow"} in page.evaluate("heard")

    page.goto(ready.page("shop"))
    assert said(page) == AFTER
    expect(page.get_by_text("Thank you for letting us count your visit.")).to_be_visible()
    until(page, f"{json.dumps(RAN)}.every((each) => did.includes(each))")
    page.goto(ready.page("policy"))
    page.get_by_role("button", name="Withdraw").click()
    until(page, "window.consent?.token && !consent.allows('analytics')")
    asked.clear()
    page.goto(ready.page("shop"))
    assert said(page) == BEFORE
    expect(page.get_by_text("Thank you for letting us count your visit.")).to_have_count(0)
    settle(page)
    assert asked == []
    assert page.evaluate("wp_has_consent('statistics')") is False


def test_what_was_held_is_all_in_the_page_once_and_marked(page: Page, ready: Press) -> None:
    page.goto(ready.page("shop"))
    marks = page.evaluate("""[...document.querySelectorAll('[data-consent]')].map((each) =>
      [each.localName, each.id || each.dataset.src || (each.text ?? '').slice(0, 14), each.dataset.consent])""")
    assert sorted(marks) == sorted(
        [
            ["script", "gtag-js-before", "analytics"],
            ["script", "gtag-js", "analytics"],
            ["script", "gtag-js-after", "analytics"],
            ["script", "counter-js-extra", "analytics"],
            ["script", "counter-js", "analytics"],
            ["script", "!function (d) ", "marketing"],
            ["link", "", "analytics marketing"],
            ["iframe", "https://www.youtube.com/embed/M7lc1UVf-VE?feature=oembed", "marketing"],
        ]
    )


def test_what_has_no_tag_is_left_as_it_is(page: Page, ready: Press) -> None:
    page.goto(ready.url("/wp-login.php"))
    rest = page.evaluate(
        "address => fetch(address).then((answer) => answer.json())",
        ready.url(f"/?rest_route=/wp/v2/pages/{ready.ids['shop']}"),
    )
    assert ' src="https://www.youtube.com/embed/' in rest["content"]["rendered"]
    assert page.locator("[data-consent], #consent-server-js").count() == 0


@pytest.mark.parametrize("name", ["policy", "old-policy"])
def test_the_list_is_a_block_and_a_shortcode(page: Page, ready: Press, name: str) -> None:
    page.goto(ready.page(name))
    expect(page.get_by_role("rowheader", name="_fbp")).to_be_visible()
    if name == "old-policy":
        press(page, "refuse")
        page.get_by_role("button", name="Change my answer").click()
        expect(page.get_by_role("switch", name="Marketing")).to_be_visible()


def test_the_editor_offers_the_list(page: Page, ready: Press) -> None:
    log_in(page, ready)
    page.goto(ready.url(f"/wp-admin/post.php?post={ready.ids['policy']}&action=edit"))
    until(page, "window.wp?.data?.select('core/block-editor').getBlocks().length == 1")
    assert page.evaluate(
        "wp.data.select('core/block-editor').getBlocks().map(({ name, isValid }) => [name, isValid])"
    ) == [["consent-server/list", True]]
    expect(page.get_by_text("Here the page shows the cookie list")).to_be_visible()


@pytest.mark.troubles("ERR_CONNECTION_REFUSED")
def test_the_last_good_keys_hold_while_the_server_is_away_and_strangers_stay_closed(
    page: Page, ready: Press, server: Live, asked: list[str]
) -> None:
    answered(page, ready)
    server.stop()
    try:
        ready.php(FORGET_FRESH)
        page.goto(ready.page("shop"))
        assert said(page) == AFTER
        asked.clear()
        page.context.clear_cookies()
        page.goto(ready.page("shop"))
        expect(page.get_by_role("heading", name="shop")).to_be_visible()
        settle(page)
        assert (asked, said(page)) == ([], BEFORE)
    finally:
        server.start()


def test_answers_to_what_was_asked_before_hold_no_longer(page: Page, ready: Press, server: Live) -> None:
    answered(page, ready)
    file = Path(server.environment["CONSENT_CONFIG"])
    server.stop()
    config(file.parent, ready.url("").rstrip("/"), revision=2)
    server.start()
    try:
        ready.php(FORGET_FRESH)
        page.goto(ready.page("shop"))
        assert said(page) == BEFORE
        expect(banner(page)).to_be_visible()
    finally:
        server.stop()
        config(file.parent, ready.url("").rstrip("/"))
        server.start()


def test_without_sodium_it_stays_strict_and_says_so(page: Page, ready: Press) -> None:
    answered(page, ready)
    page.goto("about:blank")
    ready.halt()
    ready.serve("-d", "disable_functions=sodium_crypto_sign_verify_detached")  # Debian's PHP has it built in
    try:
        page.goto(ready.page("shop"))
        assert said(page) == BEFORE
        until(page, f"{json.dumps(RAN)}.every((each) => did.includes(each))")
        log_in(page, ready)
        page.goto(ready.url("/wp-admin/"))
        assert notices(page) == [
            "PHP has no extension sodium, so consent_allows() answers no to everything optional: ask your host to switch it on."
        ]
    finally:
        page.goto("about:blank")
        ready.halt()
        ready.serve()


def test_it_says_who_is_not_told_of_answers(page: Page, ready: Press, server: Live) -> None:
    file = Path(server.environment["CONSENT_CONFIG"])
    server.stop()
    told = file.read_text("utf-8")
    file.write_text(told.replace("[sites.shop.vendors.wordpress]\n", ""), "utf-8")
    server.start()
    try:
        ready.php(FORGET_FRESH)
        log_in(page, ready)
        page.goto(ready.url("/wp-admin/"))
        assert notices(page) == [
            "The WP Consent API is not told what visitors answer: add the line [sites.shop.vendors.wordpress] to the server’s consent.toml."
        ]
    finally:
        server.stop()
        file.write_text(told, "utf-8")
        server.start()


LANGUAGES = {"az": "Razılıq serverinin ünvanı", "ru_RU": "Адрес сервера согласий", "tr_TR": "Onay sunucusunun adresi"}


def test_the_admin_reads_its_language(page: Page, ready: Press) -> None:
    log_in(page, ready)
    for locale, label in LANGUAGES.items():
        ready.php("require 'wp-load.php'; update_user_meta(1, 'locale', $given); echo 1;", locale)
        page.goto(ready.url("/wp-admin/options-general.php?page=consent-server"))
        expect(page.get_by_label(label)).to_have_value(
            ready.php("require 'wp-load.php'; echo json_encode(get_option('consent_server')['server']);")
        )
    ready.php("require 'wp-load.php'; delete_user_meta(1, 'locale'); echo 1;")


def test_uninstalled_it_leaves_nothing_and_nothing_of_it_was_worth_a_warning(page: Page, ready: Press) -> None:
    answered(page, ready)
    assert "consent_server_known" in ready.php(COUNTS)
    plugin = "consent-server/consent-server.php"
    ready.php(UNINSTALL, plugin)
    try:
        assert ready.php(COUNTS) == []
        page.goto(ready.page("shop"))
        assert page.locator("#consent-server-js").count() == 0
        assert said(page)["type"] is False
    finally:
        assert ready.php(ACTIVATE, [plugin]) == ["active"]
    log = ready.log.read_text("utf-8") if ready.log.exists() else ""
    assert [line for line in log.splitlines() if "plugins/consent-server" in line] == []
