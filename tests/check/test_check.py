"""`consent-server check` finds each planted fault and says what to type; of a sound deployment it says nothing."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest
import redis
from click.testing import CliRunner, Result
from conftest import ROOT, SECRET, Live, RedisServer, binary_of, free_port
from dripping import dripping

from consent_server.audit.browsing import browser as audit_browser
from consent_server.audit.browsing.browser import NoBrowser
from consent_server.audit.findings import Judge
from consent_server.audit.observed import Observed, Sighting
from consent_server.audit.report import Report
from consent_server.audit.run import NotReached, audit
from consent_server.catalogue import for_site, services
from consent_server.check import faults, network
from consent_server.check import page as check_page
from consent_server.check.page import compared
from consent_server.check.page import look as look_here
from consent_server.check.store import servers
from consent_server.cli import check as check_command
from consent_server.cli import main
from consent_server.settings.environment import Settings
from consent_server.settings.shops import make_site
from consent_server.settings.theme import read_theme
from consent_server.site import Cookie, Site
from consent_server.store.connection import Server

NOW = 1_772_452_800.0
SOUND = Server("valkey", (9, 1, 2), True, "always", True, "noeviction", NOW)


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


def only(found: Iterator[faults.Finding] | list[faults.Finding]) -> faults.Finding:
    (finding,) = found
    assert finding.fault.endswith((".", ".)"))
    assert finding.cure
    return finding


def in_its_own_thread(do: Callable[..., Any], *args: Any, **named: Any) -> Any:
    """Do it where no browser of a test before is, for Playwright takes one in a thread at a time."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(do, *args, **named).result()


# ---- The environment ----


@pytest.mark.parametrize(("page", "told"), [(None, True), ("none", True), ("rates.shop.example", False)])
def test_a_digest_without_a_link_to_its_numbers_is_told(page: str | None, told: bool, tmp_path: Path) -> None:
    environ = {"CONSENT_SECRET": SECRET, "CONSENT_DIGEST": "leyla@shop.example"}
    environ |= {"CONSENT_MARKETERS": page} if page else {}
    faulty = [(each.fault, each.grave) for each in faults.environment(environ, tmp_path)[1]]
    said = "The weekly digest has no link to the marketers' page, as CONSENT_MARKETERS names no host of it."
    assert faulty == [(said, False)] * told


@pytest.mark.parametrize(
    ("environ", "fault"),
    [
        ({}, "CONSENT_SECRET is not set"),
        ({"CONSENT_SECRET": "short"}, "CONSENT_SECRET takes secrets of at least 32 characters"),
        ({"CONSENT_SECRET_FILE": "nowhere"}, "CONSENT_SECRET_FILE names nowhere"),
    ],
)
def test_a_missing_or_short_secret_is_cured_by_making_one(environ: dict[str, str], fault: str, tmp_path: Path) -> None:
    finding = only(faults.environment(environ, tmp_path)[1])
    assert finding.fault.startswith(fault)
    assert "secrets.token_urlsafe(32)" in finding.cure
    assert finding.grave


def test_every_wrong_setting_is_found_in_one_go(tmp_path: Path) -> None:
    environ = {
        "CONSENT_SECRET": SECRET,
        "PORT": "eighty",
        "WEB_CONCURRENCY": "0",
        "CONSENT_WEBHOK": "https://x.example",
    }
    settings, found = faults.environment(environ, tmp_path)
    assert [finding.fault.split()[0] for finding in found] == ["CONSENT_WEBHOK", "PORT", "WEB_CONCURRENCY"]
    assert "did you mean CONSENT_WEBHOOK?" in found[0].fault
    assert settings.secret == (SECRET,)
    assert settings.port == 8000


