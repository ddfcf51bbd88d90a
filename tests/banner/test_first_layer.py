"""What the first layer says, the notice records: how long an answer holds, and third parties where there are any."""

from __future__ import annotations

from dataclasses import replace

import pytest

from consent_server.banner.scripts import build_scripts
from consent_server.settings.rows import duration
from consent_server.site import Cookie, Site, Variant

SAID = dict.fromkeys(("az", "ru", "en", "tr"), "x")
ELSEWHERE = {"analytics": (Cookie("_ga", "Google", SAID, SAID, "US"),)}


def text(site: Site, lang: str = "en", variant: int = 0) -> str:
    """Return the text that a shopper is shown, as the notice records it."""
    return str(build_scripts(site).notices[lang][variant].content["words"]["text"])


@pytest.mark.parametrize("lang", ["az", "ru", "en", "tr"])
def test_no_brace_is_left_and_the_script_shows_what_the_notice_records(site: Site, lang: str) -> None:
    for each in (site, replace(site, cookies=ELSEWHERE)):
        assert "{" not in text(each, lang)
        assert text(each, lang) in build_scripts(each).consent.plain.decode()


def test_it_says_how_long_and_names_third_parties_only_where_the_list_has_any(site: Site) -> None:
    assert "6 months" in text(site)
    assert "1 year" in text(replace(site, keep=duration("1 year")))
    assert "third parties" not in text(site)
    assert "third parties" in text(replace(site, cookies=ELSEWHERE))


def test_words_of_the_shop_s_own_and_of_a_variant_may_say_it_too(site: Site) -> None:
    own = {"en": {"text": "We{others} ask for {keep}."}}
    assert text(replace(site, words=own)) == "We ask for 6 months."
    tried = replace(site, variants=(Variant("a", 1, None, own),), cookies=ELSEWHERE)
    assert text(tried) == "We and third parties ask for 6 months."
