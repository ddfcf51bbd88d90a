"""A shop's back end sets what the shopper allows and nothing else, whatever it tries."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from unittest.mock import Mock

import pytest
from conftest import free_port
from examples import example
from playwright.sync_api import BrowserContext
from test_tokens import loaded
from werkzeug.serving import make_server

from consent_server.decision import consent_of
from consent_server.enforce import MOST_EXPIRED, Enforcement
from consent_server.settings.rows import SettingsError
from consent_server.site import Notice, UnknownCategory, mask_of
from consent_server.tokens import Keys, Verifier, token

LISTED = {
    "necessary": ["consent", "basket"],
    "functional": ["_seen"],
    "analytics": ["_ga", "_ga_*", "*_visits"],
    "marketing": ["_fbp", "_seen"],
}
KEYS, STRANGER = Keys(["a secret of this server " * 2]), Keys(["a secret of somebody else " * 2])
NOW = 1_800_000_000


def run(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run it in a thread of its own: where a browser of the tests is open, this one has a loop already."""
    with ThreadPoolExecutor(1) as threads:
        threads.submit(asyncio.run, coroutine).result()


def answered(
    *allow: str, site: str = "shop", keys: Keys = KEYS, at: int = NOW, keep: int = 10**9, revision: int = 1
) -> str:
    notice = Notice.of({"site": site, "revision": revision, "keep": keep, "lang": "az", "variant": ""})
    consent = consent_of(notice, mask_of(allow), at, "s" * 22, "d" * 22)
    return token(consent, keys.sign(consent))


@dataclass
class Back:
    """A back end behind the middleware, called by its interface without a server."""

    interface: str
    enforcement: Enforcement

    def get(self, *set_cookies: str, sent: str = "", path: str = "/", host: str = "shop.example", **more: str) -> Any:
        """Return the ``Set-Cookie`` lines that reach the browser, of what the back end tried to set."""
        headers = [("Content-Type", "text/plain"), *(("Set-Cookie", line) for line in set_cookies), *more.items()]
        answer = (self._wsgi if self.interface == "wsgi" else self._asgi)(headers, sent, path, host)
        assert ("content-type", "text/plain") in {(name.lower(), value) for name, value in answer}
        return [value for name, value in answer if name.lower() == "set-cookie"]

    def _wsgi(self, headers: list[tuple[str, str]], sent: str, path: str, host: str) -> list[tuple[str, str]]:
        body, answered = [b"streamed"], []

        def app(environ: Any, start_response: Any) -> list[bytes]:
            start_response("200 OK", headers)
            return body

        def start_response(status: str, headers: Any, *_: Any) -> Any:
            answered.extend(headers)

        environ = {"HTTP_COOKIE": sent, "PATH_INFO": path, "HTTP_HOST": host, "SCRIPT_NAME": ""}
        assert self.enforcement.wsgi(app)(environ, start_response) is body  # whatever streams goes on to
        return answered

    def _asgi(self, headers: list[tuple[str, str]], sent: str, path: str, host: str) -> list[tuple[str, str]]:
        messages: list[Any] = []
        raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
        bodies = [{"type": "http.response.body", "body": b"1", "more_body": True}, {"type": "http.response.body"}]

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": iter(raw)})
            for body in bodies:
                await send(body)

        async def send(message: Any) -> None:
            messages.append(message)

        cookies = [(b"cookie", each.encode("latin-1")) for each in sent.split("; ")]  # as HTTP/2 may have them
        scope = {"type": "http", "path": path, "headers": [(b"host", host.encode()), *cookies]}
        run(self.enforcement.asgi(app)(scope, None, send))
        assert messages[1:] == bodies
        return [(name.decode(), value.decode("latin-1")) for name, value in messages[0]["headers"]]


@pytest.fixture
def enforcement() -> Enforcement:
    return Enforcement(Verifier(KEYS.jwks(), "shop"), LISTED)


@pytest.fixture(params=["wsgi", "asgi"])
def back(request: pytest.FixtureRequest, enforcement: Enforcement) -> Back:
    return Back(request.param, enforcement)


