"""The commands: their help, their exit status, and what goes wrong said in one sentence."""

from __future__ import annotations

import json
import os
import re
import secrets
import socket
import stat
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import click
import pytest
import redis
from click.testing import CliRunner
from conftest import CONSENT_SERVER, ROOT, SECRET, Live, RedisServer
from flask.testing import FlaskClient

from consent_server.banner.scripts import build_scripts
from consent_server.cli import main
from consent_server.cli.terminal import errors_to_exit_2
from consent_server.decision import Decision
from consent_server.proof.erasure import erase
from consent_server.proof.keys import published
from consent_server.settings.shops import read_sites
from consent_server.store import Store
from consent_server.tokens import Keys


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


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run ``consent-server`` in an empty folder with nothing but these variables set."""
    plain = {k: v for k, v in os.environ.items() if not k.startswith(("CONSENT_", "REDIS_", "PORT"))}

    def call(*arguments: object, stdin: str = "", **environment: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [CONSENT_SERVER, *map(str, arguments)],
            cwd=tmp_path,
            env={**plain, **{name: str(value) for name, value in environment.items()}},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
        )

    return call


Run = Callable[..., subprocess.CompletedProcess[str]]


def assert_one_sentence(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """Assert that a command could not be done and said so in one line with these words, without a traceback."""
    assert done.returncode == 2, done
    assert done.stdout == ""
    said = [line for line in done.stderr.splitlines() if not re.match(r"Usage:|Try '|$", line)]
    assert len(said) == 1, done.stderr
    assert said[0].startswith("Error: ")
    for word in words:
        assert word in said[0]


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


# ---- What cannot be done ----


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A shop's consent.toml in the folder in which commands run."""
    path = tmp_path / "consent.toml"
    path.write_text(
        '[sites.shop]\nname = "Shop"\norigins = ["https://shop.example"]\n'
        'policy_url = "/privacy"\npolicy_updated = 2025-12-20\n',
        "utf-8",
    )
    return path


def test_a_port_in_use_is_told(run: Run, shop: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert_one_sentence(run("demo", "--port", port), f"Port {port}", "name another")
        assert_one_sentence(run("serve", PORT=port, CONSENT_SECRET=SECRET), f"Port {port}", "name another")


def test_a_data_folder_that_cannot_be_written_is_told(run: Run, shop: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    folder = tmp_path / "file" / "data"
    assert_one_sentence(run("demo", "--data", folder), str(folder), "cannot be written")
    assert_one_sentence(run("serve", CONSENT_SECRET=SECRET, CONSENT_DATA=folder), str(folder), "cannot be written")


def test_a_data_folder_in_use_is_told(run: Run, live: Live) -> None:
    assert_one_sentence(run("demo", "--data", live.folder / "data"), "Another process uses", "--data")


def test_a_missing_consent_toml_is_told(run: Run) -> None:
    assert_one_sentence(run("serve", CONSENT_SECRET=SECRET), "consent.toml", "consent-server init")
    assert_one_sentence(run("serve", CONSENT_SECRET=SECRET, CONSENT_CONFIG="other.toml"), "other.toml cannot be read")


def test_an_unknown_key_names_the_nearest_known_one(run: Run, shop: Path) -> None:
    shop.write_text(shop.read_text("utf-8").replace("policy_url", "polcy_url"), "utf-8")
    assert_one_sentence(run("serve", CONSENT_SECRET=SECRET), "sites.shop.polcy_url", "did you mean 'policy_url'?")


def test_a_file_that_is_not_toml_names_the_line(run: Run, shop: Path) -> None:
    shop.write_text(shop.read_text("utf-8") + "keep = six months\n", "utf-8")
    assert_one_sentence(run("serve", CONSENT_SECRET=SECRET), "is not TOML", "line 6")


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({}, ("CONSENT_SECRET is not set", "secrets.token_urlsafe")),
        ({"CONSENT_SECRET": "short"}, ("CONSENT_SECRET", "at least 32 characters")),
        ({"CONSENT_SECRET_FILE": "nowhere"}, ("CONSENT_SECRET_FILE names nowhere",)),
        ({"CONSENT_SECRET": SECRET, "PORT": "eighty"}, ("PORT is 'eighty'", "whole number")),
        ({"CONSENT_SECRET": SECRET, "REDIS_URL": "http://redis"}, ("REDIS_URL", "redis://")),
        ({"CONSENT_SECRET": SECRET, "CONSENT_PREFIX": "consent"}, ("CONSENT_PREFIX", "a path such as /consent")),
    ],
)
def test_a_wrong_setting_is_told(run: Run, shop: Path, environment: dict[str, str], words: tuple[str, ...]) -> None:
    assert_one_sentence(run("serve", **environment), *words)
    assert "short" not in run("serve", **environment).stderr, "a secret is not repeated"


