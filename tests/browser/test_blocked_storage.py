"""A browser that keeps nothing: blocked cookies and storage, and private windows, as the browsers themselves do it.

Chromium's other tests run in private windows already: each of Playwright's contexts is one.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from conftest import QUIETLY, chromium_path
from playwright.sync_api import Browser, expect

from .conftest import Shop, banner, press, settle, until
from .windows import firefox

HELD = """<script>
  var errors = [];
  addEventListener('error', (event) => errors.push(event.message));
  addEventListener('unhandledrejection', (event) => errors.push(String(event.reason)));
  var stored = [];
  try { localStorage; stored.push('localStorage') } catch {}
  document.cookie = 'kept=1';
  if (document.cookie) stored.push('cookies');
  document.cookie = 'kept=;Max-Age=0';
</script>
<script type="text/plain" data-consent="analytics">window.ran = 1</script>
<button data-consent-open>Cookie settings</button>"""


def test_with_all_storage_blocked_in_chromium_nothing_runs_before_a_yes_and_the_yes_holds_for_the_page(
    shop: Shop, browser: Browser, tmp_path: Path
) -> None:
    (tmp_path / "Default").mkdir()
    blocked = {"profile": {"default_content_setting_values": {"cookies": 2}}}
    (tmp_path / "Default/Preferences").write_text(json.dumps(blocked))
    context = browser.browser_type.launch_persistent_context(
        tmp_path, executable_path=chromium_path(), args=[*QUIETLY], locale="en-GB"
    )
    page = context.new_page()
    page.goto(shop.page(HELD))
    assert page.evaluate("stored") == []
    expect(banner(page)).to_be_visible()
    settle(page)
    assert page.evaluate("window.ran ?? null") is None
    press(page, "accept")
    until(page, "window.ran && consent.token")
    expect(banner(page)).to_be_hidden()
    page.get_by_role("button", name="Cookie settings").click()
    expect(page.get_by_role("switch", name="Analytics")).to_be_checked()
    assert page.evaluate("[consent.allows('analytics'), errors]") == [True, []]
    page.reload()
    expect(banner(page)).to_be_visible()
    settle(page)
    assert page.evaluate("[window.ran ?? null, errors]") == [None, []]
    context.close()


@pytest.mark.parametrize(
    ("setting", "value", "stored"),
    [
        ("network__cookie__cookieBehavior", 2, []),
        ("browser__privatebrowsing__autostart", True, ["localStorage", "cookies"]),
    ],
    ids=["blocked", "private"],
)
def test_in_firefox_too_and_in_a_private_window(
    shop: Shop, tmp_path: Path, setting: str, value: object, stored: list[str]
) -> None:
    with firefox(tmp_path, **{setting: value}) as open_window:
        window = open_window()
        window.goto(shop.page(HELD))
        assert window.evaluate("stored") == stored
        window.until("!!document.querySelector('[data-ask] button')")
        time.sleep(0.4)
        assert window.evaluate("window.ran ?? null") is None
        window.press("Accept all")
        window.until("window.ran && consent.token")
        assert window.evaluate("[consent.allows('analytics'), errors]") == [True, []]
        window.goto(shop.url("/"))
        window.until("!!window.consent")
        assert window.evaluate("[consent.allows('analytics'), errors]") == [bool(stored), []]
