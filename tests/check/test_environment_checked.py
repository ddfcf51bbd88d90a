"""What is wrong with secrets, settings and Redis is found, with what to type against it."""

from __future__ import annotations

import os
import stat
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from checked import only
from conftest import SECRET

from consent_server.check import faults
from consent_server.check.store import servers
from consent_server.settings.environment import Settings
from consent_server.store.connection import Server

NOW = 1_772_452_800.0
SOUND = Server("valkey", (9, 1, 2), True, "always", True, "noeviction", NOW)


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
