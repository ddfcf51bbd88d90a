"""The commands: their help, their exit status, and what goes wrong said in one sentence."""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from conftest import CONSENT_SERVER, ROOT, SECRET, Live
from one_sentence import Run, assert_one_sentence, run, shop

from consent_server.banner.scripts import build_scripts
from consent_server.cli import main
from consent_server.cli.terminal import errors_to_exit_2
from consent_server.decision import Decision
from consent_server.proof.erasure import erase
from consent_server.proof.keys import published
from consent_server.settings.shops import read_sites
from consent_server.store import Store
from consent_server.tokens import Keys

__all__ = ["run", "shop"]


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield every command and group with the words that call it."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


COMMANDS = dict(commands(main))


def test_a_disk_that_is_full_is_said_in_one_sentence() -> None:
    for command in (["services"], ["services", "ga4"]):
        with open("/dev/full", "w") as full:
            done = subprocess.run([CONSENT_SERVER, *command], stdout=full, stderr=subprocess.PIPE, text=True)
        assert done.returncode == 2
        assert done.stderr == "Error: It could not be done to the end (No space left on device).\n"


# ---- Help ----


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_says_in_its_first_sentence_what_it_does(path: tuple[str, ...]) -> None:
    command = COMMANDS[path]
    first = (command.help or "").split("\n\n")[0]
    assert first, "no help"
    assert first[0].isupper()
    assert first.endswith("."), first
    for param in command.params:
        if isinstance(param, click.Option) and param.name not in ("help", "version", "form"):
            assert param.help, f"--{param.name} says nothing"


def test_help_starts_with_what_one_most_probably_wants(run: Run) -> None:
    done = run("--help")
    assert done.returncode == 0
    assert "Try it: consent-server demo." in done.stdout
    for name in main.list_commands(click.Context(main)):
        assert re.search(rf"^  {name} ", done.stdout, re.MULTILINE)
    assert run("-h").stdout == done.stdout


def test_the_version_is_that_of_the_package(run: Run) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert run("--version").stdout.split()[-1] == project["version"]
    as_module = subprocess.run([sys.executable, "-m", "consent_server", "--version"], check=True, capture_output=True)
    assert as_module.stdout.split()[-1].decode() == project["version"]


@pytest.mark.parametrize("arguments", [["serv"], ["serve", "--porrt", "1"], ["demo", "--port", "no"], ["rates"]])
def test_a_mistyped_command_leaves_with_2(run: Run, arguments: list[str]) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_a_site_that_is_unknown_is_told_with_those_there_are(run: Run, shop: Path, redis_url: str) -> None:
    assert_one_sentence(run("rates", "shpo", REDIS_URL=redis_url), "'shpo'", "shop")


def test_a_folder_without_data_is_told(run: Run, shop: Path, tmp_path: Path) -> None:
    assert_one_sentence(run("rates", "shop", "--data", tmp_path / "none"), "no data")


# ---- Exit statuses of what was done ----


def test_marketers_are_added_listed_and_removed(run: Run, shop: Path, redis_url: str) -> None:
    password = secrets.token_urlsafe(12)
    added = run("marketers", "add", "leyla", "shop", "--password-stdin", stdin=password, REDIS_URL=redis_url)
    assert (added.returncode, added.stdout) == (0, "leyla may read the rates of shop.\n")
    assert run("marketers", "list", REDIS_URL=redis_url).stdout == "leyla\tshop\n"
    assert run("marketers", "remove", "leyla", REDIS_URL=redis_url).returncode == 0
    assert_one_sentence(run("marketers", "remove", "leyla", REDIS_URL=redis_url), "no marketer 'leyla'")
    short = run("marketers", "add", "leyla", "shop", "--password-stdin", stdin="short", REDIS_URL=redis_url)
    assert_one_sentence(short, "at least 10 characters")
    for name, given in (("leyla", "x" * 1001), ("l" * 201, password), (" ", password)):
        long = run("marketers", "add", name, "shop", "--password-stdin", stdin=given, REDIS_URL=redis_url)
        assert_one_sentence(long, "at most 1000 characters, and a name 1 to 200")


def test_a_password_that_nobody_types_is_told_with_how_else_to_give_it() -> None:
    done = CliRunner().invoke(main, ["marketers", "add", "leyla", "shop"])
    assert done.exit_code == 2
    assert "Nobody was let in, for no password was typed; give it with --password-stdin." in done.stderr


