"""A refusal of another tab is heard by who refused before."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from .conftest import Shop, banner, press, until


def test_who_refused_before_and_is_asked_anew_answers_once_for_all_tabs(shop: Shop, page: Page) -> None:
    page.goto(shop.page(""))
    press(page, "refuse")
    until(page, "consent.token")
    shop.serve(revision=2)
    page.goto(shop.page("", head=shop.tag.replace(".js", ".js?2")))
    expect(banner(page)).to_be_visible()
    other = page.context.new_page()
    other.goto(shop.url("/"))
    other.evaluate("window.heard = 0; document.addEventListener('consentchange', () => heard++)")
    expect(banner(other)).to_be_visible()
    press(page, "refuse")
    until(page, "consent.token")
    until(other, "heard")
    expect(banner(other)).to_have_count(0)
    assert other.evaluate("[heard, consent.choice.analytics]") == [1, False]
