"""The shopper's answers, by real clicks on the banner; on another tool's banner by DuckDuckGo's autoconsent."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING

from .browser import Error

if TYPE_CHECKING or find_spec("duckduckgo_autoconsent"):
    from duckduckgo_autoconsent import bundle, rules_json

if TYPE_CHECKING:
    from playwright.async_api import Locator, Page

HOST = ":is([data-ask], #ask)"
BANNER = f"{HOST} [role=dialog]"
PREFERENCES = f"{HOST} dialog[open]"

CLOSED = "A modal window of the page (<dialog>) was closed, as nothing outside of it can be pressed."
CALLED = "The button for the settings (data-consent-open) opens nothing when it is pressed: a call did it."
UNSEEN = (
    "No page that was looked at shows a button for the settings (data-consent-open): a call opened them, so see that "
    "shoppers can take their answer back."
)
"""What is noted of a page of which an answer needed more than a press."""
SECONDS_TO_SHOW = 5
SECONDS_TO_PRESS = 5


async def answer(page: Page, accept: bool, note: Callable[[str], None]) -> bool:
    """Accept or refuse by a click in the first layer, and return whether there was a button to press."""
    banner = page.locator(BANNER).first
    with suppress(Error):
        await banner.wait_for(timeout=SECONDS_TO_SHOW * 1000)
    if await banner.count():
        await _close_windows(page, note)
        return await _press(banner, 0 if accept else 1)
    return await _answer_other_banner(page, accept)


async def take_back(page: Page, note: Callable[[str], None], *, elsewhere: bool = False) -> bool:
    """Withdraw everything by clicks: open the settings as the page offers them, or else by a call, then refuse.

    ``elsewhere``: whether another page of the shop offers them.
    """
    with suppress(Error):
        await _close_windows(page, note)
        opener = page.locator("[data-consent-open]:visible").first
        dialog = page.locator(PREFERENCES).first
        if not await opener.count() or not await _opens(opener, dialog):
            if await opener.count():
                note(CALLED)
            elif not elsewhere:
                note(UNSEEN)
            await page.evaluate("window.consent.open()")
            await dialog.wait_for(timeout=SECONDS_TO_SHOW * 1000)
        return await _press(dialog, 1)
    return False


async def _close_windows(page: Page, note: Callable[[str], None]) -> None:
    """Close modal windows of the page's own, such as for an age: while one is open, nothing else can be pressed."""
    with suppress(Error):
        if await page.evaluate(_CLOSE, HOST):
            note(CLOSED)


async def _opens(opener: Locator, dialog: Locator) -> bool:
    with suppress(Error):  # something lies over it, or takes the click
        await opener.click(timeout=SECONDS_TO_PRESS * 1000)
        await dialog.wait_for(timeout=SECONDS_TO_SHOW * 1000)
        return True
    return False


async def _press(layer: Locator, number: int) -> bool:
    """Press one of the answers of a layer, which stand in one order in every language: accept, refuse, choose."""
    with suppress(Error):
        await layer.locator(".buttons button").nth(number).click(timeout=SECONDS_TO_PRESS * 1000)
        return True
    return False


async def _answer_other_banner(page: Page, accept: bool) -> bool:
    if not find_spec("duckduckgo_autoconsent"):
        return False
    with suppress(Error):
        await page.evaluate(_LISTENER, [rules_json(), "optIn" if accept else "optOut"])
        await page.evaluate(bundle())  # not by eval in the page, which its policy may forbid
        return bool(await page.evaluate("window.consentAuditAnswer"))
    return False


_CLOSE = """(ours) => [...document.querySelectorAll('dialog:modal')]
  .filter((it) => !it.closest(ours) && !it.querySelector(ours))
  .map((it) => it.close()).length"""

_LISTENER = """([rules, autoAction]) => { window.consentAuditAnswer = new Promise((resolve) => {
  window.autoconsentSendMessage = async (message) => {
    await null;  // it speaks before it listens
    if (message.type == 'init') {
      const config = { enabled: true, autoAction, detectRetries: 20, enablePrehide: false, enableCosmeticRules: false };
      window.autoconsentReceiveMessage({ type: 'initResp', config, rules: { autoconsent: JSON.parse(rules) } });
    }
    if (message.type == 'eval') {
      const result = await Promise.resolve((0, eval)(message.code)).catch(() => false);
      window.autoconsentReceiveMessage({ id: message.id, type: 'evalResp', result });
    }
    if (message.type == 'optInResult' || message.type == 'optOutResult') resolve(message.result);
    if (message.type == 'autoconsentDone') resolve(true);
    if (message.type == 'autoconsentError') resolve(false);
  };
  setTimeout(() => resolve(false), 10000);
}) }"""
