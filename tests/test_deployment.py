"""The files that operators take along: compose, nginx, alert rules and a dashboard name only what there is."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
import yaml
from beside import certificate, nginx
from conftest import ROOT, Shopper, free_port
from examples import example
from flask.testing import FlaskClient
from test_operating import unit

from consent_server.settings.environment import ENVIRONMENT
from consent_server.store.connection.server import ask
from consent_server.web.accounts import LONGEST_BODY
from consent_server.web.problems import STATUS
from consent_server.web.reports import LONGEST

DOCS = ROOT / "docs"
COMPOSE = yaml.safe_load((DOCS / "compose.yaml").read_text("utf-8"))
RULES = [
    rule for group in yaml.safe_load((DOCS / "alerts.yml").read_text("utf-8"))["groups"] for rule in group["rules"]
]
DASHBOARD = json.loads((DOCS / "dashboard.json").read_text("utf-8"))
KNOWN = {spelling for row in ENVIRONMENT for spelling in (row.name, f"{row.name}_FILE")}


def test_each_variable_that_they_set_exists() -> None:
    container = (DOCS / "Containerfile").read_text("utf-8")
    named = {
        *COMPOSE["services"]["consent"]["environment"],
        *re.findall(r"^ENV (\w+)=", container, re.MULTILINE),
        *re.findall(r"^(\w+)=", unit()["Environment"], re.MULTILINE),
    }
    assert named - KNOWN == set()
    # What the image reads is put where it reads it.
    places = dict(re.findall(r"^ENV (\w+)=(.*)$", container, re.MULTILINE))
    consent = COMPOSE["services"]["consent"]
    assert f"/run/secrets/{consent['secrets'][0]}" == places["CONSENT_SECRET_FILE"]
    assert consent["volumes"][0].split(":")[1] == str(Path(places["CONSENT_CONFIG"]).parent)
    assert f"-v ./consent:{Path(places['CONSENT_CONFIG']).parent}:ro" in container
    assert COMPOSE["secrets"][consent["secrets"][0]] == {"environment": "CONSENT_SECRET"}


def test_what_compose_mounts_and_builds_is_in_the_folder_or_said() -> None:
    head = (DOCS / "compose.yaml").read_text("utf-8").partition("services:")[0]
    for service in COMPOSE["services"].values():
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            name = source.removeprefix("./")
            assert source in COMPOSE["volumes"] or (DOCS / name).exists() or name in head, volume
        for name in service.get("depends_on", ()):
            assert name in COMPOSE["services"]
    build = COMPOSE["services"]["consent"]["build"]
    context = DOCS / build["context"]
    assert (context / build["dockerfile"]).exists()
    copied = re.findall(r"^COPY ([^-].*) /src/", (context / build["dockerfile"]).read_text("utf-8"), re.MULTILINE)
    assert copied
    assert all((context / name).exists() for name in " ".join(copied).split())


def test_compose_reloads_in_the_container_as_docker_counts_its_own_signals_as_a_stop() -> None:
    head = (DOCS / "compose.yaml").read_text("utf-8").partition("services:")[0]
    assert "docker compose exec consent sh -c 'kill -HUP 1'" in head
    assert COMPOSE["services"]["consent"]["restart"] == "unless-stopped"
    assert not COMPOSE["services"]["consent"].get("init"), "then it is not process 1"
    assert COMPOSE["services"]["nginx"]["depends_on"]["consent"]["restart"], "nginx asks once where it is"


def test_the_redis_of_compose_loses_nothing(short_folder: Callable[[], Path]) -> None:
    folder, port = short_folder(), free_port()
    shell, flags, script = COMPOSE["services"]["redis"]["command"]
    script = script.replace("valkey-", "redis-").replace("/data", str(folder)) + f" --port {port} --bind 127.0.0.1"
    script = script.replace("\n --port", " --port")
    for start in range(2):  # the second time there is a file to mend first
        with subprocess.Popen([shell, flags, script], stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
            try:
                with redis.Redis(port=port, retry=redis.retry.Retry(redis.backoff.ConstantBackoff(0.1), 450)) as client:
                    assert client.get("kept") == (b"1" if start else None)
                    client.set("kept", 1)
                    server = ask(client)
            finally:
                process.send_signal(signal.SIGTERM)
                process.communicate()
        assert server.append_only
        assert server.fsync == "always"
        assert not server.cuts
        assert [*server.faults()] == []
        assert server.eviction == "noeviction"


def test_no_file_is_mounted_alone_that_is_read_again_while_it_runs() -> None:
    """An editor writes another file of the name, and the mount keeps the old one."""
    mounted = [volume for service in COMPOSE["services"].values() for volume in service.get("volumes", ())]
    alone = {volume.split(":")[0] for volume in mounted if Path(volume.split(":")[1]).suffix}
    assert alone == {"./nginx.conf"}, "nginx is started anew for its own"


def test_nginx_takes_its_file_and_passes_on_what_the_page_says(tmp_path: Path) -> None:
    text = (DOCS / "nginx.conf").read_text("utf-8")
    assert re.sub(r"\s+", " ", example("nginx")).replace("127.0.0.1", "consent") in re.sub(r"\s+", " ", text)
    assert {"shop.example", COMPOSE["services"]["consent"]["environment"]["CONSENT_MARKETERS"]} == {
        *re.findall(r"server_name (\S+);", text)
    }
    (passed,) = {int(size) * 1024 for size in re.findall(r"client_max_body_size (\d+)k;", text)}
    assert passed >= max(LONGEST, LONGEST_BODY), "what the server takes comes as far as to it"
    certificates = certificate(tmp_path)
    text = text.replace("/etc/nginx/tls/tls.crt", str(certificates[0])).replace(
        "/etc/nginx/tls/tls.key", str(certificates[1])
    )
    text = text.replace("consent:8000", "127.0.0.1:8000").replace("443", str(free_port()))
    done = subprocess.run([*nginx(tmp_path, text), "-t"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "warn" not in done.stderr


@pytest.fixture
def measured(client: FlaskClient, shopper: Shopper) -> tuple[set[str], dict[str, set[str]]]:
    """The metrics of a server that has answered, and the labels of each."""
    shopper.decide("analytics")
    names, labels = set(), {}
    for line in client.get("/metrics").text.splitlines():
        if found := re.match(r"# TYPE (\w+)", line):
            names.add(found[1])
        elif found := re.match(r"(\w+)(?:\{(.*)\})? ", line):
            names.add(found[1])
            labels.setdefault(found[1], set()).update(re.findall(r"(\w+)=", found[2] or ""))
    labels["consent_alarm"] = {"site", "kind", "rate"}  # there is none yet
    return names, labels


def expressions() -> Iterator[tuple[str, str]]:
    """Yield each expression of the rules and of the dashboard, with what it belongs to."""
    for rule in RULES:
        yield rule["alert"], rule["expr"]
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"]
    for variable in DASHBOARD["templating"]["list"]:
        if isinstance(variable["query"], dict):
            yield variable["name"], variable["query"]["query"]


def test_each_metric_label_and_outcome_of_rules_and_dashboard_exists(
    measured: tuple[set[str], dict[str, set[str]]],
) -> None:
    names, labels = measured
    outcomes = {"kept", "late", "repeat", "internal-error", *STATUS}
    seen = 0
    for where, expression in expressions():
        used = {*re.findall(r"consent_\w+", expression)}
        assert used or "up{" in expression, where
        assert used <= names, where
        seen += len(used)
        for metric, selected in re.findall(r"(consent_\w+)\{([^}]*)\}", expression):
            assert {*re.findall(r"(\w+)(?:=|!)", selected)} <= labels[metric], where
            for named in re.findall(r'outcome[=~!]+"([^"]*)"', selected):
                assert {*named.split("|")} <= outcomes, where
        for grouped in re.findall(r"by \(([^)]*)\)", expression):
            assert {*grouped.split(", ")} <= set.union(*(labels[metric] for metric in used)), where
    assert seen > 15


def test_each_rule_says_what_has_happened_with_labels_that_it_has(
    measured: tuple[set[str], dict[str, set[str]]],
) -> None:
    for rule in RULES:
        summary = rule["annotations"]["summary"]
        assert summary.endswith((".", "?"))
        grouped = re.search(r"by \(([^)]*)\)", rule["expr"])
        has = {*grouped[1].split(", ")} if grouped else measured[1]["consent_alarm"]
        assert {*re.findall(r"\$labels\.(\w+)", summary)} <= has, rule["alert"]


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool, of Debian's package prometheus, is not installed")
def test_promtool_takes_the_rules() -> None:
    done = subprocess.run(["promtool", "check", "rules", DOCS / "alerts.yml"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(not shutil.which("docker"), reason="docker is not installed")
def test_compose_takes_its_file() -> None:
    if subprocess.run(["docker", "compose", "version"], capture_output=True).returncode:
        pytest.skip("docker has no compose here")
    done = subprocess.run(
        ["docker", "compose", "--file", DOCS / "compose.yaml", "config", "--quiet"],
        env={**os.environ, "CONSENT_SECRET": "x" * 32},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