def test_the_commands_that_cure_a_secret_work(tmp_path: Path) -> None:
    def cure() -> str:
        found = only(faults.environment({}, tmp_path)[1])
        return found.cure.rpartition("type: ")[2]

    def typed(text: str) -> subprocess.CompletedProcess[str]:
        said = f"({text}) && {text.rpartition('&& ')[2]} && echo $CONSENT_SECRET_FILE"
        return subprocess.run(said, shell=True, cwd=tmp_path, capture_output=True, text=True)

    first = cure()
    done = typed(first)
    assert done.returncode == 0, done.stderr
    path = tmp_path / done.stdout.strip()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert faults.environment({"CONSENT_SECRET_FILE": str(path)}, tmp_path)[1] == []
    kept = path.read_text()
    assert cure() == "export CONSENT_SECRET_FILE=consent-secret", "one that is there is named"
    assert typed(first).returncode != 0
    assert path.read_text() == kept, "typed once more, it overwrites nothing"


def test_the_secret_of_a_demo_is_refused(tmp_path: Path) -> None:
    (tmp_path / "consent-demo").mkdir()
    (tmp_path / "consent-demo" / "secret").write_text(SECRET)
    assert "demo" in only(faults.secret(Settings(secret=(SECRET,)), tmp_path, {})).fault
    assert [*faults.secret(Settings(secret=("x" * 32,)), tmp_path, {})] == []


def test_a_secret_that_check_may_not_read_or_that_is_empty_is_none(tmp_path: Path) -> None:
    (tmp_path / "consent-demo" / "secret").mkdir(parents=True)  # as good as one of somebody else
    assert [*faults.secret(Settings(secret=(SECRET,)), tmp_path, {})] == []
    (tmp_path / "consent-secret").touch()  # as the shell leaves it where there is no Python
    assert "> consent-secret-2)" in only(faults.environment({}, tmp_path)[1]).cure


@pytest.mark.parametrize(
    ("owner", "mode", "is_open"),
    [(0, 0o444, True), (0, 0o640, False), (0, 0o600, False), (4242, 0o444, False), (4242, 0o640, False)],
)
def test_a_secret_is_open_if_others_read_it_and_who_asks_can_mend_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: int, mode: int, is_open: bool
) -> None:
    path = tmp_path / "consent-secret"
    path.write_text(SECRET)
    monkeypatch.setattr(faults.os, "geteuid", lambda: 0)
    monkeypatch.setattr(Path, "stat", lambda self: os.stat_result((mode, 0, 0, 0, owner, owner, 0, 0, 0, 0)))
    assert bool([*faults.secret(Settings(), tmp_path, {"CONSENT_SECRET_FILE": str(path)})]) == is_open
    mounted = "/run/secrets/consent-secret"
    assert [*faults.secret(Settings(), tmp_path, {"CONSENT_SECRET_FILE": mounted})] == []


def test_a_secret_that_others_can_read_is_found(tmp_path: Path) -> None:
    (tmp_path / "my shop").mkdir()
    path = tmp_path / "my shop" / "consent-secret"
    path.write_text(SECRET)
    path.chmod(0o644)
    environ = {"CONSENT_SECRET_FILE": str(path)}
    finding = only(faults.secret(Settings(secret=(SECRET,)), tmp_path, environ))
    subprocess.run(finding.cure.removeprefix("type: "), shell=True, check=True)
    assert [*faults.secret(Settings(secret=(SECRET,)), tmp_path, environ)] == []


# ---- Redis ----


def test_nothing_is_found_in_a_sound_redis() -> None:
    managed = replace(SOUND, name="redis", version=(7, 0, 15), fsync=None, cuts=False)
    assert [*servers([SOUND, managed], NOW)] == []