ALL = ("basket=1", "_seen=1", "_ga=1", "_ga_X=1; Path=/", "my_visits=1; HttpOnly", "_fbp=1; Secure", "unheard-of=1")
UNDECIDED = ["basket=1", "unheard-of=1"]
WAITS = "~%5B%7B%22allow%22%3A%5B%5D%2C%22site%22%3A%22shop%22%7D%5D"


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


def expired(lines: list[str]) -> set[tuple[str, str, str]]:
    """Return what lines expire: name, path, domain."""
    found = set()
    for line in lines:
        pair, *attributes = line.split("; ")
        said = dict(each.partition("=")[::2] for each in attributes)
        assert pair.endswith("=")
        assert said["Max-Age"] == "0"
        found.add((pair[:-1], said["Path"], said.get("Domain", "")))
    return found


def test_what_a_withdrawal_left_is_expired_wherever_the_request_may_have_got_it_from(back: Back) -> None:
    sent = f"_ga_X=1; _fbp=1; basket=1; unheard-of=1; consent={answered('marketing')}"
    lines = back.get(sent=sent, path="/az/kampaniya", host="www.shop.example:8443")
    paths = ("/", "/az", "/az/", "/az/kampaniya", "/az/kampaniya/")
    assert expired(lines) == {
        ("_ga_X", path, domain) for path in paths for domain in ("", "www.shop.example", "shop.example")
    }
    assert back.enforcement.counts() == {"dropped": {}, "expired": {"_ga_*": 1}}


@pytest.mark.parametrize(
    "sent",
    [
        "_fbp=1",
        "_fbp=1; consent=~W10",
        f"_fbp=1; consent={WAITS}; consent={answered()}",
        f"_fbp=1; consent={answered(site='other')}",
        f"_fbp=1; consent={answered()[3:]}",
    ],
)
def test_nothing_is_expired_without_an_answer_that_says_no(back: Back, sent: str) -> None:
    assert back.get(sent=sent) == []


def test_an_outage_of_the_keys_drops_and_expires_nothing() -> None:
    away = Enforcement(Verifier.from_url(f"http://127.0.0.1:{free_port()}/v1/keys.json", "shop"), LISTED)
    for interface in ("wsgi", "asgi"):
        sent = f"_ga=1; consent={answered('analytics')}"
        assert Back(interface, away).get("_ga=1", "basket=1", sent=sent) == ["basket=1"]


@pytest.mark.parametrize("cached", ["public, max-age=300", "max-age=60", "s-maxage=9"])
def test_a_response_that_caches_hand_on_expires_nothing(back: Back, cached: str) -> None:
    sent = f"_fbp=1; consent={answered()}"
    assert back.get(sent=sent, **{"Cache-Control": cached}) == []
    for private in ("max-age=0, private", "private, max-age=600", "max-age=600, no-store"):
        assert back.get(sent=sent, **{"Cache-Control": private}) != []
    assert back.get(sent=sent, **{"Cache-Control": 'private="x-a", max-age=600'}) == []


def test_prefixed_cookies_are_expired_as_browsers_want_it() -> None:
    listed = {"analytics": ["__Host-*", "__Secure-*"]}
    back = Back("wsgi", Enforcement(Verifier(KEYS.jwks(), "shop"), listed))
    lines = back.get(sent=f"__Host-v=1; __Secure-v=1; consent={answered()}", path="/az")
    hosts, paths = ("", "shop.example"), ("/", "/az", "/az/")
    assert expired(lines) == {
        (name, path, host) for name in ("__Host-v", "__Secure-v") for path in paths for host in hosts
    }
    assert [line for line in lines if "; Secure" not in line] == []


def test_a_name_with_two_underscores_is_expired_on_a_shop_without_encryption_too() -> None:
    back = Back("wsgi", Enforcement(Verifier(KEYS.jwks(), "shop"), {"analytics": ["__*"]}))
    lines = back.get(sent=f"__utma=1; __secure-v=1; consent={answered()}")
    assert {(line.partition("=")[0], line.endswith("; Secure")) for line in lines} == {
        *(("__utma", False), ("__secure-v", True))
    }


