"""While Redis is away the shop waits for nothing, the shopper's answer holds, and it is kept once Redis is back."""

from __future__ import annotations

import json
import signal
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from beside import PAGE, Shop, described, up, web
from conftest import SECRET, Live, RedisServer, binary_of, free_port
from examples import example
from playwright.sync_api import Page

from consent_server.settings.environment import Settings
from consent_server.settings.shops import snippet_words

__all__ = ["web"]

SECONDS = 30

Run = Callable[..., Live]
Web = Callable[[str, int], None]


@pytest.fixture
def kept_in(short_folder: Callable[[], Path]) -> Iterator[RedisServer]:
    """The Redis that goes away."""
    server = RedisServer(binary_of("redis7"), short_folder(), free_port()).start()
    yield server
    server.stop()


@pytest.fixture
def shop(run_live: Run, web: Web, kept_in: RedisServer, tmp_path: Path) -> Shop:
    port = free_port()
    url = f"http://localhost:{port}"
    config = described(tmp_path, url)
    usual = {"REDIS_URL": kept_in.url, "REDIS_TIMEOUT": str(Settings().redis_timeout)}
    live = run_live("serve", CONSENT_SECRET=SECRET, CONSENT_CONFIG=str(config), **usual)
    web(PAGE.format(tag=example("own host").replace("https://consent.shop.example", live.url)), port)
    return Shop(url, live.url, kept_in.url, config)


def refused(shop: Shop, number: int) -> tuple[int, str | None, str]:
    """Post a decision; return status, Retry-After and what was said."""
    body = {"id": f"while-redis-is-away-{number:02}", "allow": [], "notice": "", "how": "refuse"}
    with urllib.request.urlopen(f"{shop.server}/v1/shop/notice", timeout=SECONDS) as answer:
        body["notice"] = json.load(answer)["notice"]
    try:
        urllib.request.urlopen(f"{shop.server}/v1/shop/decisions", json.dumps(body).encode(), timeout=SECONDS).close()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["Retry-After"], json.load(error)["detail"]
    raise AssertionError("a decision was acknowledged while there was nothing to keep it in")


@pytest.mark.troubles("Failed to load resource")
@pytest.mark.parametrize("gone", ["killed", "frozen"])
def test_redis_goes_away_and_comes_back(shop: Shop, kept_in: RedisServer, page: Page, gone: str) -> None:
    assert kept_in.process
    if gone == "killed":
        kept_in.stop(signal.SIGKILL)
    else:
        kept_in.process.send_signal(signal.SIGSTOP)

    with ThreadPoolExecutor(20) as shoppers:  # more than there are threads to wait in
        answers = [*shoppers.map(lambda number: refused(shop, number), range(40))]
    assert {(status, retry) for status, retry, _ in answers} == {(503, "5")}
    # Whoever comes while it is known to be away is told at once; the others have waited and found out.
    assert any("is away" in said for *_, said in answers)
    for path in ("/v1/shop/consent.js", "/v1/keys.json", "/v1/shop/notice", "/healthz"):
        with urllib.request.urlopen(shop.server + path, timeout=SECONDS) as answer:
            assert answer.status == 200
    page.goto(shop.url)
    with page.expect_response("**/decisions") as answered:
        page.get_by_role("button", name=snippet_words()["en"]["accept"], exact=True).first.click()
    assert answered.value.status == 503
    page.wait_for_function("window.counted === true")
    assert page.evaluate("consent.token") is None

    if gone == "killed":
        kept_in.start()
    else:
        kept_in.process.send_signal(signal.SIGCONT)
    up(f"{shop.server}/readyz")
    page.reload()
    page.wait_for_function("window.consent && window.consent.token")
    assert page.evaluate("window.counted")
    page.reload()
    page.wait_for_function("window.consent && window.consent.token")
    assert shop.rates()["total"]["counts"]["answered"] == 1
