"""`consent-server check` finds what is wrong with webhooks, and posts a test event when it is told to."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import standardwebhooks
from click.testing import CliRunner
from conftest import SECRET, closing
from decided import SHOP, decide
from receiver import Receiver, status

from consent_server.check import events
from consent_server.cli.check import check
from consent_server.settings.environment import Settings, read_environment
from consent_server.settings.rows import SettingsError
from consent_server.site import Site
from consent_server.store import Store
from consent_server.store.embedded import Embedded
from consent_server.store.keys import buckets

SIGNS = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
CONFIG = """
[sites.shop]
name = "Shop"
origins = ["https://shop.example"]
policy_url = "/privacy"
policy_updated = 2025-12-20
webhook = "ADDRESS"
[[sites.shop.cookies.necessary]]
name = "consent"
provider = "Shop"
purpose = {en = "Your answer."}
life = {en = "9 months"}
"""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.stop()


@pytest.fixture
def shop(receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "consent.toml").write_text(CONFIG.replace("ADDRESS", receiver.url))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CONSENT_SECRET", SECRET)
    monkeypatch.setenv("CONSENT_WEBHOOK_SECRET", SIGNS)


def test_an_embedded_store_that_runs_is_looked_at_too(shop: None, short_folder, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    valkey = Embedded(short_folder() / "data")
    monkeypatch.setenv("CONSENT_DATA", str(valkey.folder))
    try:
        with closing(Store(valkey.start(), 5)) as store:
            store.feed.untold(SHOP, begins=True)
            decide(store, 7, now=time.time_ns() // 1_000_000 - 50_000)
            monkeypatch.setattr(events, "MS_TO_TELL", 30_000)
            done = CliRunner().invoke(check, ["--offline"])
            monkeypatch.delenv("CONSENT_DATA")
            named = CliRunner().invoke(check, ["--offline", "--data", str(valkey.folder)])
    finally:
        valkey.stop()
    assert done.exit_code == 1
    assert "was not told what was decided since" in done.stdout
    assert (named.exit_code, named.stdout) == (1, done.stdout)


@pytest.mark.usefixtures("shop")
def test_what_waits_for_the_hourly_command_of_another_server_is_no_fault(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", redis_url)
    with closing(Store(redis_url, 5)) as store:
        for bucket in buckets(SHOP):
            store.connection.client.hset(bucket.told, "position", "1-0")
        decide(store, 1, now=time.time_ns() // 1_000_000 - 61 * 60_000)
        done = CliRunner().invoke(check, ["--offline"])
        assert (done.exit_code, "Advice: shop: the webhook at 127.0.0.1 was not told" in done.stdout) == (0, True)
        monkeypatch.setattr(events, "HOURLY", range(60 * 60_000))
        assert CliRunner().invoke(check, ["--offline"]).exit_code == 1


@pytest.mark.usefixtures("shop")
def test_a_test_event_is_posted_and_what_happened_said_in_one_sentence(receiver: Receiver) -> None:
    done = CliRunner().invoke(check, ["--offline", "--webhook"])
    assert done.exit_code == 0, done.output
    assert "shop: the webhook at 127.0.0.1 took a test event.\n" in done.stdout
    (post,) = receiver.posts
    event = standardwebhooks.Webhook(SIGNS).verify(post.body, post.headers)
    assert event == {"kind": "test", "allow": [], "at": event["at"], "jti": None, "sub": None, "site": "shop"}
    receiver.answer = lambda post, connection: status(307, "Location: /elsewhere")
    done = CliRunner().invoke(check, ["--offline", "--webhook", "--site", "shop"])
    assert done.exit_code == 1
    assert (
        "Must be mended: shop: The webhook at 127.0.0.1 redirects to another address (307), which is not" in done.stdout
    )
    done = CliRunner().invoke(check, ["--offline", "--webhook", "--site", "shpo"])
    assert (done.exit_code, done.stderr) == (2, "Error: There is no site 'shpo'; consent.toml has shop.\n")


@pytest.mark.usefixtures("shop")
def test_a_chat_gets_a_line_that_it_can_show(
    receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "consent.toml"
    config.write_text(config.read_text().replace(f'webhook = "{receiver.url}"\n', ""))
    monkeypatch.delenv("CONSENT_WEBHOOK_SECRET")
    monkeypatch.setenv("CONSENT_WEBHOOK", receiver.url)
    done = CliRunner().invoke(check, ["--offline", "--webhook"])
    assert done.exit_code == 0, done.output
    (post,) = receiver.posts
    assert post.event["kind"] == "test"
    assert post.event["text"] == "shop: this is a test of the consent server's webhook."


@pytest.mark.usefixtures("shop")
def test_without_being_told_to_nothing_is_posted(receiver: Receiver) -> None:
    assert CliRunner().invoke(check, ["--offline"]).exit_code == 0
    assert receiver.seen == 0


@pytest.mark.usefixtures("shop")
def test_a_webhook_that_nothing_signs_for_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CONSENT_WEBHOOK_SECRET")
    done = CliRunner().invoke(check, ["--offline", "--webhook"])
    assert done.exit_code == 1
    assert "Must be mended: CONSENT_WEBHOOK_SECRET is not set, and the webhook of shop has to be signed" in done.stdout


def test_a_shop_without_one_is_told_how_to_have_one(site: Site) -> None:
    (finding,) = events.tried([site.id], {})
    assert not isinstance(finding, str)
    assert (finding.fault, finding.cure) == (
        "smartmarket has no webhook.",
        'set CONSENT_WEBHOOK, or `webhook = "https://…"` in [sites.smartmarket]',
    )


@pytest.mark.parametrize(
    ("webhook", "secrets", "fault"),
    [
        ("https://hooks.example/x", (), "is told alarms alone, as nothing signs what is posted."),
        ("http://hooks.example/x", (SIGNS,), "can be read by anybody on the way."),
        ("https://hooks.example/x", (f"shop={SIGNS}",), "has a secret of 'shop', which is no site"),
        ("http://localhost/x", (SIGNS,), ""),
        ("https://hooks.example/x", (SIGNS,), ""),
    ],
)
def test_what_is_configured_is_looked_at(site: Site, webhook: str, secrets: tuple[str, ...], fault: str) -> None:
    settings = Settings(webhook=webhook, webhook_secret=secrets)
    found = events.configured(settings, {site.id: site})[1]
    assert [finding for finding in found if fault not in finding.fault] == []
    assert bool(found) is bool(fault)


def test_decisions_that_wait_for_a_receiver_are_told(redis_url: str) -> None:
    settings = Settings(redis_url=redis_url, webhook="https://hooks.example/x", webhook_secret=(SIGNS,))
    hooks, _ = events.configured(settings, {"shop": SHOP})
    with closing(Store(redis_url, 5)) as store:
        decide(store, 7, now=(int(time.time()) - 1200) * 1000)
        assert [*events.waiting(settings, {"shop": SHOP}, hooks)] == []
        for bucket in buckets(SHOP):  # it was set long ago
            store.connection.client.hset(bucket.told, "position", "1-0")
        (finding,) = events.waiting(settings, {"shop": SHOP}, hooks)
    assert "shop: the webhook at hooks.example was not told what was decided since 20" in finding.fault


@pytest.mark.parametrize(
    "wrong",
    [
        "secret",
        "whsec_",
        "whsec_dG9vIHNob3J0",
        f"{SIGNS},x",
        f"Shop={SIGNS}",
        SIGNS.replace("whsec", "whpk"),
        "whsec_é",
    ],
)
def test_a_secret_that_is_none_is_refused_in_one_sentence_that_does_not_repeat_it(wrong: str, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(wrong)
    for environ in ({"CONSENT_WEBHOOK_SECRET": wrong}, {"CONSENT_WEBHOOK_SECRET_FILE": str(tmp_path / "secret")}):
        with pytest.raises(SettingsError, match=r"^CONSENT_WEBHOOK_SECRET takes secrets of 24 to 64 bytes") as caught:
            read_environment(environ)
        assert SIGNS not in str(caught.value)


def test_secrets_come_from_a_file_too(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(f"{SIGNS},\nother={SIGNS}\n")
    settings = read_environment({"CONSENT_WEBHOOK_SECRET_FILE": str(tmp_path / "secret")})
    assert settings.webhook_secret == (SIGNS, f"other={SIGNS}")