@pytest.mark.parametrize(
    ("change", "fault", "cure"),
    [
        ({"append_only": False}, "in memory only", "config set appendonly yes"),
        ({"fsync": "everysec"}, "appendfsync everysec", "config set appendfsync always"),
        ({"version": (9, 1, 1)}, "half a decision", "config set aof-load-truncated no"),
        ({"name": "redis", "version": (8, 2, 0)}, "half a decision", "config set aof-load-truncated no"),
        ({"eviction": "allkeys-lru"}, "maxmemory-policy allkeys-lru", "config set maxmemory-policy noeviction"),
        ({"name": "redis", "version": (6, 2, 14), "cuts": False}, "Redis 6.2.14 is too old", "install Redis 7"),
        ({"name": "valkey", "version": (7, 2, 5), "cuts": False}, "Valkey 7.2.5 is too old", "or Valkey 8"),
        ({"clock": NOW - 90}, "90 s apart", "timedatectl set-ntp true"),
    ],
)
def test_a_redis_that_would_lose_consents_is_found(change: dict[str, object], fault: str, cure: str) -> None:
    finding = only(servers([replace(SOUND, **change)], NOW))  # type: ignore[arg-type]
    assert fault in finding.fault
    assert cure in finding.cure
    assert finding.grave


# ---- consent.toml ----


def test_nothing_is_found_in_a_sound_shop() -> None:
    assert [*faults.site(SHOP)] == []


@pytest.mark.parametrize(
    ("change", "fault", "cure", "grave"),
    [
        ({"origins": ("http://shop.example",)}, "not under https", '"https://shop.example" in origins', True),
        ({"cookie_domain": "other.example", "origins": SHOP.origins[:1]}, "refuse the cookie", "a parent domain", True),
        ({"cookie_domain": "op.example", "origins": SHOP.origins[:1]}, "refuse the cookie", "a parent domain", True),
        (
            {"cookies": {"analytics": (cookie("_ga"),)}, "languages": ("xx",)},
            "leaves out `consent` and `ask-*`, which the banner keeps; what for is not written in 'xx' here",
            "[[sites.shop.cookies.necessary]] for each",
            False,
        ),
        (
            {"keep": 396 * 86400},
            "says that `consent` is kept for 1 year; it lives three months longer than an answer holds, 16 months.",
            "leave that table out",
            False,
        ),
        (
            {
                "keep": 396 * 86400,
                "languages": ("xx",),
                "cookies": {
                    "necessary": tuple(replace(each, life={"xx": "1 year"}) for each in SHOP.cookies["necessary"])
                },
            },
            "says that `consent` is kept for 1 year",
            'write life = "16 months" in that table',
            False,
        ),
        (
            {"services": ("hubspot",)},
            "nothing holds *.hsforms.com and *.hsforms.net and forms.hubspot.com: HubSpot's forms",
            'add "hubspot-forms" to services',
            False,
        ),
        (
            {"services": ("hubspot",), "trackers": (("*.hsforms.com", "marketing"), ("*.hubspot.com", "marketing"))},
            "nothing holds *.hsforms.net: HubSpot's forms",
            "[[sites.shop.trackers]]",
            False,
        ),
        (
            {
                "host_cookie": True,
                "cookie_domain": None,
                "origins": ("http://localhost:3000",),
                "cookies": SHOP.cookies | {"necessary": (cookie("__Host-consent"), cookie("ask-*"))},
            },
            "browsers take the cookie __Host-consent under https alone, so http://localhost:3000 keeps no answer.",
            "or leave host_cookie out",
            False,
        ),
        (
            {"cookies": {"necessary": SHOP.cookies["necessary"]}, "trackers": (("t.example", "analytics"),)},
            "no optional cookie",
            "[[sites.shop.cookies.analytics]]",
            False,
        ),
        (
            {"theme": read_theme({"dark": {"accept": {"background": "#1b1f24"}, "background": "#111111"}})},
            "theme.dark.accept.background has a contrast of 1.1:1 with the background",
            "give both buttons of [sites.shop.theme.dark] another background; at least 3:1",
            False,
        ),
    ],
)
def test_a_shop_that_cannot_work_is_found(change: dict[str, object], fault: str, cure: str, grave: bool) -> None:
    finding = only(faults.site(replace(SHOP, **change)))  # type: ignore[arg-type]
    assert fault in finding.fault
    assert cure in finding.cure
    assert finding.grave == grave


