"""What docs/operating.md says of services, done: the systemd unit, the container's command, a reload."""

from __future__ import annotations

import configparser
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from http.client import RemoteDisconnected
from pathlib import Path

import pytest
from beside import described, running, up
from conftest import ROOT, SECRET, free_port
from examples import example

from consent_server.cli.serving.workers import SECONDS_TO_RELOAD, SECONDS_TO_STOP

__all__ = ["running"]

Running = Callable[..., "subprocess.Popen[bytes]"]
BIN = Path(sys.executable).parent
PLAIN = {k: v for k, v in os.environ.items() if not k.startswith(("CONSENT_", "REDIS_", "PORT", "HOST"))}


def unit() -> configparser.SectionProxy:
    """Return the section of the unit that says how the service runs; ``Environment`` is a list of lines."""
    text = (ROOT / "docs" / "consent-server.service").read_text()
    environment = "\n ".join(re.findall(r"^Environment=(.*)$", text, re.MULTILINE))
    parser = configparser.ConfigParser(interpolation=None, strict=True)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(re.sub(r"^Environment=.*\n", "", text, flags=re.MULTILINE))
    parser["Service"]["Environment"] = environment
    return parser["Service"]


def test_the_systemd_unit_is_one(tmp_path: Path) -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd is not installed")
    text = (ROOT / "docs" / "consent-server.service").read_text()
    path = tmp_path / "consent-server.service"
    path.write_text(text.replace("/opt/consent-server/current/bin", str(BIN)).replace("User=consent", "User=root"))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", path], capture_output=True, text=True)
    said = [line for line in (done.stdout + done.stderr).splitlines() if "consent-server.service" in line]
    assert done.returncode == 0, said
    assert not said


def test_systemd_starts_it_again_as_often_as_it_takes() -> None:
    assert unit()["Restart"] == "on-failure"
    assert int(unit()["RestartSec"]) * 5 > 10, "after five starts within ten seconds it gives up"


def test_systemd_kills_nothing_while_a_reload_is_finished_and_the_end_is_in_order() -> None:
    (workers,) = re.findall(r"WEB_CONCURRENCY=(\d+)", unit()["Environment"])
    assert int(unit()["TimeoutStopSec"]) > int(workers) * (SECONDS_TO_RELOAD + SECONDS_TO_STOP) + SECONDS_TO_STOP + 30


def test_the_systemd_unit_runs_and_reloads_without_losing_a_request(
    running: Running, short_folder: Callable[[], Path]
) -> None:
    service = unit()
    folder = short_folder()
    port = free_port()
    config = described(folder, "https://shop.example")
    (folder / "secret").write_text(SECRET)
    (folder / "secret").chmod(0o600)
    here = {"%d": str(folder), "/etc/consent-server": str(folder), "/var/lib/consent-server": str(folder)}

    def placed(text: str) -> str:
        for there, path in here.items():
            text = text.replace(there, path)
        return text

    environment = dict(line.split("=", 1) for line in placed(service["Environment"]).split())
    process = running(
        *service["ExecStart"].replace("/opt/consent-server/current/bin", str(BIN)).split(),
        cwd=placed(service["WorkingDirectory"]),
        env={**PLAIN, **environment, "PORT": str(port)},
    )
    url = f"http://127.0.0.1:{port}"
    up(f"{url}/readyz")

    def asked() -> str:
        with urllib.request.urlopen(f"{url}/v1/shop/notice", timeout=45) as answer:
            return str(json.load(answer)["name"])

    def name() -> str:
        """Ask as a proxy does: once more where the connection ended before an answer began (RFC 9112, 9.3.1)."""
        try:
            return asked()
        except RemoteDisconnected:
            return asked()

    assert name() == "Shop"
    failed: list[OSError] = []
    done = threading.Event()

    def keep_asking() -> None:
        while not done.is_set():
            try:
                name()
            except OSError as error:
                failed.append(error)
            time.sleep(0.01)

    asking = threading.Thread(target=keep_asking)
    asking.start()
    config.write_text(config.read_text("utf-8").replace('name = "Shop"', 'name = "Shop renewed"'), "utf-8")
    assert service["ExecReload"] == "/bin/kill -HUP $MAINPID"
    process.send_signal(signal.SIGHUP)
    until = time.monotonic() + 60
    try:
        while {name() for _ in range(20)} != {"Shop renewed"}:
            assert time.monotonic() < until, "consent.toml was not read again by every worker"
            time.sleep(0.1)
    finally:
        done.set()
        asking.join()
    assert failed == []

    sound = config.read_text("utf-8")
    config.write_text(sound.replace("policy_url", "polcy_url"), "utf-8")
    process.send_signal(signal.SIGHUP)
    said = until_warned(url, True)
    assert re.match(r"Running on the configuration of \d\d:\d\d, as .*consent.toml", said), said
    assert name() == "Shop renewed"
    config.write_text(sound, "utf-8")
    process.send_signal(signal.SIGHUP)
    until_warned(url, False)


