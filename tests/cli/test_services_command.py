"""`consent-server services` lists the catalogue and shows what is in it."""

from __future__ import annotations

import json
import shlex

import pytest
from click.testing import CliRunner, Result
from examples import example

from consent_server.catalogue import services
from consent_server.cli import main


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["services", *arguments])


def test_every_service_has_a_line_that_begins_with_what_to_type() -> None:
    lines = run().stdout.splitlines()
    assert [line.split()[0] for line in lines] == [*services()]
    assert "analytics" in lines[[*services()].index("hotjar")]


@pytest.mark.parametrize("name", services())
def test_a_service_is_shown_whole(name: str) -> None:
    done = run(name)
    assert done.exit_code == 0
    assert f'services = ["{name}"]' in done.stdout
    each = services()[name]
    assert all(f"  {host}\n" in done.stdout for host in each.hosts)
    for text in (each.provider, each.country, *each.patterns, *each.sources, *(entry.name for entry in each.entries)):
        assert text in done.stdout


def test_the_documentations_commands_run() -> None:
    for line in example("services command").splitlines():
        assert run(*shlex.split(line)[2:]).exit_code == 0


def test_what_is_not_from_the_vendor_says_so() -> None:
    shown = {line.split()[1].rstrip(","): line for line in run("ga4").stdout.splitlines() if "  cookie" in line}
    assert shown["FPID"].endswith("(no page of the vendor says so)")
    assert "vendor says so" not in shown["_ga"]


def test_json_has_the_words_of_every_language() -> None:
    shown = json.loads(run("clarity", "--format", "json").stdout)
    assert shown["vendors"] == {"microsoft": {"clarity": True}}
    muid = next(entry for entry in shown["entries"] if entry["name"] == "MUID")
    assert muid["category"] == "marketing"
    assert {*muid["purpose"]} >= {"az", "en", "ru", "tr"}
    listed = json.loads(run("--format", "json").stdout)
    assert {row["id"]: row["category"] for row in listed}["clarity"] == "analytics"


@pytest.mark.parametrize(("name", "near"), [("ga-4", "'ga4'"), ("yandex", "'yandex-maps' or"), ("zzzz", "lists them")])
def test_an_unknown_name_leaves_with_2_and_names_near_ones(name: str, near: str) -> None:
    done = run(name)
    assert done.exit_code == 2
    assert near in done.stderr
    assert not done.stdout
