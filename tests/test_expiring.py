"""What a withdrawal left is expired, wherever it lies and however much it is."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import free_port
from enforced import KEYS, LISTED, SHOP, WAITS, Back, answered, back, enforcement, shop

from consent_server.enforce import MOST_EXPIRED, Enforcement
from consent_server.tokens import Verifier

__all__ = ["back", "enforcement", "shop"]


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


def test_behind_such_a_proxy_many_origins_take_no_place_from_where_cookies_lie_for_certain() -> None:
    listed, many = {"analytics": ["_ga_*"]}, tuple(f"shop-{n}.example" for n in range(8))
    back = Back("wsgi", Enforcement(Verifier(KEYS.jwks(), "shop"), listed, domains=many))
    sent = "".join(f"_ga_{n}=1; " for n in range(8)) + f"consent={answered()}"
    seen = set()
    for _ in range(300):  # one in fourteen has a certain place of those that are guessed and below the root
        lines = back.get(sent=sent, path="/az", host="127.0.0.1")
        found = expired(lines)
        assert len(lines) == MOST_EXPIRED
        assert found >= {(f"_ga_{n}", "/", domain) for n in range(8) for domain in ("", many[0])}
        seen |= {(path, domain) for _, path, domain in found}
    assert seen == {(path, domain) for path in ("/", "/az", "/az/") for domain in ("", *many)}