@pytest.mark.parametrize(
    ("cookies", "fault"),
    [
        ({"necessary": ["cart_id"], "functional": ["cart_*"]}, "cart_* (functional) overlaps cart_id (necessary)"),
        ({"necessary": ["cart_*"], "analytics": ["cart_id"]}, "cart_id (analytics) overlaps cart_* (necessary)"),
        ({"necessary": ["*_id"], "analytics": ["cart_*"]}, "cart_* (analytics) overlaps *_id (necessary)"),
        ({"functional": ["a_*"], "marketing": ["a_b_*"]}, "a_* (functional) overlaps a_b_* (marketing)"),
        ({"functional": ["*_a"], "marketing": ["*_b_a"]}, "*_a (functional) overlaps *_b_a (marketing)"),
        ({"functional": ["a"], "marketing": ["a"]}, "a (functional) overlaps a (marketing)"),
        ({"analytics": ["c*"]}, "c* (analytics) overlaps consent (necessary)"),
        ({"analytics": ["ask-a"]}, "ask-a (analytics) overlaps ask-* (necessary)"),
        ({"functional": ["a_*", "a_b"], "marketing": ["b_*", "A_*", "a"]}, None),
        ({"necessary": ["a_*_b"], "marketing": ["a_b"]}, None),
    ],
)
def test_names_of_two_categories_that_mean_the_same_are_told(cookies: dict[str, list[str]], fault: str | None) -> None:
    lines = {
        category: tuple(map(cookie, [*names, *(["consent", "ask-*"] if category == "necessary" else [])]))
        for category, names in ({"necessary": []} | cookies).items()
    }
    found = list(faults.site(replace(SHOP, cookies=lines)))
    if not fault:
        assert found == []
        return
    assert only(found).fault.startswith(f"shop: {fault}; what both mean stays ")
    assert not only(found).grave


def test_no_two_services_of_the_catalogue_are_told_to_overlap() -> None:
    found = faults.site(replace(SHOP, cookies=for_site(services(), ["en"]).cookies))
    assert [each.fault for each in found if "overlaps" in each.fault] == []


def test_safaris_seven_days_are_told_for_each_other_host() -> None:
    assert [
        *faults.kept_by_safari(replace(SHOP, origins=("https://shop.example",)), "https://shop.example/consent")
    ] == []
    finding = only(faults.kept_by_safari(SHOP, "https://shop.example"))
    assert "https://www.shop.example" in finding.fault
    assert "CONSENT_PREFIX" in finding.cure
    assert not finding.grave


@pytest.mark.parametrize(
    ("change", "tag", "place"),
    [
        ({}, '<script async src="https://c.example/v1/shop/consent.js"></script>', "anywhere"),
        (
            {"vendors": {"google": {}}},
            '<script src="https://c.example/v1/shop/consent.js"></script>',
            "before the tags",
        ),
        (
            {"trackers": (("t.example", "analytics"),)},
            '<script src="https://c.example/v1/shop/consent.js">',
            "the first",
        ),
    ],
)
def test_the_tag_waits_for_nothing_unless_something_must_wait_for_it(
    change: dict[str, object], tag: str, place: str
) -> None:
    site = replace(SHOP, **change)  # type: ignore[arg-type]
    assert faults.tag(site, "https://c.example").startswith(tag)
    assert place in faults.where(site)


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


# ---- What a browser sees ----


def look(shop: Site, page: str) -> list[faults.Finding]:
    return in_its_own_thread(look_here, shop, page)


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


