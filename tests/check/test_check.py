"""`consent-server check` finds each planted fault and says what to type; of a sound deployment it says nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import redis
from checked import SHOP, Checked, checked, only, states
from click.testing import CliRunner
from conftest import SECRET, Live, RedisServer, binary_of, free_port
from dripping import dripping

from consent_server.check import network
from consent_server.cli import check as check_command
from consent_server.settings.environment import Settings

__all__ = ["checked", "states"]


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
