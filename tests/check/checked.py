"""`consent-server check`, run beside a consent.toml of the test's own, and the one finding that it tells."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler

import pytest
from click.testing import CliRunner, Result
from conftest import SECRET

from consent_server.audit.run import audit
from consent_server.check import faults
from consent_server.check import page as check_page
from consent_server.check.page import look as look_here
from consent_server.cli import main
from consent_server.settings.shops import make_site
from consent_server.site import Cookie, Site


def cookie(name: str) -> Cookie:
    return Cookie(name, "Shop", {"en": "…"}, {"en": "1 year"})


SHOP = make_site(
    "shop",
    "Shop",
    ("https://shop.example", "https://www.shop.example"),
    "/privacy",
    date(2025, 12, 20),
    languages=("en",),
    cookie_domain="shop.example",
    cookies={"necessary": (cookie("consent"), cookie("ask-*")), "analytics": (cookie("_ga"), cookie("_ga_*"))},
)


def only(found: Iterator[faults.Fault] | list[faults.Fault]) -> faults.Fault:
    (finding,) = found
    assert finding.fault.endswith((".", ".)"))
    assert finding.cure
    return finding


def in_its_own_thread(do: Callable[..., Any], *args: Any, **named: Any) -> Any:
    """Do it where no browser of a test before is, for Playwright takes one in a thread at a time."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(do, *args, **named).result()


Checked = Callable[..., Result]


@pytest.fixture
def checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checked:
    """Run ``check`` beside a consent.toml of this text."""
    monkeypatch.chdir(tmp_path)
    for name in [*os.environ]:
        monkeypatch.delenv(name)
    runner = CliRunner(env={"PATH": "/usr/bin:/bin", "CONSENT_SECRET": SECRET})

    def run(text: str, *flags: str, **environment: str) -> Result:
        (tmp_path / "consent.toml").write_text(text, "utf-8")
        return in_its_own_thread(runner.invoke, main, ["check", *flags], env=environment, catch_exceptions=False)

    return run


def look(shop: Site, page: str) -> list[faults.Fault]:
    return in_its_own_thread(look_here, shop, page)


@pytest.fixture
def states(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Look at a page in some states only: each takes a browser of its own."""

    def only_in(*names: str) -> None:
        monkeypatch.setattr(check_page, "audit", partial(audit, states=names))

    return only_in


class Quiet(WSGIRequestHandler):
    """Says nothing of each request."""

    def log_message(self, format: str, *args: object) -> None:
        pass
