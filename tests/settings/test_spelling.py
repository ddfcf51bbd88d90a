"""What a shop lists is spelled as browsers spell it; what would match nothing is refused with the right spelling."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from consent_server.banner.lists import tracker_patterns
from consent_server.catalogue import services
from consent_server.settings.shops import SettingsError, read_sites
from consent_server.settings.spelling.listed import pattern
from tests.minimal import MINIMAL

SPELLED = {
    "www.googletagmanager.com/gtag/js?id=G-1": "www.googletagmanager.com/gtag/js",
    "https://t.example/a.js": "t.example/a.js",
    "t.example:443/a": "t.example/a",
    "*.t.example:80": "*.t.example",
    "t.example:08443": "t.example:8443",
    "t.example./a": "t.example/a",
    "T.Example/A": "t.example/A",
    "t.example/a#b": "t.example/a",
    "t.example\\a": "t.example/a",
    "t.example/маркер.js": "t.example/%D0%BC%D0%B0%D1%80%D0%BA%D0%B5%D1%80.js",
    't.example/{a}`"<b>^|': "t.example/%7Ba%7D%60%22%3Cb%3E%5E%7C",
    "t.example/a/./b/../c": "t.example/a/c",
    "t.example/a/%2E%2e": "t.example/",
    "127.0.0.01/a": "127.0.0.1/a",
    "магазин.рф/a": "xn--80aairftm.xn--p1ai/a",
}
AS_THEY_ARE = [
    "t.example/..a*",
    "*.t.example:4430/a/*",
    "t.example/%d0%bc!$&'()+,-.:;=@[]_~",
    "my_bucket.cdn.example",
    "t.example/combo|a^b",
    "t.example/combo%7Ca%5Eb|*",
]
NEVER = ["*", "t.example:99999", "t.example:0", "256.1.1.1", "t.example/a*b", "*t.example", "tracker", "t..example", ""]


@pytest.mark.parametrize("written", SPELLED)
def test_a_pattern_that_would_match_nothing_is_refused_with_the_right_spelling(written: str) -> None:
    with pytest.raises(ValueError, match="as browsers spell them") as error:
        pattern(written)
    assert f"write {SPELLED[written]!r} for" in str(error.value)


@pytest.mark.parametrize("written", NEVER)
def test_what_is_no_host_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="takes a host such as"):
        pattern(written)


def test_patterns_of_the_catalogue_are_spelled_so() -> None:
    for each in services().values():
        for written in (*each.patterns, *each.hosts):
            assert pattern(written) == written


@pytest.mark.parametrize("written", ["t.example/a|b^c*", "t.example/a%7Cb%5Ec*", "t.example/a|b%5Ec"])
def test_what_browsers_spell_in_two_ways_is_matched_in_both(written: str) -> None:
    assert pattern(written) == written
    match = next(tracker_patterns([(written, "analytics")]))["match"]
    assert all(re.match(match, f"t.example/{path}") for path in ("a|b^c", "a%7Cb%5Ec"))
    assert not any(re.match(match, f"t.example/{path}") for path in ("a", "b^c", "a%7C", "abc"))


def test_a_browser_spells_addresses_so(browser: Browser) -> None:
    taken = [*SPELLED.values(), *AS_THEY_ARE]
    assert [pattern(each) for each in taken] == taken
    asked = [*SPELLED, *(each.replace("*.", "x.").replace("*", "x") for each in AS_THEY_ARE)]
    rows = [next(tracker_patterns([(each, "analytics")]))["match"] for each in taken]
    page = browser.new_page()
    try:
        unmatched = page.evaluate(
            """([asked, rows]) => asked.filter((each, i) => {
              const { host, pathname } = new URL(each.includes('//') ? each : 'https://' + each.replace('*.', 'x.'));
              return !(host + pathname).match(rows[i]);
            })""",
            [asked, rows],
        )
    finally:
        page.close()
    assert unmatched == []


@pytest.mark.parametrize(
    ("line", "right"),
    [
        ('cookie_domain = "Shop.Example"', "'shop.example'"),
        ('cookie_domain = "mağaza.az"', "'xn--maaza-l1a.az'"),
    ],
)
def test_a_domain_is_taken_as_browsers_have_it(tmp_path: Path, line: str, right: str) -> None:
    (tmp_path / "consent.toml").write_text(MINIMAL + line)
    with pytest.raises(SettingsError, match=f"cookie_domain.*write {right} for"):
        read_sites(tmp_path / "consent.toml")
