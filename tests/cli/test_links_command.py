"""``consent-server links``: a link is made, opens the report, is listed and revoked."""

import shlex
import time
from contextlib import nullcontext
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner
from conftest import ROOT, SECRET, closing
from examples import example

from consent_server import create_app
from consent_server.cli.readers import links as command
from consent_server.cli.readers.links import links
from consent_server.cli.readers.marketers import marketers
from consent_server.store import ApiKey, Store, embedded
from consent_server.web.marketer.links import make_link


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
        name, _, query, whom, maker = run(*listed).stdout.strip().split("\t")
        assert (query, whom, maker) == ("goal=answer&device=phone", "the board", "-")
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


def test_a_link_of_a_demo_leads_to_where_it_answers(run, tmp_path, redis_url, monkeypatch):
    monkeypatch.setattr(embedded, "at", lambda folder: nullcontext(redis_url))
    monkeypatch.delenv("PORT", raising=False)
    (tmp_path / "port").write_text("8001")
    added = run("add", "smartmarket", "--for", "x", "--data", str(tmp_path))
    assert added.stdout.startswith("http://127.0.0.1:8001/shared/")


def test_there_are_as_many_links_as_the_page_lists(run, monkeypatch):
    monkeypatch.setattr(command, "MOST", 1)
    assert run("add", "smartmarket", "--for", "x").exit_code == 0
    full = run("add", "smartmarket", "--for", "x")
    assert (full.exit_code, full.stderr) == (
        2,
        "Error: smartmarket has 1 links that work: remove one of them first.\n",
    )


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


def test_what_a_marketer_handed_out_is_named_when_they_go_and_ends_when_told_to(run, redis_url, site):
    remove = lambda *more: CliRunner().invoke(marketers, ["remove", "leyla", *more])  # noqa: E731
    with closing(Store(redis_url, 5)) as store:
        leyla, murad = (make_link(site, "the board", 7, {}, by) for by in ("leyla", "murad"))
        old = make_link(site, "old", -1, {}, "leyla")
        for link in (leyla, murad, old):
            store.marketers.add_link(site, link)
        store.rates_keys.add(site, ApiKey("aa", "a \x1b[31m sheet", 1, "leyla"))
        store.rates_keys.add(site, ApiKey("bb", "a sheet", 1, "murad"))
        assert "\tthe board\tleyla\n" in run("list", site.id).stdout
        assert "no marketer 'leyla'" in remove().stderr
        store.marketers.add("leyla", "hash", [site.id])
        gone = remove()
        assert gone.stdout.splitlines()[0] == "leyla is removed."
        said = {*gone.stdout.splitlines()[1:]}
        last = f"{datetime.fromtimestamp(leyla.until, UTC).date()}"
        assert said == {
            f"{site.id}: the link {leyla.id} for 'the board', until {last}, goes on.",
            f"{site.id}: the API key for 'a \\x1b[31m sheet' goes on.",
        }
        assert gone.stderr == "To end them all, type: consent-server marketers remove leyla --revoke\n"
        assert store.marketers.link(site, leyla.id)
        ended = remove("--revoke")
        assert ended.exit_code == 0
        assert ended.stdout.splitlines()[0] == "leyla was removed before."
        assert f"{site.id}: the API key for 'a \\x1b[31m sheet' is revoked." in ended.stdout
        assert [link.id for link in store.marketers.links(site) if link.until > time.time()] == [murad.id]
        assert [key.digest for key in store.rates_keys.all(site)] == ["bb"]
        assert "no marketer 'leyla'" in remove("--revoke").stderr


def test_who_is_added_again_is_told_what_the_name_had_and_what_goes_on(run, redis_url, site, tmp_path, monkeypatch):
    text = (ROOT / "consent.toml").read_text("utf-8")
    (tmp_path / "consent.toml").write_text(text + text.replace("smartmarket", "kitab"), "utf-8")
    monkeypatch.setenv("CONSENT_CONFIG", str(tmp_path / "consent.toml"))

    def add(*sites):
        return CliRunner().invoke(marketers, ["add", "leyla", *sites, "--password-stdin"], input="a new password\n")

    with closing(Store(redis_url, 5)) as store:
        assert add(site.id).stdout == f"leyla may read the rates of {site.id}.\n"
        link = make_link(site, "the board", 7, {}, "leyla")
        for each in (link, make_link(site, "others", 7, {}, "murad"), make_link(site, "old", -1, {}, "leyla")):
            store.marketers.add_link(site, each)
        same = add(site.id)
        assert same.stdout.splitlines()[1:] == [
            "leyla was there before: the password until now opens nothing any more, and the sessions ended."
        ]
        assert same.stderr == ""
        other = add("kitab")
        assert other.stdout.splitlines()[2:] == [
            f"leyla may not read the rates of {site.id} any more.",
            f"{site.id}: the link {link.id} for 'the board', until "
            f"{datetime.fromtimestamp(link.until, UTC).date()}, goes on.",
        ]
        assert other.stderr == f"If that was not meant, type: consent-server marketers add leyla {site.id} kitab\n"
        assert add(site.id, "kitab").stderr == ""
