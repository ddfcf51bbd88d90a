"""The commands of docs/proof.md, on a log with decisions in it."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from authority import running
from beside import described
from conftest import SECRET, Live, closing
from cosigners import ONE
from examples import example
from test_tokens_examples import ORIGIN, token

from consent_server.proof.seals import checkpoint
from consent_server.settings.shops import read_sites
from consent_server.store import Store
from consent_server.tokens import Keys, Verifier
from consent_server.tokens import token as signed
from consent_server.verify import Tree

assert ORIGIN

Shell = Callable[[str], "subprocess.CompletedProcess[str]"]


@pytest.fixture
def shell(run_live: Callable[..., Live], redis_url: str, tmp_path: Path) -> Shell:
    """Run an example where the server's commands work, after some decisions; ``$NOTICE`` and ``$SUBJECT`` are set."""
    config = described(tmp_path, ORIGIN)
    environment = {"CONSENT_SECRET": SECRET, "CONSENT_CONFIG": str(config), "REDIS_URL": redis_url}
    live = run_live("serve", **environment)
    yes = Verifier(live.get("/v1/keys.json"), "shop").verify(token(live, "analytics"))
    token(live)
    assert yes.sub

    def run(name: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", "-e", "-c", example(name)],
            cwd=tmp_path,
            env={
                **os.environ,
                **environment,
                "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                "CONSENT": live.url,
                "NOTICE": yes.notice,
                "SUBJECT": str(yes.sub),
            },
            capture_output=True,
            text=True,
        )

    return run


def test_an_auditor_exports_and_verifies(shell: Shell) -> None:
    done = shell("export log")
    assert done.returncode == 0, done.stderr
    assert "2 entries" in done.stdout


def test_an_auditor_compares_two_exports(shell: Shell) -> None:
    assert shell("export log").returncode == 0
    done = shell("compare exports")
    assert done.returncode == 0, done.stderr
    assert "2 entries" in done.stdout
    assert "Trusted: " in done.stdout


def test_an_auditor_checks_time_stamps(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(tmp_path / "authority") as authority:
        monkeypatch.setenv("CONSENT_TSA", authority.url)
        (tmp_path / "tsa.pem").write_bytes(authority.root.read_bytes())
        assert shell("export log").returncode == 0
        done = shell("time-stamps")
    assert done.returncode == 0, done.stderr
    assert "0 of 0 seals were time-stamped by the authority." in done.stdout


def test_a_witness_s_cosignature_is_kept_and_checked(
    shell: Shell, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WITNESS", ONE.key)
    assert shell("export log").returncode == 0
    shop = read_sites(tmp_path / "consent.toml")["shop"]
    yesterday, keys = datetime.now(UTC).date() - timedelta(1), Keys([SECRET])
    counts = hashlib.sha256(b"{}").hexdigest()
    said = {"typ": "seal", "site": "shop", "day": str(yesterday), "entries": 0, "root": Tree().root(), "prev": ""}
    seal = {**said, "counts": counts, "at": 0, "kid": keys.jwks()["keys"][0]["kid"]}
    with closing(Store(redis_url, 5)) as store:
        store.log.keep_seal(shop, yesterday, signed(seal, keys.sign(seal)))
        note = checkpoint(shop, keys, store.log.seals(shop))
    (tmp_path / "cosigned.txt").write_text(ONE.cosign(note))
    done = shell("cosign")
    assert done.returncode == 0, done.stderr
    assert "witness.example/one cosigned the first 1 seals of " in done.stdout


def test_a_backup_that_was_put_back_is_recorded(shell: Shell) -> None:
    assert shell("export log").returncode == 0
    done = shell("restored")
    assert done.returncode == 0, done.stderr
    assert "shop: recorded that a backup was put back at" in done.stdout
    assert "shop: 0 entries that are erased in log.jsonl.gz were whole in the backup" in done.stdout


def test_anyone_gets_the_seals(shell: Shell) -> None:
    done = shell("seals")
    assert done.returncode == 0, done.stderr
    chain, _, checkpoint = done.stdout.partition("}")
    assert json.loads(f"{chain}}}") == {"site": "shop", "seals": []}
    assert "/consent/shop\n0\n" in checkpoint


def test_a_notice_is_shown_as_it_was(shell: Shell, tmp_path: Path) -> None:
    done = shell("notice")
    assert done.returncode == 0, done.stderr
    assert "<html" in (tmp_path / "banner.html").read_text("utf-8")


def test_a_shopper_who_wrote_an_email_is_answered_and_erased(shell: Shell, tmp_path: Path) -> None:
    done = shell("rights")
    assert done.returncode == 0, done.stderr
    assert len(json.loads((tmp_path / "held.json").read_text())["history"]) == 1
    assert shell("rights").returncode == 2, "nothing is held any more"
    assert "2 entries" in shell("export log").stdout, "the erased entry still counts, and the export verifies"


def test_no_day_is_archived_before_its_time(shell: Shell) -> None:
    done = shell("archive")
    assert done.returncode == 0, done.stderr
    assert "No day is old enough." in done.stdout
