"""What a browser sees on a shop's page is held against the cookie list."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIServer, make_server

import pytest
from checked import SHOP, Checked, Quiet, checked, look, only, states
from click.testing import CliRunner
from conftest import ROOT, Live, free_port

from consent_server.audit.browsing import browser as audit_browser
from consent_server.audit.browsing.browser import NoBrowser
from consent_server.audit.findings import Judge
from consent_server.audit.observed import Observed, Sighting
from consent_server.audit.report import Report
from consent_server.audit.run import NotReached
from consent_server.check.page import compared
from consent_server.cli import main

__all__ = ["checked", "states"]


def seen(*things: tuple[str, str, str]) -> Report:
    """Return the report of an audit that saw these in a page: state, kind and name of each."""
    page = "https://shop.example/"
    states = {state: Observed(state) for state, _, _ in things}
    for state, kind, name in things:
        states[state].sightings.append(Sighting(kind, name, "shop.example", page, page, 1.0))
    judge = Judge("shop.example", SHOP, [*states.values()])
    findings = [each for each in judge.findings() if each.kind != "tag"]
    return Report(page, "shop", "", [page], [*states], findings, judge.all_seen())


def test_the_cookie_list_is_compared_with_what_a_browser_sees() -> None:
    names = ("consent", "_ga", "_ga_123")
    assert [*compared(SHOP, seen(*(("accepted", "cookie", name) for name in names)))] == []
    unlisted = only(compared(SHOP, seen(("accepted", "cookie", "_own"), ("refused", "cookie", "_own"))))
    assert "sets _own, which the cookie list does not name" in unlisted.fault
    assert 'name = "_own"' in unlisted.cure
    early = only(compared(SHOP, seen(("before", "cookie", "_ga_123"), ("refused", "cookie", "_ga_123"))))
    assert "sets _ga_123 before the shopper has answered, though it is for analytics" in early.fault
    assert 'data-consent="analytics"' in early.cure
    late = only(compared(SHOP, seen(("withdrawn", "local-storage", "_ga"))))
    assert "sets _ga after the shopper has withdrawn" in late.fault


def test_a_look_sees_all_states_finds_nothing_in_the_demo_and_is_not_counted(demo: Live, checked: Checked) -> None:
    text = (ROOT / "consent.toml").read_text("utf-8")
    text = re.sub("(?m)^origins = .*", f'origins = ["{demo.url}"]', text)
    text = re.sub("(?m)^cookie_domain = .*", "", text)
    done = checked(text, "--page", f"{demo.url}/demo/en/")
    assert done.exit_code == 0, done.stdout
    assert "looked at" not in done.stdout
    asked = ["rates", "smartmarket", "--format", "csv", "--data", str(demo.folder / "data")]
    done = CliRunner().invoke(main, asked, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    counts = [line.split(",") for line in done.stdout.splitlines()]
    shown, answered = (counts[0].index(name) for name in ("shown", "answered"))
    assert {(row[shown], row[answered]) for row in counts[1:]} == {("0", "0")}


def test_a_page_that_forbids_scripts_and_has_no_tag_is_looked_at_too(
    served: Callable[[bytes, dict[str, str]], str], states: Callable[..., None]
) -> None:
    states("before", "refused")
    headers = {
        "Content-Security-Policy": "default-src 'none'; require-trusted-types-for 'script'",
        "Set-Cookie": "_early=1",
    }
    found = [finding.fault for finding in look(SHOP, served(b"<!doctype html><title>Shop</title>", headers))]
    assert any("sets _early, which the cookie list does not name" in fault for fault in found)
    assert any("has a fault in our tag: missing" in fault for fault in found), found


@pytest.fixture
def served() -> Iterator[Callable[[bytes, dict[str, str]], str]]:
    """Serve a page with these headers; return its address."""
    running: list[WSGIServer] = []

    def serve(body: bytes, headers: dict[str, str]) -> str:
        def app(environ: object, start_response: Callable[..., object]) -> list[bytes]:
            start_response("200 OK", [("Content-Type", "text/html"), *headers.items()])
            return [body]

        server = make_server("127.0.0.1", 0, app, server_class=Threaded, handler_class=Quiet)
        running.append(server)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}/"

    yield serve
    for server in running:
        server.shutdown()
        server.server_close()


class Threaded(ThreadingMixIn, WSGIServer):
    """Answers while a browser holds another connection open."""

    daemon_threads = True


def test_a_page_that_does_not_answer_is_told() -> None:
    with pytest.raises(NotReached, match=r"cannot be opened in a browser: net::ERR_CONNECTION_REFUSED\.$"):
        look(SHOP, f"http://127.0.0.1:{free_port()}/")


def test_without_playwright_or_a_browser_one_sentence_says_what_to_type(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with monkeypatch.context() as without_browser:
        without_browser.setenv("PATH", str(tmp_path))
        without_browser.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path))
        if not Path("/opt/google/chrome/chrome").exists():
            with pytest.raises(NoBrowser, match="type: python -m playwright install chrome"):
                look(SHOP, "https://shop.example/")
    monkeypatch.setattr(audit_browser, "find_spec", lambda name: None)
    with pytest.raises(NoBrowser, match="type: pip install playwright duckduckgo-autoconsent-py"):
        look(SHOP, "https://shop.example/")
