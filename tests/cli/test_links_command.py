"""``consent-server links``: a link is made, opens the report, is listed and revoked."""

import shlex

import pytest
from click.testing import CliRunner
from conftest import ROOT, SECRET, closing
from examples import example

from consent_server import create_app
from consent_server.cli.readers.links import links


@pytest.fixture
def run(monkeypatch, redis_url):
    monkeypatch.setenv("CONSENT_CONFIG", str(ROOT / "consent.toml"))
    monkeypatch.setenv("CONSENT_SECRET", SECRET)
    monkeypatch.setenv("REDIS_URL", redis_url)
    return lambda *arguments: CliRunner().invoke(links, [*arguments])


def test_a_link_is_made_listed_and_revoked(run, settings, site, monkeypatch):
    add, listed = ([*shlex.split(line)][2:] for line in example("links").splitlines())
    added = run(*add)
    assert added.exit_code == 0, added.output
    path = added.stdout.strip().removeprefix("http://127.0.0.1:8000")
    app = create_app(settings, {site.id: site})
    with closing(app.extensions["consent"].store):
        assert app.test_client().get(path).status_code == 200
        name, _, query, whom = run(*listed).stdout.strip().split("\t")
        assert (query, whom) == ("goal=answer&device=phone", "the board")
        assert run("remove", "smartmarket", name).exit_code == 0
        assert app.test_client().get(path).status_code == 410
    gone = run("remove", "smartmarket", name)
    assert (gone.exit_code, gone.stderr) == (
        2,
        f"Error: smartmarket has no link '{name}'; consent-server links list smartmarket shows them.\n",
    )
    monkeypatch.setenv("CONSENT_MARKETERS", "rates.shop.example")
    named = run("add", "smartmarket", "--for", "x").stdout
    assert named.startswith("https://rates.shop.example/shared/")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere", "--for", "x"], "There is no site 'nowhere'"),
        (["smartmarket", "--for", "x", "--ask", "site=kitab"], "'site' cannot be asked for"),
        (["smartmarket", "--for", "x", "--ask", "from=spring"], "`from` must be a day"),
        (["smartmarket"], "--for"),
        (["smartmarket", "--for", "x", "--days", "400"], "1<=x<=365"),
    ],
)
def test_what_no_link_can_show_is_refused_in_one_sentence(run, arguments, said):
    refused = run("add", *arguments)
    assert refused.exit_code == 2
    assert said in refused.stderr
