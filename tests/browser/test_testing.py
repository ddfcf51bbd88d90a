"""An address that answers, for shops' own tests: on the origins that are for that, and nowhere else."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import playwright
import pytest
from conftest import QUIETLY, chromium_path
from examples import example
from playwright.sync_api import Page, expect

from consent_server.banner.scripts import build_scripts
from consent_server.site import Site
from consent_server.site.rules import Rule

from .conftest import Shop, banner, decided, posted, settle, until

ANSWERS = {
    "accepted": {"functional": True, "analytics": True, "marketing": True},
    "refused": {"functional": False, "analytics": False, "marketing": False},
    "analytics": {"functional": False, "analytics": True, "marketing": False},
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_the_page_s_address_answers_once_and_is_recorded(shop: Shop, page: Page, answer: str) -> None:
    url = f"{shop.page('')}?consent={answer}"
    page.goto(url)
    assert page.evaluate("consent.choice") == ANSWERS[answer]
    expect(banner(page)).to_have_count(0)
    said = decided(shop, page, 1)
    assert said["allow"] == [category for category, allowed in ANSWERS[answer].items() if allowed]
    until(page, "consent.token")
    page.goto(url)
    until(page, "consent.token")
    settle(page)
    assert len(posted(shop, "decisions")) == 1


@pytest.mark.parametrize("policy", ["strict-origin-when-cross-origin", "no-referrer"])
@pytest.mark.parametrize("fragment", ["", "#top"])
def test_a_withdrawal_stands_although_the_address_is_loaded_anew_for_it(
    shop: Shop, page: Page, policy: str, fragment: str
) -> None:
    marked = '<script type="text/plain" data-consent="analytics">window.ran = true</script>'
    url = f"{shop.page(marked, Referrer_Policy=policy)}?consent=accepted{fragment}"
    page.goto(url)
    until(page, "window.ran && consent.token")
    page.evaluate("window.before = true; consent.decide({ functional: false, analytics: false, marketing: false })")
    until(page, "!window.before && document.readyState == 'complete'")
    settle(page)
    assert page.evaluate("[consent.choice.analytics, window.ran]") == [False, None]
    assert [said["allow"] for said in posted(shop, "decisions")] == [["functional", "analytics", "marketing"], []]
    page.goto("about:blank")
    page.goto(url)  # who comes by that address once more is answered once more
    until(page, "window.ran && consent.choice.analytics")


@pytest.mark.parametrize("place", [' data-place="GB"', ""])
def test_it_answers_once_also_where_a_rule_has_something_off_or_the_place_is_not_known_yet(
    shop: Shop, page: Page, place: str
) -> None:
    shop.serve(rules=(Rule("uk", ("GB",), {"marketing": "off"}),))
    page.route("**/v1/shop/place", lambda route: route.fulfill(json={"rule": ""}))
    url = f"{shop.page('', head=shop.tag.replace('<script', f'<script{place}'))}?consent=accepted"
    page.goto(url)
    until(page, f"consent.choice.marketing == {json.dumps(not place)} && consent.token")
    settle(page)
    given = [each["allow"] for each in posted(shop, "decisions")]
    assert given[-1] == ["functional", "analytics", *([] if place else ["marketing"])]
    page.goto(url)
    until(page, "consent.token")
    settle(page)
    assert [each["allow"] for each in posted(shop, "decisions")] == given
    page.evaluate("consent.decide({ analytics: false })")
    until(page, "!consent.allows('analytics') && consent.token")
    page.goto("about:blank")
    page.goto(url)  # somebody has answered otherwise since
    until(page, "consent.allows('analytics')")


def test_it_answers_anew_where_another_tab_has_answered_otherwise(shop: Shop, page: Page) -> None:
    url = shop.page("")
    page.goto(f"{url}?consent=accepted")
    until(page, "consent.token")
    page.goto("about:blank")
    other = page.context.new_page()
    other.goto(f"{url}?consent=refused")
    until(other, "consent.token && !consent.allows('analytics')")
    page.goto(f"{url}?consent=accepted")
    until(page, "consent.allows('analytics') && consent.token")


def test_the_tag_s_address_answers_too_and_that_of_the_page_goes_first(shop: Shop, page: Page) -> None:
    tag = f'<script async src="{shop.url("/v1/shop/consent.js?consent=analytics")}"></script>'
    url = shop.page("", head=tag)
    page.goto(url)
    until(page, "window.consent?.choice?.analytics")
    page.goto(f"{url}?a=1&consent=refused")
    until(page, "window.consent?.choice?.analytics == false")


def test_an_unknown_word_asks(shop: Shop, page: Page) -> None:
    page.goto(f"{shop.page('')}?consent=everything")
    expect(banner(page)).to_be_visible()


@pytest.mark.troubles("403|not taken")
def test_an_origin_that_is_not_for_tests_asks(shop: Shop, page: Page) -> None:
    shop.serve(origins=("https://shop.example",), test_origins=("https://staging.shop.example",))
    page.goto(f"{shop.page('')}?consent=accepted")
    expect(banner(page)).to_be_visible()
    assert page.evaluate("consent.choice") is None


def test_an_origin_for_tests_answers_and_may_post(shop: Shop, page: Page) -> None:
    shop.serve(origins=("https://shop.example",), test_origins=(shop.url("").rstrip("/"),))
    page.goto(f"{shop.page('')}?consent=accepted")
    until(page, "consent.token")


def test_a_shop_without_such_origins_has_no_byte_of_it(site: Site) -> None:
    plain = build_scripts(site).consent.plain
    testing = build_scripts(replace(site, test_origins=("https://staging.smartmarket.az",))).consent.plain
    assert testing.startswith(plain)
    assert len(testing) > len(plain)


ASK = """
import { chromium } from '{playwright}/index.mjs';
const [executablePath, args] = JSON.parse(process.argv[1]);
const browser = await chromium.launch({ executablePath, args });
const page = await browser.newPage();
{example}
console.log(JSON.stringify(await page.evaluate(() => window.consent.choice)));
await browser.close();
"""


def test_the_lines_for_playwright_do_what_they_say(shop: Shop) -> None:
    written = example("testing playwright").replace("https://staging.shop.example/", shop.page(""))
    driver = Path(playwright.__file__).parent / "driver" / "package"
    source = ASK.replace("{playwright}", str(driver)).replace("{example}", written)
    command = ["node", "--input-type=module", "--eval", source, json.dumps([chromium_path(), QUIETLY])]
    said = subprocess.run(command, capture_output=True, text=True)
    assert said.returncode == 0, said.stderr
    assert json.loads(said.stdout) == ANSWERS["accepted"]