@pytest.fixture
def states(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Look at a page in some states only: each takes a browser of its own."""

    def only_in(*names: str) -> None:
        monkeypatch.setattr(check_page, "audit", partial(audit, states=names))

    return only_in


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


class Quiet(WSGIRequestHandler):
    """Says nothing of each request."""

    def log_message(self, format: str, *args: object) -> None:
        pass


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


# ---- The command, on deployments that are wrong ----


def described(origin: str, more: str = "") -> str:
    return (
        f'[sites.shop]\nname = "Shop"\norigins = ["{origin}"]\npolicy_url = "/privacy"\npolicy_updated = 2025-12-20\n'
        f"{more}\n"
        '[[sites.shop.cookies.necessary]]\nname = "consent"\nprovider = "Shop"\nlife = "9 months"\n'
        'purpose.en = "Keeps your answer."\n'
    )


def test_a_sound_deployment_has_nothing_to_mend_and_gets_its_tag(checked: Checked, redis_url: str) -> None:
    done = checked(described("https://shop.example"), "--offline", REDIS_URL=redis_url)
    assert done.exit_code == 0, done.stdout
    assert done.stdout.startswith("The tag for shop")
    assert "<script async src=" in done.stdout


def test_words_that_are_missing_for_a_language_are_named(checked: Checked) -> None:
    done = checked(described("https://shop.example", 'languages = ["cy"]'), "--offline")
    assert done.exit_code == 1
    assert "words.cy lacks" in done.stdout


def test_a_redis_that_is_away_is_found_and_the_rest_is_checked_all_the_same(checked: Checked) -> None:
    done = checked(described("http://shop.example"), "--offline", REDIS_URL="unix:///nowhere.sock")
    assert done.exit_code == 1
    assert "Redis is away" in done.stdout
    assert "not under https" in done.stdout


def test_a_redis_with_its_factory_settings_is_found_and_cured_by_what_is_said(
    checked: Checked, short_folder: Callable[[], Path]
) -> None:
    server = RedisServer(
        binary_of("redis7"), short_folder(), options=("--appendonly", "no", "--appendfsync", "everysec")
    )
    server.start()
    try:
        with redis.Redis.from_url(server.url) as client:
            client.config_set("maxmemory-policy", "allkeys-lru")
            shop = described("https://shop.example")
            done = checked(shop, "--offline", REDIS_URL=server.url)
            assert done.exit_code == 1
            for _ in range(3):
                for line in done.stdout.splitlines():
                    if "redis-cli config set" in line:
                        for command in line.split("redis-cli ")[1:]:
                            words = command.strip().rstrip(";").split()
                            if words[1] == "set":
                                client.config_set(words[2], words[3])
                done = checked(shop, "--offline", REDIS_URL=server.url)
            assert done.exit_code == 0, done.stdout
            assert client.config_get("append*")["appendfsync"] == "always"
    finally:
        server.stop()


def test_a_store_of_a_newer_version_is_found(checked: Checked, redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        client.set("consent:layout", "99")
    done = checked(described("https://shop.example"), "--offline", REDIS_URL=redis_url)
    assert done.exit_code == 1
    assert "layout 99" in done.stdout
    assert "install a newer version of consent-server" in done.stdout


def test_a_data_folder_that_cannot_be_made_is_found(checked: Checked, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = checked(described("https://shop.example"), "--offline", CONSENT_DATA=str(tmp_path / "file" / "data"))
    assert done.exit_code == 1
    assert "cannot be written" in done.stdout


def test_a_shop_that_does_not_answer_is_advice(checked: Checked) -> None:
    done = checked(described("http://127.0.0.1:9"))
    assert done.exit_code == 0
    assert "Advice: shop: http://127.0.0.1:9 cannot be reached from here" in done.stdout


def test_a_page_that_sets_what_the_list_leaves_out_is_found_in_a_browser(
    checked: Checked, demo: Live, states: Callable[..., None]
) -> None:
    states("before", "accepted")
    done = checked(described(demo.url), "--page", f"{demo.url}/demo/")
    assert done.exit_code == 1
    assert "sets _sm_analytics, which the cookie list does not name" in done.stdout


def test_headers_of_any_client_that_are_believed_are_found(run_live: Callable[..., Live], tmp_path: Path) -> None:
    config = tmp_path / "consent.toml"
    config.write_text(described("https://shop.example"))
    trusting, careful = (
        run_live("serve", CONSENT_CONFIG=str(config), CONSENT_SECRET=SECRET, TRUSTED_PROXIES=n) for n in ("1", "0")
    )
    finding = only(network.reached(trusting.url, Settings(trusted_proxies=1), [SHOP]))
    assert "X-Forwarded-Proto header of any client is believed" in finding.fault
    assert "TRUSTED_PROXIES=0" in finding.cure
    assert [*network.reached(careful.url, Settings(), [SHOP])] == []


def test_a_server_that_does_not_answer_or_does_not_know_a_shop_is_found(demo: Live) -> None:
    assert "cannot be had: Connection refused" in only(network.reached("http://127.0.0.1:9", Settings(), [SHOP])).fault
    assert "it answers 404" in only(network.reached(demo.url, Settings(), [SHOP])).fault
    both = [replace(SHOP, id="smartmarket"), SHOP]
    assert "does not serve shop: it answers 404" in only(network.reached(demo.url, Settings(), both)).fault


@pytest.mark.parametrize("start", [b"HTTP/1.1 2", b"HTTP/1.1 200 OK\r\nX-Slow: ", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_what_answers_byte_by_byte_is_found_and_not_waited_for(monkeypatch: pytest.MonkeyPatch, start: bytes) -> None:
    monkeypatch.setattr(network, "SECONDS_TO_ANSWER", 0.3)
    with dripping(b"", start) as server:
        url = f"http://127.0.0.1:{server.port}"
        assert "it takes longer than 0.3 s" in only(network.reached(url, Settings(), [SHOP])).fault
        assert server.left.wait(45)
        assert "it takes longer than 0.3 s" in only(network.shops_answer(replace(SHOP, origins=(url,)))).fault


def test_what_speaks_something_else_than_http_is_found(short_folder: Callable[[], Path]) -> None:
    server = RedisServer(binary_of("redis7"), short_folder(), free_port()).start()
    assert "not speak HTTP" in only(network.reached(f"http://127.0.0.1:{server.port}", Settings(), [SHOP])).fault
    server.stop()


@pytest.mark.parametrize("option", ["--url", "--page"])
def test_no_file_of_this_machine_is_an_address(checked: Checked, option: str) -> None:
    done = checked(described("https://shop.example"), "--offline", option, "file:///etc/passwd")
    assert done.exit_code == 2
    assert f"{option} takes an address" in done.stderr


def test_of_several_shops_that_one_is_looked_at_whose_page_it_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = described("https://shop.example")
    books = text.replace("sites.shop", "sites.books").replace("https://shop.example", "https://books.example")
    (tmp_path / "consent.toml").write_text(text + books, "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CONSENT_SECRET", SECRET)
    looked: list[str] = []
    monkeypatch.setattr(check_command, "look", lambda shop, page: looked.append(shop.id) or [])

    def run(*flags: str) -> tuple[int, str]:
        done = CliRunner().invoke(check_command.check, ["--offline", *flags])
        return done.exit_code, done.stderr

    run("--page", "https://books.example/a")
    run("--page", "https://SHOP.example/")
    run("--page", "https://books.example/a", "--site", "shop")
    assert looked == ["books", "shop", "shop"]
    for flags, said in (
        (["--page", "https://www.shop.example/"], "is that of no shop; say with --site which is meant: shop, books."),
        (["--site", "shpo"], "There is no site 'shpo'"),
        (["--page", "https://shop.example/", "--site", "shpo"], "There is no site 'shpo'"),
    ):
        code, wrong = run(*flags)
        assert (code, said in wrong) == (2, True), wrong
    assert len(looked) == 3
    (tmp_path / "consent.toml").write_text(text, "utf-8")
    run("--page", "https://staging.shop.example/")
    assert looked[3:] == ["shop"], "there is no other"