@contextmanager
def posing_as(server: RedisServer, version: bytes) -> Iterator[int]:
    """Give a port behind which the server is reached, and on which it says that it is Redis of this version."""
    listener = socket.create_server(("127.0.0.1", 0))

    def pump(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while part := source.recv(1 << 16):
                target.sendall(re.sub(rb"redis_version:\d\.\d", b"redis_version:" + version, part))
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                behind = socket.socket(socket.AF_UNIX)
                behind.connect(str(server.folder / "redis.sock"))
                for pair in ((client, behind), (behind, client)):
                    threading.Thread(target=pump, args=pair, daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def test_a_redis_that_is_too_old_is_told(run: Run, shop: Path, redis7: RedisServer) -> None:
    with posing_as(redis7, b"6.2") as port:
        url = f"redis://127.0.0.1:{port}"
        assert_one_sentence(run("serve", CONSENT_SECRET=SECRET, REDIS_URL=url), "Redis 6.2", "7.0 or newer is needed")
        checked = run("check", "--offline", CONSENT_SECRET=SECRET, REDIS_URL=url)
        assert checked.returncode == 1
        assert "Redis 6.2" in checked.stdout


def test_a_store_of_a_newer_version_is_refused_and_left_alone(run: Run, shop: Path, redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        client.set("consent:layout", "99")
        done = run("serve", CONSENT_SECRET=SECRET, REDIS_URL=redis_url)
        assert_one_sentence(done, "layout 99", "run the version that wrote it, or a newer one")
        assert client.keys("*decisions*") == []
        assert client.get("consent:layout") == b"99"


@pytest.mark.parametrize(
    "command",
    [("log", "seal"), ("log", "archive", "shop", "--to", "."), ("erase", "shop", "A" * 22), ("rates", "shop")],
)
def test_a_command_neither_reads_nor_changes_the_store_of_a_newer_version(
    run: Run, shop: Path, redis_url: str, command: tuple[str, ...]
) -> None:
    with redis.Redis.from_url(redis_url) as client:
        client.set("consent:layout", "99")
        done = run(*command, CONSENT_SECRET=SECRET, REDIS_URL=redis_url)
        assert_one_sentence(done, "layout 99", "run the version that wrote it, or a newer one")
        assert client.keys("*") == [b"consent:layout"]


def test_a_store_of_the_layout_before_is_taken_over(client: FlaskClient, redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as store:
        store.set("consent:layout", "1")
        assert client.get("/readyz").status_code == 200
        assert store.get("consent:layout") == b"2", "the version before would not read what is written from now on"


def test_a_server_whose_store_a_newer_version_took_over_is_not_ready_and_says_why(
    client: FlaskClient, redis_url: str
) -> None:
    assert client.get("/readyz").status_code == 200
    with redis.Redis.from_url(redis_url) as store:
        assert store.get("consent:layout") is not None
        store.set("consent:layout", "99")
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.get_json()["type"] == "/problems/wrong-layout"
    assert "layout 99" in answer.get_json()["detail"]


def test_a_store_that_is_away_is_told_by_commands_that_read_it(run: Run, shop: Path) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound, and not listening
        url = f"redis://127.0.0.1:{nobody.getsockname()[1]}"
        assert_one_sentence(run("rates", "shop", REDIS_URL=url), "Connection refused", "correct REDIS_URL")
        assert_one_sentence(run("marketers", "list", REDIS_URL=url), "Connection refused", "correct REDIS_URL")


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


# ---- init ----

ANSWERS = "Şəkər Evi\nhttps://sheker.example, https://www.sheker.example\n/privacy\n2025-12-20\naz ru\n"


def test_init_asks_five_questions_and_serve_runs_what_it_wrote(
    run: Run, tmp_path: Path, run_live: Callable[..., Live]
) -> None:
    done = run("init", stdin=ANSWERS)
    assert done.returncode == 0, done.stderr
    assert len(re.findall(r": ", done.stderr)) == 5, done.stderr
    assert stat.S_IMODE((tmp_path / "consent-secret").stat().st_mode) == 0o600
    checked = run("check", "--offline", CONSENT_SECRET_FILE=tmp_path / "consent-secret")
    assert checked.returncode == 0, checked.stdout
    live = run_live(
        "serve", CONSENT_CONFIG=str(tmp_path / "consent.toml"), CONSENT_SECRET_FILE=str(tmp_path / "consent-secret")
    )
    assert live.get("/v1/seker-evi/notice?lang=ru")["name"] == "Şəkər Evi"


def test_init_takes_flags_and_overwrites_nothing(run: Run, tmp_path: Path) -> None:
    flags = ["--name", "Shop", "--origin", "https://shop.example", "--policy-url", "/privacy"]
    flags += ["--policy-updated", "2025-12-20", "--languages", "en,tr"]
    assert run("init", *flags).returncode == 0
    written = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert {*written} == {"consent.toml", "consent-secret"}
    assert_one_sentence(run("init", *flags), "consent.toml exists and is left as it is")
    (tmp_path / "consent.toml").unlink()
    assert_one_sentence(run("init", *flags), "consent-secret exists and is left as it is")
    assert (tmp_path / "consent-secret").read_bytes() == written["consent-secret"]


@pytest.mark.parametrize(
    ("flag", "value", "words"),
    [
        ("--origin", "https://shop.example/path", "exact origins"),
        ("--policy-updated", "yesterday", "takes a date"),
        ("--languages", "az,xx", "languages takes some of ar, az, bg, "),
    ],
)
def test_init_refuses_a_wrong_answer_and_writes_nothing(
    run: Run, tmp_path: Path, flag: str, value: str, words: str
) -> None:
    done = run("init", "--name", "Shop", flag, value, stdin=ANSWERS)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert [*tmp_path.iterdir()] == []


def test_init_in_a_folder_that_cannot_be_written_is_told(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").touch()  # no folder can be made below it, by root either
    done = run("init", "--folder", tmp_path / "file" / "none", stdin=ANSWERS)
    assert done.returncode == 2
    assert "cannot be written" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
