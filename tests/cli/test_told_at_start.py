"""What `serve` says at its start, of what runs and of what may not have been meant."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import pytest

from consent_server.check.faults import environment
from consent_server.cli.serve import _tell
from consent_server.settings.environment import Settings


def told(caplog: pytest.LogCaptureFixture, settings: Settings) -> str:
    """Return what is said of a server."""
    with caplog.at_level(logging.INFO):
        _tell(settings, [], in_folder=settings.redis_url is None)
    return caplog.text


@pytest.mark.parametrize(
    ("host", "marketers", "at", "rates"),
    [
        ("127.0.0.1", None, "http://127.0.0.1:8000/consent;", "the rates are at http://127.0.0.1:8000/consent/"),
        ("0.0.0.0", None, "http://127.0.0.1:8000/consent;", "the rates are at http://127.0.0.1:8000/consent/"),
        ("::", None, "http://[::1]:8000/consent;", "the rates are at http://[::1]:8000/consent/"),
        ("::1", "rates.shop.example", "http://[::1]:8000/consent;", "at https://rates.shop.example/consent/"),
        ("127.0.0.1", "none", "http://127.0.0.1:8000/consent;", "have no page, as CONSENT_MARKETERS is none"),
    ],
)
def test_the_addresses_that_are_named_answer(
    host: str, marketers: str | None, at: str, rates: str, caplog: pytest.LogCaptureFixture
) -> None:
    said = told(caplog, Settings(host=host, prefix="/consent", marketers=marketers))
    assert at in said
    assert rates in said


def test_a_setting_that_is_set_to_nothing_is_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    monkeypatch.delenv("REDIS_URL", raising=False)
    assert "empty" not in told(caplog, Settings())
    monkeypatch.setenv("REDIS_URL", "")
    assert "REDIS_URL is set, and empty, which counts as left out" in told(caplog, replace(Settings(), data=tmp_path))
    _, found = environment({"REDIS_URL": "", "CONSENT_SECRET": "x" * 32}, tmp_path)
    assert [(each.fault, each.cure, each.grave) for each in found] == [
        ("REDIS_URL is set, and empty, which counts as left out.", "give it a value, or type: unset REDIS_URL", False)
    ]
