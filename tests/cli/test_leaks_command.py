"""``consent-server leaks``: what was reported from the field, for people and for machines."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from conftest import ROOT, closing

from consent_server.cli import main
from consent_server.settings.shops import read_sites
from consent_server.store import Store

TODAY = datetime.now(UTC).date()


@pytest.fixture
def run(redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run the command on twenty sightings of ``_xyz``, in a folder with this consent.toml."""
    with closing(Store(redis_url, 5)) as store:
        site = read_sites(ROOT / "consent.toml")["smartmarket"]
        for _ in range(20):
            store.leaks.add(site, TODAY, [("refused", "cookie", "_xyz"), ("before", "cookie", "_xyz")])
        store.leaks.add(site, TODAY, [("refused", "cookie", "ext-once")])
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("CONSENT_CONFIG", str(tmp_path / "consent.toml"))

    def call(*arguments: str, watch: str = "1%") -> Result:
        text = (ROOT / "consent.toml").read_text("utf-8")
        text = text.replace("[sites.smartmarket]", f'[sites.smartmarket]\nwatch = "{watch}"', 1)
        (tmp_path / "consent.toml").write_text(text, "utf-8")
        return CliRunner().invoke(main, ["leaks", *arguments])

    return call


def test_it_says_what_leaks_since_when_where_and_how_often(run: Callable[..., Result]) -> None:
    said = run("smartmarket")
    assert said.exit_code == 0
    assert said.stdout == f"`_xyz` (cookie) since {TODAY.day} {TODAY:%B}, on refusals too, about 40 a day\n"
    assert said.stderr == ""


def test_it_says_so_to_machines(run: Callable[..., Result]) -> None:
    said = json.loads(run("smartmarket", "--format", "json").stdout)
    (leak,) = said.pop("leaks")
    assert said == {"site": "smartmarket", "watch": 0.01}
    assert (leak["name"], leak["seen"], leak["states"]) == ("_xyz", 40, ["before", "refused"])


def test_it_says_what_to_type_where_nobody_watches(run: Callable[..., Result]) -> None:
    said = run("smartmarket", watch="0%")
    assert said.exit_code == 0
    assert 'set watch = "1%" in [sites.smartmarket]' in said.stderr


@pytest.mark.parametrize(
    ("arguments", "environment", "words"),
    [
        (["nowhere"], {}, "There is no site 'nowhere'"),
        (["smartmarket"], {"REDIS_URL": "redis://127.0.0.1:1"}, "The store cannot be used"),
        (["smartmarket", "--format", "xml"], {}, "'xml' is not one of"),
        ([], {}, "Missing argument"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    run: Callable[..., Result],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    environment: dict[str, str],
    words: str,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    said = run(*arguments)
    assert said.exit_code == 2
    assert words in said.output
    assert said.exception is None or isinstance(said.exception, SystemExit)


def test_nothing_is_said_to_be_nothing(run: Callable[..., Result], redis_url: str) -> None:
    with closing(Store(redis_url, 5)) as store:
        store.connection.client.flushall()
    assert run("smartmarket").stdout == "Nothing was seen 20 times or more.\n"
