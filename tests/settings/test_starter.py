"""What `init` writes can be read in each language that the banner speaks."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from consent_server.banner.regional import time_span
from consent_server.settings.rows import duration
from consent_server.settings.shops import read_sites, snippet_words
from consent_server.settings.starter import LIVES, PURPOSE, compose


def test_it_says_what_its_cookie_is_for_and_how_long_it_lives_in_each_language(tmp_path: Path) -> None:
    languages = sorted(snippet_words())
    assert sorted(PURPOSE) == languages
    lives = {life: {lang: time_span(duration(life), lang) for lang in languages} for life in LIVES}
    text = compose("Shop", ["https://shop.example"], "/privacy", date(2025, 12, 20), languages, lives)
    (tmp_path / "consent.toml").write_text(text, "utf-8")
    (cookie,) = read_sites(tmp_path / "consent.toml")["shop"].cookies["necessary"]
    assert cookie.purpose == PURPOSE
    assert len({*PURPOSE.values()}) == len(PURPOSE) - 1  # `nb` is `no`
    assert (cookie.life["de"], cookie.life["mt"], cookie.life["tr"]) == ("6 Monate", "6 xhur", "6 ay")
    assert '# life.ar = "13 شهرًا"' in text
