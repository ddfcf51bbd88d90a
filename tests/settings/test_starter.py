"""What `init` writes can be read in each language that the banner speaks."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from consent_server.catalogue.spans import time_span
from consent_server.settings.rows import duration
from consent_server.settings.shops import read_sites, snippet_words
from consent_server.settings.starter import compose, zone_here


def test_it_can_be_read_in_each_language_and_has_an_example_in_each(tmp_path: Path) -> None:
    languages = sorted(snippet_words())
    life = {lang: time_span(duration("13 months"), lang) for lang in languages}
    text = compose("Shop", ["https://shop.example"], "/privacy", date(2025, 12, 20), languages, life)
    (tmp_path / "consent.toml").write_text(text, "utf-8")
    assert read_sites(tmp_path / "consent.toml")["shop"].languages == tuple(languages)
    assert '# life.ar = "13 شهرًا"' in text


@pytest.mark.parametrize(
    ("machine", "zone"), [("Asia/Baku", "Asia/Baku"), (":Asia/Baku", "Asia/Baku"), ("Etc/UTC", "UTC")]
)
def test_days_are_those_of_the_machine_s_time_zone_where_it_names_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, machine: str, zone: str
) -> None:
    monkeypatch.setenv("TZ", machine)
    answers = ("Shop", ["https://shop.example"], "/privacy", date(2025, 12, 20), ["en"], {"en": "13 months"})
    (tmp_path / "consent.toml").write_text(compose(*answers, zone_here()), "utf-8")
    assert read_sites(tmp_path / "consent.toml")["shop"].timezone == zone
