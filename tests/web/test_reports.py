"""What browsers report: names alone, folded, from the shop's own pages and policies; a flood changes nothing else."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from conftest import Clock, Shopper, closing
from flask import Flask
from folded import FOLDED
from werkzeug.test import TestResponse

from consent_server import create_app
from consent_server.banner import lists
from consent_server.catalogue import service
from consent_server.settings.environment import Settings
from consent_server.site import Site
from consent_server.web.reports import REPORTS, fold

TRACKERS = (("*.tracker.example", "analytics"), ("cdn.example/lib/*", "necessary"))


@pytest.fixture
def watching(settings: Settings, site: Site) -> Iterator[Flask]:
    """The server of a shop that watches, and of one that does not."""
    watched = replace(site, watch=0.01, trackers=TRACKERS)
    made = create_app(settings, {"smartmarket": watched, "kitab": replace(site, id="kitab")})
    with closing(made.extensions["consent"].store):
        yield made


@pytest.fixture
def report(watching: Flask, site: Site) -> Callable[..., TestResponse]:
    """Post to an address of the shop, as a page of it does."""

    def post(body: Any, path: str = "seen", shop: str = "smartmarket", **headers: str) -> TestResponse:
        data = body if isinstance(body, bytes) else json.dumps(body)
        own = {"Origin": site.origins[0]} | {name.replace("_", "-"): value for name, value in headers.items()}
        return watching.test_client(use_cookies=False).post(f"/v1/{shop}/{path}", data=data, headers=own)

    return post


def counted(app: Flask, shop: str = "smartmarket") -> dict[tuple[str, str, str], int]:
    behind = app.extensions["consent"]
    days = behind.store.leaks.counts(behind.sites[shop], datetime.now(UTC).date() + timedelta(1))
    return {seen: count for counts in days.values() for seen, count in counts.items()}


def policy(*blocked: str) -> list[dict[str, Any]]:
    return [
        {"age": 1, "type": "csp-violation", "url": "https://smartmarket.az/az/mal", "user_agent": "x", "body": {
            "documentURL": "https://smartmarket.az/az/mal", "blockedURL": each, "disposition": "report",
            "effectiveDirective": "img-src", "originalPolicy": "img-src 'self'", "statusCode": 200,
        }}
        for each in blocked
    ]  # fmt: skip


@pytest.mark.parametrize(("name", "folded"), FOLDED)
def test_a_name_is_folded_however_it_comes_and_once_is_enough(
    watching: Flask, report: Callable[..., TestResponse], name: str, folded: str
) -> None:
    assert fold(folded) == folded
    assert report({"state": "refused", "seen": [["cookie", name]]}).status_code == 204
    assert counted(watching) == {("refused", "cookie", folded): 1}


def test_a_name_without_end_takes_no_longer_than_another() -> None:
    for odd in ("a." * 30_000, "a+" * 30_000 + "@", "http" * 15_000, "a" * 60_000 + "1"):
        assert fold(odd) == fold(odd[:256])


def test_a_report_counts_each_name_once_and_so_many_at_most(
    watching: Flask, report: Callable[..., TestResponse]
) -> None:
    names = [["local-storage", f"made-{chr(97 + n % 26)}{chr(97 + n // 26)}"] for n in range(40)]
    assert report({"state": "before", "seen": [["cookie", "_a1"], ["cookie", "_a2"], *names]}).status_code == 204
    found = counted(watching)
    assert found[("before", "cookie", "_a*")] == 1
    assert len(found) == 29


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"null", b"[]", {"state": "refused"}, {"state": "odd", "seen": []}, {"state": "refused", "seen": ["x"]},
     {"state": "refused", "seen": [["cookie", "x", "y"]]}, {"state": "refused", "seen": [["value", "x"]]},
     {"state": "refused", "seen": [], "page": "/"}, b"\xff"],
)  # fmt: skip
def test_what_is_no_report_is_refused_in_a_sentence(report: Callable[..., TestResponse], body: Any) -> None:
    said = report(body)
    assert (said.status_code, said.get_json()["type"]) == (400, "/problems/malformed")
    assert "Traceback" not in said.text


@pytest.mark.parametrize(
    ("path", "headers", "body", "status"),
    [
        ("seen", {"Origin": "https://evil.example"}, {"state": "refused", "seen": []}, 403),
        ("reports", {"Origin": "https://evil.example"}, policy(), 403),
        ("reports", {"Origin": "null"}, policy(), 204),
        ("seen", {}, b" " * 5000, 413),
        ("reports", {}, b" " * 70_000, 413),
        ("reports", {}, b"[" * 60_000, 400),
        ("reports", {}, b"no json", 400),
        ("reports", {}, b"7", 400),
        ("reports", {}, b"[7]", 400),
        ("reports", {}, [], 204),
        ("reports", {}, [{}, {"body": 1}, {"csp-report": {"blocked-uri": 5}}], 204),
        ("reports", {}, {"csp-report": {"blocked-uri": "https://[::1"}}, 204),
    ],
)
def test_what_strangers_send_is_refused_or_counts_nothing(
    watching: Flask, report: Callable[..., TestResponse], path: str, headers: dict[str, str], body: Any, status: int
) -> None:
    assert report(body, path, **headers).status_code == status
    assert counted(watching) == {}


def test_a_shop_that_does_not_watch_counts_no_page_views_and_crawlers_count_nowhere(
    watching: Flask, report: Callable[..., TestResponse]
) -> None:
    body = {"state": "refused", "seen": [["cookie", "_xyz"]]}
    assert report(body, shop="kitab").status_code == 204
    assert report(body, User_Agent="Examplebot/1.0").status_code == 204
    assert counted(watching, "kitab") == counted(watching) == {}
    assert report(policy("https://a.example/x"), "reports", shop="kitab").status_code == 204
    assert counted(watching, "kitab") == {("unknown", "request", "a.example"): 1}


def test_policy_reports_of_both_formats_count_third_parties_that_no_list_allows(
    watching: Flask, report: Callable[..., TestResponse], shopper: Shopper
) -> None:
    addresses = (
        *("https://a.example/x?y=1", "https://cdn.smartmarket.az/x", "https://smartmarket.az/y", "inline", "data"),
        *("https://cdn.example/lib/x.js", "https://cdn.example/else", "https://u:p@b.example:8443/z"),
        *("https://x.tracker.example/hit", "https://localhost/v1/smartmarket/consent.js"),
    )
    for each in addresses:
        old = {"csp-report": {"document-uri": "https://smartmarket.az/", "blocked-uri": each}}
        assert report(old, "reports", Content_Type="application/csp-report").status_code == 204
    assert report(policy(*addresses), "reports", Content_Type="application/reports+json").status_code == 204
    # The tracker may have been allowed: without an answer nobody knows.
    unknown = {("unknown", "request", host): 2 for host in ("a.example", "cdn.example", "b.example:*")}
    assert counted(watching) == unknown
    shopper.client = watching.test_client(use_cookies=False)
    for allow in ((), ("marketing",), ("analytics",), ("functional", "analytics", "marketing")):
        shopper.token = None
        assert shopper.decide(*allow).status_code == 201
        assert (
            report(policy("https://x.tracker.example/"), "reports", Cookie=f"consent={shopper.token}").status_code
            == 204
        )
    assert counted(watching) == {
        **unknown,
        ("refused", "request", "x.tracker.example"): 1,
        ("some", "request", "x.tracker.example"): 1,
    }


def test_hosts_of_the_services_that_a_shop_names_are_known(settings: Settings, site: Site) -> None:
    watched = replace(site, services=("hotjar",))
    hosts = service("hotjar").hosts
    made = create_app(settings, {"smartmarket": watched})
    with closing(made.extensions["consent"].store):
        addresses = [f"https://{host.replace('*', 'a')}/x" for host in hosts]
        body = policy(*addresses, "https://other.example/x")
        assert made.test_client().post("/v1/smartmarket/reports", data=json.dumps(body)).status_code == 204
        assert counted(made) == {("unknown", "request", "other.example"): 1}
    known = lists.watch(watched)["addresses"]
    assert all(lists.categories_at(each.removeprefix("https://"), known) == ["analytics"] for each in addresses)


def test_a_host_that_several_services_share_is_told_by_what_is_asked_there(settings: Settings, site: Site) -> None:
    names = ("gtm", "ga4")
    trackers = tuple((pattern, service(name).category) for name in names for pattern in service(name).patterns)
    watched = replace(site, services=names, trackers=trackers)
    google = "https://www.googletagmanager.com"
    made = create_app(settings, {"smartmarket": watched})
    with closing(made.extensions["consent"].store):
        refused = Shopper(made.test_client(use_cookies=False), watched)
        assert refused.decide().status_code == 201
        for path, count in (("/gtm.js?id=1", 0), ("", 0), ("/a?id=1", 0), ("/gtag/js?id=1", 1)):
            cookie = {"Cookie": f"consent={refused.token}"}
            said = refused.client.post("/v1/smartmarket/reports", json=policy(google + path), headers=cookie)
            assert said.status_code == 204
            assert sum(counted(made).values()) == count


def test_of_a_frame_and_a_redirect_the_host_alone_is_told_and_is_known_too(settings: Settings, site: Site) -> None:
    trackers = (("films.example/embed/*", "marketing"), ("cdn.example/lib/*", "necessary"))
    watched = replace(site, services=("recaptcha",), trackers=trackers)
    made = create_app(settings, {"smartmarket": watched})
    with closing(made.extensions["consent"].store):
        shopper = Shopper(made.test_client(use_cookies=False), watched)
        hosts = ("www.google.com", "films.example", "cdn.example")
        for allow, leaks in (((), {"films.example", "www.google.com"}), (("functional", "marketing"), set())):
            shopper.token = None
            assert shopper.decide(*allow).status_code == 201
            body = policy(*(f"https://{host}" for host in hosts), "https://cdn.example/else")
            cookie = {"Cookie": f"consent={shopper.token}"}
            assert shopper.client.post("/v1/smartmarket/reports", json=body, headers=cookie).status_code == 204
            state = "some" if allow else "refused"
            assert {name for at, _, name in counted(made) if at == state} == leaks | {"cdn.example"}


def test_what_an_enforced_policy_has_stopped_is_no_leak(watching: Flask, report: Callable[..., TestResponse]) -> None:
    stopped = policy("https://a.example/x")
    stopped[0]["body"]["disposition"] = "enforce"
    old = {"csp-report": {"blocked-uri": "https://a.example/x", "disposition": "enforce"}}
    for body in (stopped, old):
        assert report(body, "reports").status_code == 204
    assert counted(watching) == {}


def test_pages_of_the_shop_may_post_reports_across_origins(watching: Flask, site: Site) -> None:
    asked = {
        "Origin": site.origins[0],
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }
    said = watching.test_client().options("/v1/smartmarket/reports", headers=asked)
    assert said.headers["Access-Control-Allow-Origin"] == site.origins[0]
    assert "Content-Type" in said.headers["Access-Control-Allow-Headers"]


def test_a_flood_of_reports_is_slowed_down_and_leaves_decisions_and_leaks_as_they_are(
    watching: Flask, report: Callable[..., TestResponse], shopper: Shopper, clock: Clock
) -> None:
    clock.at = time.time()  # all in one minute of today, however long they take
    store = watching.extensions["consent"].store
    for _ in range(20):
        assert report({"state": "refused", "seen": [["cookie", "_xyz"]]}).status_code == 204
    keys = store.connection.client.dbsize()
    words = ["_".join(letters) for letters in product("abcdefghijklmnopqrst", repeat=3)]
    statuses = [
        report({"state": "refused", "seen": [["cookie", f"{words[n]}_{each}"] for each in words[:20]]}).status_code
        for n in range(700)
    ]
    assert {*statuses} == {204, 429}
    assert statuses.count(204) == REPORTS - 20
    assert store.connection.client.dbsize() == keys
    found = counted(watching)
    assert len(found) == 500
    assert found.pop(("refused", "cookie", "_xyz")) == 20
    assert max(found.values()) < 20
    shopper.client = watching.test_client(use_cookies=False)
    assert shopper.decide("analytics").status_code == 201
