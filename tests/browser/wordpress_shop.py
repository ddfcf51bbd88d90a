"""A WordPress with the plug-in, a consent server for it, and who is logged in to its admin."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import SECRET, Live
from examples import example
from playwright.sync_api import BrowserContext, Page, Route, expect

from .conftest import press, until
from .press import PASSWORD, Press


def config(folder: Path, origin: str, revision: int = 1) -> Path:
    """Write the consent server's file."""
    path = folder / "consent.toml"
    text = example("wordpress config").replace('"https://shop.example"', f'"{origin}"')
    path.write_text(text.replace("policy_updated", f"revision = {revision}\npolicy_updated"), "utf-8")
    return path


@pytest.fixture(scope="module")
def wordpress(short_folder: Callable[[], Path]) -> Iterator[Press]:
    """WordPress, and the plug-in in it, not set up yet."""
    made = Press(short_folder())
    try:
        yield made.install()
    finally:
        made.stop()
        print(made.words())


@pytest.fixture(scope="module")
def server(wordpress: Press, short_folder: Callable[[], Path]) -> Iterator[Live]:
    """The consent server."""
    folder = short_folder()
    path = config(folder, wordpress.url("").rstrip("/"))
    live = Live(folder, ("serve",), {"CONSENT_SECRET": SECRET, "CONSENT_CONFIG": str(path)}).start()
    yield live
    live.stop()


@pytest.fixture
def asked() -> list[str]:
    """Every address of another host than ours that the browser asked."""
    return []


@pytest.fixture
def page(new_context: Callable[..., BrowserContext], wordpress: Press, server: Live, asked: list[str]) -> Page:
    """A window of an English shopper; other hosts are answered here."""
    context = new_context(locale="en-GB")

    def answer(route: Route) -> None:
        address = route.request.url
        if address.startswith((wordpress.url(), server.url)):
            route.continue_()
        elif address.startswith("https://secure.gravatar.com/"):  # WordPress' own, in its admin
            route.fulfill(body="", content_type="image/png")
        else:
            asked.append(address)
            script = route.request.resource_type == "script"
            text = "window.ran?.(document.currentScript.src.split('/').pop().split('?')[0])" if script else ""
            route.fulfill(body=text, content_type="text/javascript" if script else "text/html")

    context.route(lambda url: not url.startswith("data:"), answer)
    return context.new_page()


def log_in(page: Page, wordpress: Press, name: str = "admin") -> None:
    page.goto(wordpress.url("/wp-login.php"))
    page.get_by_label("Username or Email Address").fill(name)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Log In").click()
    expect(page.locator("#wpadminbar")).to_be_attached()


def set_up(page: Page, wordpress: Press, **fields: str) -> None:
    page.goto(wordpress.url("/wp-admin/options-general.php?page=consent-server"))
    for name, text in fields.items():
        page.locator(f"#consent-server-{name}").fill(text)
    page.get_by_role("button", name="Save Changes").click()
    expect(page.locator(".settings-error").first).to_be_visible()


def notices(page: Page) -> list[str]:
    return page.locator(".consent-server-fault, .settings-error.notice-error").all_inner_texts()


def said(page: Page) -> dict[str, Any]:
    """Return what PHP said of the shopper's answer when it made the page."""
    return json.loads(page.locator("#said").text_content() or "")  # type: ignore[no-any-return]


SET = """
require 'wp-load.php';
delete_option('consent_server_known'); delete_transient('consent_server_fresh'); delete_transient('consent_server_again');
$given ? update_option('consent_server', $given) : delete_option('consent_server');
echo json_encode(get_option('consent_server'));
"""
FORGET_FRESH = "require 'wp-load.php'; delete_transient('consent_server_fresh'); echo 1;"


@pytest.fixture
def ready(wordpress: Press, server: Live) -> Press:
    """The plug-in, set up."""
    given = {"server": server.url, "site": "shop", "handles": "counter analytics\nharmless necessary"}
    assert wordpress.php(SET, given) == given
    return wordpress


BEFORE = {
    "type": "optin",
    "registered": True,
    "functional": True,
    "preferences": False,
    "statistics": False,
    "statistics-anonymous": False,
    "marketing": False,
    "analytics": False,
}
AFTER = {
    **BEFORE,
    "preferences": True,
    "statistics": True,
    "statistics-anonymous": True,
    "marketing": True,
    "analytics": True,
}
RAN = ["before gtag", "js", "after gtag", "counter.js"]
HOSTS = {"www.googletagmanager.com", "connect.facebook.net", "www.youtube.com"}


def hosts(asked: list[str]) -> set[str]:
    return {address.split("/")[2] for address in asked}


COUNTS = """
require 'wp-load.php';
global $wpdb;
echo json_encode($wpdb->get_col("SELECT option_name FROM $wpdb->options WHERE option_name LIKE '%consent_server%' ORDER BY 1"));
"""
UNINSTALL = """
require 'wp-load.php';
require_once ABSPATH . 'wp-admin/includes/plugin.php';
deactivate_plugins($given); uninstall_plugin($given);
echo 1;
"""


def answered(page: Page, ready: Press) -> None:
    """Have the shopper accept everything, and the next page know it."""
    page.goto(ready.page("shop"))
    press(page, "accept")
    until(page, "window.consent.token")
    page.goto(ready.page("shop"))
    assert said(page) == AFTER
