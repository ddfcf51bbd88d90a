"""The shopper's answers, by real clicks on the banner; another tool's banner by DuckDuckGo's autoconsent."""

from __future__ import annotations

from contextlib import suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING

from .browser import Error

if find_spec("duckduckgo_autoconsent"):
    from duckduckgo_autoconsent import bundle, rules_json

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

BANNER = "[data-ask] [role=dialog]"
PREFERENCES = "[data-ask] dialog[open]"
SECONDS_TO_SHOW = 5

TAG = r"""() => {
  const ours = [...document.scripts].filter((it) => /\/v1\/[^/]+\/consent\.js(\?|$)/.test(it.src)
    || (!it.src && it.text.includes('"use strict";(()=>{') && it.text.includes('consentready')));
  const scripts = [...document.scripts];
  return {
    ours: ours.map((it) => ({
      src: it.src, site: (/\/v1\/([^/]+)\/consent\.js/.exec(it.src) || [])[1] ?? null,
      async: it.async || it.defer || it.type == 'module',
      before: scripts.slice(0, scripts.indexOf(it)).filter((other) => other.src && other.type != 'text/plain').length,
    })),
    works: typeof window.consent?.allows == 'function',
    choice: window.consent?.choice ?? null,
    banner: !!document.querySelector('[data-ask] [role=dialog]')?.getClientRects().length,
  };
}"""
"""How our tag stands in a page."""


def give(page: Page, answer: str, wait: float) -> bool:
    """Accept or refuse by a click in the first layer.

    Args:
        page: where the banner shows.
        answer: ``accept`` or ``refuse``.
        wait: seconds that the banner may take besides.

    Returns:
        Whether there was a button to press.
    """
    banner = page.locator(BANNER)
    with suppress(Error):
        banner.first.wait_for(timeout=(SECONDS_TO_SHOW + wait) * 1000)
    if banner.count():
        return _press(banner.first, answer)
    return _other_banner(page, answer)


def take_back(page: Page) -> bool:
    """Withdraw everything by clicks: open the settings as the page offers them, then refuse."""
    with suppress(Error):
        opener = page.locator("[data-consent-open]:visible")
        if opener.count():
            opener.first.click(timeout=3000)
        else:
            page.evaluate("window.consent.open()")
        dialog = page.locator(PREFERENCES)
        dialog.first.wait_for(timeout=SECONDS_TO_SHOW * 1000)
        return _press(dialog.first, "refuse")
    return False


def _press(layer: Locator, answer: str) -> bool:
    """Press accept or refuse, the first and second of the answers in each layer, in whatever language."""
    with suppress(Error):
        layer.locator(".buttons button").nth(0 if answer == "accept" else 1).click(timeout=3000)
        return True
    return False


def _other_banner(page: Page, answer: str) -> bool:
    if not find_spec("duckduckgo_autoconsent"):
        return False
    with suppress(Error):
        page.evaluate(bundle())
        return bool(
            page.evaluate(
                """([rules, action]) => new Promise((resolve) => {
  window.autoconsentSendMessage = (message) => {
    if (message.type == 'autoconsentDone') resolve(true);
    if (message.type == 'autoconsentError') resolve(false);
    return Promise.resolve();
  };
  window.autoconsentReceiveMessage({ type: 'initResp', config: { enabled: true, autoAction: action, detectRetries: 10 },
    rules: { autoconsent: JSON.parse(rules) } });
  setTimeout(() => resolve(false), 6000);
})""",
                [rules_json(), "optIn" if answer == "accept" else "optOut"],
            )
        )
    return False