@pytest.mark.parametrize("reason", [click.Abort, KeyboardInterrupt])
def test_what_is_interrupted_was_not_done_and_has_found_nothing_wrong(reason: type[BaseException]) -> None:
    @click.command()
    @errors_to_exit_2
    def interrupted() -> None:
        raise reason

    done = CliRunner().invoke(interrupted)
    assert (done.exit_code, done.stderr) == (2, "Error: Interrupted; it is not done.\n")


def test_the_keys_of_a_folder_are_those_of_the_secret_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CONSENT_SECRET", raising=False)
    (tmp_path / "secret").write_text(SECRET)
    done = CliRunner().invoke(main, ["keys", "--data", str(tmp_path)])
    assert json.loads(done.stdout) == published(Keys([SECRET]))


@pytest.mark.parametrize("command", ["export", "erase"])
def test_of_a_shopper_of_whom_nothing_is_held_nothing_can_be_done(
    run: Run, shop: Path, redis_url: str, command: str
) -> None:
    nobody = run(command, "shop", "x" * 22, REDIS_URL=redis_url, CONSENT_SECRET=SECRET)
    assert_one_sentence(nobody, "Nothing is held at shop")


@pytest.mark.parametrize("words", [("export", "shop"), ("erase", "shop"), ("log", "notice"), ("keys", "vouch")])
@pytest.mark.parametrize("name", ["-h" + "x" * 20, "-" * 43, "-help-me-11"])
def test_an_identifier_may_begin_with_a_dash(
    run: Run, shop: Path, redis_url: str, words: tuple[str, ...], name: str
) -> None:
    nobody = run(*words, name, REDIS_URL=redis_url, CONSENT_SECRET=SECRET)
    assert_one_sentence(nobody, name)


@pytest.mark.parametrize("words", [("rates", "shop"), ("log", "export", "shop", "--out", "x.jsonl")])
def test_a_day_is_written_in_one_way(run: Run, shop: Path, redis_url: str, words: tuple[str, ...]) -> None:
    for wrong in ("20261101", "2026-W44-1", "yesterday"):
        done = run(*words, "--from", wrong, REDIS_URL=redis_url, CONSENT_SECRET=SECRET)
        assert_one_sentence(done, "must be a day of this century such as 2026-01-31", wrong)


def test_all_sites_are_sealed_where_none_is_named(run: Run, shop: Path, redis_url: str) -> None:
    sealed = run("log", "seal", REDIS_URL=redis_url, CONSENT_SECRET=SECRET)
    assert (sealed.returncode, sealed.stdout) == (0, "shop: 0 days sealed\n")


def test_what_was_erased_leaves_with_log_seal_where_no_server_of_ours_runs(
    run: Run, shop: Path, redis_url: str
) -> None:
    site = read_sites(shop)["shop"]
    with closing(Store(redis_url, 5)) as store:
        notice = build_scripts(site).notices[site.languages[0]][0]
        store.notices.serve(site, [notice])
        decision, keys = Decision("a" * 22, 2, notice, "save", None), Keys((SECRET,))
        kept = store.decisions.record(site, decision, now=int(time.time() * 1000), sign=keys.sign)
        assert erase(store, site, keys, kept.consent.sub, int(time.time()))
        assert store.log.is_rewrite_due(site)
        assert run("log", "seal", REDIS_URL=redis_url, CONSENT_SECRET=SECRET).returncode == 0
        assert not store.log.is_rewrite_due(site)


def test_results_go_to_standard_output_and_end_quietly_when_nobody_reads_on(
    run: Run, shop: Path, redis_url: str
) -> None:
    done = subprocess.run(
        f"{CONSENT_SERVER} rates shop --format csv --from 2025-01-01 --to 2026-06-30 | head -1",
        shell=True,
        cwd=shop.parent,
        env={**os.environ, "REDIS_URL": redis_url},
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""
    assert done.stdout.count("\n") == 1


# ---- The demo ----


def test_the_demo_chooses_its_own_settings_whatever_the_environment_says(
    run_live: Callable[..., Live], tmp_path: Path
) -> None:
    secret = tmp_path / "consent-secret"
    secret.write_text(SECRET)
    live = run_live(
        "demo", CONSENT_SECRET_FILE=str(secret), CONSENT_CONFIG="none.toml", REDIS_URL="unix:///none", HOST="none"
    )
    assert live.get("/v1/smartmarket/notice?lang=az")["name"] == "SmartMarket"
    assert (live.folder / "data" / "secret").read_text() != SECRET