def test_a_command_beside_the_service_has_what_the_service_has(short_folder: Callable[[], Path]) -> None:
    folder = short_folder()
    described(folder, "https://shop.example")
    (folder / "consent-secret").write_text(SECRET)
    (folder / "consent-secret").chmod(0o600)
    typed = example("commands beside the unit")
    given = dict(re.findall(r"(CONSENT_\w+)=(\S+)", typed))
    served = dict(line.split("=", 1) for line in unit()["Environment"].split())
    assert {**served, "CONSENT_SECRET_FILE": given["CONSENT_SECRET_FILE"]} == {"WEB_CONCURRENCY": "2", **given}
    for there, here in (
        ("sudo -u consent ", ""),
        ("/opt/consent-server/current/bin", BIN),
        ("/etc/consent-server", folder),
        ("/var/lib/consent-server", folder),
    ):
        assert there in typed
        typed = typed.replace(there, str(here))
    done = subprocess.run(
        ["bash", "-ec", f"{typed}\nconsent-server check --offline\nconsent-server keys"],
        cwd=folder,
        env=PLAIN,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"kty": "OKP"' in done.stdout


@pytest.mark.parametrize(
    ("status", "mailed"),
    [
        (0, []),
        (1, ["-s The shop leaks privacy@shop.example", "said"]),
        (2, ["-s The shop could not be audited operator@shop.example", "said"]),
    ],
)
def test_the_nightly_audit_mails_its_report_and_tells_a_leak_from_an_audit_that_failed(
    tmp_path: Path, status: int, mailed: list[str]
) -> None:
    for name, does in (("consent-server", f"echo said; exit {status}"), ("mail", 'echo "$*"; cat')):
        (tmp_path / name).write_text(f"#!/bin/sh\n{does}\n")
        (tmp_path / name).chmod(0o755)
    script = tmp_path / "consent-audit"
    there = example("audit nightly")
    script.write_text(
        there.replace("/opt/consent-server/current/bin", str(tmp_path)).replace("/srv/shop", str(tmp_path))
    )
    script.chmod(0o755)
    assert example("audit crontab").split(maxsplit=5)[5].strip() == f"/usr/local/bin/{script.name}"
    done = subprocess.run([script], capture_output=True, text=True, env={"PATH": "/usr/bin:/bin"})
    assert done.stdout.splitlines() == mailed
    assert done.stderr == ""


def until_warned(url: str, is_warned: bool) -> str:
    """Wait until every worker says that it runs on an older configuration, or none does; return what it says."""
    until = time.monotonic() + 120
    while True:
        found = set()
        for _ in range(20):
            with urllib.request.urlopen(f"{url}/readyz", timeout=45) as answer:
                found.add(" ".join(json.load(answer)["warnings"]))
        if all(("configuration" in each) == is_warned for each in found):
            return found.pop()
        assert time.monotonic() < until, found
        time.sleep(0.2)


def test_the_containers_command_runs_with_its_environment(running: Running, short_folder: Callable[[], Path]) -> None:
    text = (ROOT / "docs" / "Containerfile").read_text()
    folder = short_folder()
    described(folder, "https://shop.example")
    (folder / "consent-secret").write_text(SECRET)
    here = {"/etc/consent": str(folder), "/run/secrets": str(folder), "/data": str(folder), "0.0.0.0": "127.0.0.1"}
    environment = dict(re.findall(r"^ENV (\w+)=(.*)$", text, re.MULTILINE))
    for there, path in here.items():
        environment = {key: value.replace(there, path) for key, value in environment.items()}
    environment["PORT"] = str(free_port())
    (command,) = re.findall(r"^CMD (.*)$", text, re.MULTILINE)
    (health,) = re.findall(r"^HEALTHCHECK CMD (.*)$", text, re.MULTILINE)
    env = {**PLAIN, **environment, "PATH": f"{BIN}:{os.environ['PATH']}"}

    def healthy() -> bool:
        return subprocess.run(json.loads(health), env=env, capture_output=True).returncode == 0

    assert not healthy()
    running(BIN / json.loads(command)[0], *json.loads(command)[1:], cwd=folder, env=env)
    up(f"http://127.0.0.1:{environment['PORT']}/readyz")
    assert healthy()
    assert (folder / "valkey" / "appendonlydir").is_dir()
