"""A shop's back end sets what the shopper allows and nothing else, whatever it tries."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from unittest.mock import Mock

import pytest
from enforced import KEYS, NOW, SHOP, STRANGER, WAITS, Back, answered, back, enforcement, run, shop
from examples import example
from playwright.sync_api import BrowserContext
from test_tokens import loaded

from consent_server.enforce import Enforcement
from consent_server.settings.rows import SettingsError
from consent_server.site import UnknownCategory
from consent_server.tokens import Verifier

__all__ = ["back", "enforcement", "shop"]


ALL = ("basket=1", "_seen=1", "_ga=1", "_ga_X=1; Path=/", "my_visits=1; HttpOnly", "_fbp=1; Secure", "unheard-of=1")
UNDECIDED = ["basket=1", "unheard-of=1"]


@pytest.mark.parametrize(
    ("sent", "passes"),
    [
        (f"consent={answered('functional', 'analytics', 'marketing')}", [*ALL]),
        (f"a=1; consent={answered('analytics')}", [ALL[0], *ALL[2:5], ALL[6]]),
        (f"consent={answered('functional')}", [*ALL[:2], ALL[6]]),
        (f"consent={answered()}", UNDECIDED),
        ("", UNDECIDED),
        ("consent=", UNDECIDED),
        ("consent=~%5B%7B%22allow%22%3A%5B%22analytics%22%5D%7D%5D", UNDECIDED),
        (f"consent={answered('analytics', site='other')}", UNDECIDED),
        (f"consent={answered('analytics', keys=STRANGER)}", UNDECIDED),
        (f"consent={answered('analytics', at=1000, keep=1000)}", UNDECIDED),
        (f"consent={answered('analytics')[:-1]}", UNDECIDED),
        ("consent=\xff\x00; ;;=; =x", UNDECIDED),
        # Of several, as a shop that changed its cookie_domain leaves them, the newest holds.
        (f"consent={answered('analytics')}; consent={answered(at=NOW + 7200)}", UNDECIDED),
        (f"consent={answered('analytics', at=NOW + 7200)}; consent={answered()}", [ALL[0], *ALL[2:5], ALL[6]]),
        (f"consent=x; consent={answered('functional')}", [*ALL[:2], ALL[6]]),
        # One of this shop that no server has signed yet is newer than any.
        (f"consent={WAITS}; consent={answered('analytics')}", UNDECIDED),
        (f"consent={answered('analytics')}; consent={WAITS}", UNDECIDED),
        (f"consent={WAITS.replace('shop', 'other')}; consent={answered('functional')}", [*ALL[:2], ALL[6]]),
    ],
)
def test_only_cookies_that_the_shopper_allows_leave_the_back_end(back: Back, sent: str, passes: list[str]) -> None:
    assert back.get(*ALL, sent=sent) == passes
    assert sum(back.enforcement.counts()["dropped"].values()) == len(ALL) - len(passes)


@pytest.mark.parametrize(
    ("line", "passes"),
    [
        (" _fbp = 1", False),
        ("_fbp=", False),
        ("_fbp=1; Max-Age=0", True),
        ("_fbp=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/", True),
        ("_fbp=1; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT", False),
        ("_FBP=1", True),
        ("x_fbp=1", True),
        ("_fbp", True),
        ("", True),
    ],
)
def test_a_line_is_read_as_browsers_read_it_and_one_that_removes_a_cookie_passes(
    back: Back, line: str, passes: bool
) -> None:
    assert back.get(line) == ([line] if passes else [])


def test_a_dropped_cookie_is_logged_once_and_counted_each_time(back: Back, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        for n in range(5):
            back.get(f"_ga_{n}=1")
    assert [record.getMessage() for record in caplog.records] == [
        "the cookie _ga_* is dropped where analytics is not allowed"
    ]
    assert back.enforcement.counts()["dropped"] == {"_ga_*": 5}


def test_the_log_says_which_cookie_a_pattern_has_dropped(back: Back, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "consent_server.enforce"):
        back.get("_ga_loyalty=1")
    assert caplog.records[-1].getMessage() == "the first of _ga_* that was dropped is _ga_loyalty"


def test_threads_count_each_drop(enforcement: Enforcement) -> None:
    back = Back("wsgi", enforcement)
    threads = [threading.Thread(target=lambda: [back.get("_fbp=1") for _ in range(200)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert enforcement.counts()["dropped"] == {"_fbp": 800}


def test_a_server_without_asyncio_s_loop_is_answered_too(enforcement: Enforcement) -> None:
    sent: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"set-cookie", b"_fbp=1")]})

    async def send(message: Any) -> None:
        sent.append(message)

    def drive() -> None:
        with pytest.raises(StopIteration):
            enforcement.asgi(app)({"type": "http", "path": "/", "headers": []}, None, send).send(None)  # type: ignore[attr-defined]

    with ThreadPoolExecutor(1) as threads:
        threads.submit(drive).result()
    assert sent == [{"type": "http.response.start", "status": 200, "headers": []}]


def test_lifespan_passes_as_it_is(enforcement: Enforcement) -> None:
    seen: list[Any] = []

    async def app(*arguments: Any) -> None:
        seen.extend(arguments)

    given = ({"type": "lifespan"}, object(), object())
    run(enforcement.asgi(app)(*given))
    assert all(one is other for one, other in zip(seen, given, strict=True))


def test_an_answer_to_what_was_asked_before_is_none(tmp_path: Any) -> None:
    path = tmp_path / "consent.toml"
    path.write_text(SHOP)
    back = Back("wsgi", Enforcement.from_config(path, Verifier(KEYS.jwks(), "shop")))
    older, newer = (f"consent={answered('marketing', at=NOW + n, revision=n)}" for n in (1, 2))
    assert back.get("_c1=1", sent=older) == []
    assert back.get("_c1=1", sent=newer) == back.get("_c1=1", sent=f"{older}; {newer}") == ["_c1=1"]
    assert back.get(sent=f"_c1=1; consent={answered()}") == []  # what it says no to was another question
    assert back.get(sent=f"_c1=1; consent={answered(revision=2)}") != []


def test_it_reads_the_cookie_list_of_the_verifiers_site(tmp_path: Any) -> None:
    path = tmp_path / "consent.toml"
    path.write_text(SHOP.replace("revision = 2", "host_cookie = true"))
    made = Enforcement.from_config(path, Verifier(KEYS.jwks(), "shop"))
    assert Back("wsgi", made).get("_c1=1", sent=f"consent={answered('marketing')}") == []
    assert Back("wsgi", made).get("_c1=1", sent=f"__Host-consent={answered('marketing')}") == ["_c1=1"]
    with pytest.raises(SettingsError, match="no site 'other'"):
        Enforcement.from_config(path, Verifier(KEYS.jwks(), "other"))
    with pytest.raises(SettingsError, match="cannot be read"):
        Enforcement.from_config(tmp_path / "none.toml", Verifier(KEYS.jwks(), "shop"))


def test_a_name_that_a_service_has_in_a_storage_is_no_cookie_s(tmp_path: Any) -> None:
    path = tmp_path / "consent.toml"
    path.write_text(
        '[sites.shop]\nname = "Shop"\norigins = ["https://shop.example"]\npolicy_url = "/p"\n'
        'policy_updated = 2025-12-20\nservices = ["insider", "segmentify", "criteo"]\n'
    )
    back = Back("wsgi", Enforcement.from_config(path, Verifier(KEYS.jwks(), "shop")))
    sent = f"consent={answered()}"
    assert back.get("ins-session=1", "_sgf_cart=1", sent=sent) == ["ins-session=1", "_sgf_cart=1"]
    assert back.get("cto_bundle=1", "ins-test-cookie=1", sent=sent) == []


def test_a_wrong_mapping_is_refused_at_the_start() -> None:
    verifier = Verifier(KEYS.jwks(), "shop")
    with pytest.raises(UnknownCategory, match="'analitycs' is not a category"):
        Enforcement(verifier, {"analitycs": ["_ga"]})
    with pytest.raises(ValueError, match="a list such as"):
        Enforcement(verifier, {"analytics": "_ga"})


def test_it_loads_no_server() -> None:
    packages = {name.partition(".")[0] for name in loaded(example("mapping enforce").rstrip())}
    assert "consent_server" in packages
    assert {"flask", "werkzeug", "redis", "click", "granian"} & packages == set()


def test_after_a_withdrawal_the_browser_holds_nothing_that_is_not_allowed(
    new_context: Callable[..., BrowserContext], shop: str
) -> None:
    context = new_context()
    scopes = [
        ("www.shop.localhost", "/"),
        (".shop.localhost", "/"),
        (".www.shop.localhost", "/az"),
        ("www.shop.localhost", "/az/"),
    ]
    made = [{"domain": domain, "path": path, "value": "1", "httpOnly": True} for domain, path in scopes]
    context.add_cookies([{**each, "name": name} for each in made for name in ("_ga", "basket")])  # type: ignore[typeddict-item]
    context.add_cookies([{"name": "consent", "value": answered(), "domain": "www.shop.localhost", "path": "/"}])
    page = context.new_page()
    page.goto(shop)
    assert sorted(cookie["name"] for cookie in context.cookies()) == [*["basket"] * len(scopes), "consent"]


def test_an_app_may_tell_its_error_by_name_or_by_place() -> None:
    told: list[tuple[Any, ...]] = []
    error = (ValueError, ValueError("late"), None)
    for given, by_name in (((error,), {}), ((), {"exc_info": error}), ((None,), {}), ((), {"exc_info": None})):

        def app(_: Any, start: Any, given: Any = given, by_name: Any = by_name) -> list[bytes]:
            start("500 No", [("Set-Cookie", "_ga=1")], *given, **by_name)
            return []

        enforced = Enforcement(Mock(), {"analytics": ["_ga"]}).wsgi(app)
        assert enforced({"HTTP_HOST": "shop.example"}, lambda *said: told.append(said)) == []  # type: ignore[arg-type, return-value]
    assert told == [*(2 * [("500 No", [], error)]), *(2 * [("500 No", [])])]