@pytest.mark.parametrize(
    ("path", "host"),
    [
        ("/a;b\r\nSet-Cookie: x=1/c", "shop.example"),
        ("", ""),
        ("/", "127.0.0.1:80"),
        ("//x", "[::1]"),
        ("/ö", "a b\r\n"),
    ],
)
def test_nothing_odd_in_a_request_gets_into_a_header(back: Back, path: str, host: str) -> None:
    lines = back.get(sent=f"_fbp=1; consent={answered()}", path=path, host=host)
    assert ("_fbp", "/", "") in expired(lines)
    assert not any("\r" in line or "\n" in line or "x=1" in line or " b" in line for line in lines)


def test_expiring_takes_a_bounded_part_of_the_headers_most_of_it_for_the_root_path(back: Back) -> None:
    names = "; ".join(f"_ga_{n}=1" for n in range(10))
    lines = back.get(sent=f"{names}; consent={answered()}", path="/a/b/c/d/e", host="www.shop.example")
    assert len(expired(lines)) == len(lines) == MOST_EXPIRED
    assert sum(path == "/" for _, path, _ in expired(lines)) == 2 * MOST_EXPIRED // 3


@pytest.mark.parametrize("many", [1, 8, 12, 40])
@pytest.mark.parametrize(
    ("domain", "path"), [("", "/"), ("shop.example", "/"), ("www.shop.example", "/"), ("shop.example", "/az/kampaniya")]
)
def test_however_many_are_left_and_wherever_they_lie_all_go_in_some_responses(
    enforcement: Enforcement, many: int, domain: str, path: str
) -> None:
    back, refused = Back("wsgi", enforcement), answered()
    jar = {(f"_ga_{n}", path, domain) for n in range(many)}
    for _ in range(
        3000
    ):  # of what never comes to its turn; forty take some ten responses at the root, a hundred below it
        sent = "".join(f"{name}=1; " for name, _, _ in sorted(jar)) + f"consent={refused}"
        jar -= expired(back.get(sent=sent, path="/az/kampaniya", host="www.shop.example"))
        if not jar:
            break
    assert not jar


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


SHOP = """
[sites.shop]
name = "Shop"
origins = ["https://shop.example"]
policy_url = "/p"
policy_updated = 2025-12-20
revision = 2
[[sites.shop.cookies.marketing]]
name = "_c*"
provider = "S"
life = "1 day"
purpose.en = "Ads."
"""


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


@pytest.mark.parametrize(
    ("host", "hosts"),
    [
        ("127.0.0.1:5000", {"", "shop.example", "dukan.example"}),
        ("back_end", {"", "shop.example", "dukan.example"}),
        ("back.internal", {"", "back.internal", "shop.example", "dukan.example"}),
        ("www.shop.example", {"", "www.shop.example", "shop.example"}),
    ],
)
def test_behind_a_proxy_that_hides_the_host_the_origins_say_where_cookies_lie(
    tmp_path: Any, host: str, hosts: set[str]
) -> None:
    path = tmp_path / "consent.toml"
    origins = '["https://www.shop.example", "https://dukan.example", "http://127.0.0.1:5000"]'
    path.write_text(SHOP.replace('["https://shop.example"]', origins))
    back = Back("wsgi", Enforcement.from_config(path, Verifier(KEYS.jwks(), "shop")))
    lines = back.get(sent=f"_c1=1; consent={answered(revision=2)}", host=host)
    assert expired(lines) == {("_c1", "/", each) for each in hosts}


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


@pytest.fixture
def shop(enforcement: Enforcement) -> Iterator[str]:
    """A page of a back end behind the middleware, for browsers; gives its address."""

    def app(environ: Any, start_response: Callable[..., Any]) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/html"), ("Set-Cookie", "_fbp=again; HttpOnly; Path=/")])
        return [b'<!doctype html><title>Shop</title><link rel="icon" href="data:,">']

    server = make_server("127.0.0.1", 0, enforcement.wsgi(app), threaded=True)
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    yield f"http://www.shop.localhost:{server.server_port}/az/mal"
    server.shutdown()
    serving.join()
    server.server_close()


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
