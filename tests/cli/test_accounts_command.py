"""``consent-server accounts``: a key is made, opens what it is for, is listed and revoked."""

import shlex

import pytest
from click.testing import CliRunner
from conftest import SECRET, closing
from examples import example

from consent_server import create_app
from consent_server.cli.accounts import accounts
from consent_server.settings.shops import read_sites

SHOP = """
name = "Shop"
origins = ["https://shop.example"]
policy_url = "/privacy"
policy_updated = 2025-12-20
"""


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "consent.toml"
    path.write_text(f"{example('accounts on')}{SHOP}\n[sites.plain]{SHOP}", "utf-8")
    return path


@pytest.fixture
def run(monkeypatch, redis_url, config):
    monkeypatch.setenv("CONSENT_CONFIG", str(config))
    monkeypatch.setenv("CONSENT_SECRET", SECRET)
    monkeypatch.setenv("REDIS_URL", redis_url)
    return lambda *arguments: CliRunner().invoke(accounts, [*arguments])


def test_a_key_is_made_listed_and_revoked(run, settings, config):
    made = run(*shlex.split(example("accounts key"))[2:])
    assert made.exit_code == 0, made.output
    key = made.stdout.strip()
    app = create_app(settings, read_sites(config))

    def asked():
        body, headers = {"account": "42"}, {"Authorization": f"Bearer {key}"}
        return app.test_client().post("/v1/shop/account", json=body, headers=headers).status_code

    with closing(app.extensions["consent"].store):
        assert asked() == 200
        listed = run("list", "shop").stdout
        name, _, whose = listed.strip().split("\t")
        assert whose == "the shop's back end"
        assert key not in listed
        assert run("remove", "shop", name).exit_code == 0
        assert asked() == 401
    assert run("list", "shop").stdout == ""
    gone = run("remove", "shop", name)
    assert (gone.exit_code, "has no key" in gone.stderr) == (2, True)


def test_a_shop_that_links_no_accounts_gets_no_key(run):
    for name, said in (("plain", "write `accounts = true`"), ("nowhere", "There is no site 'nowhere'")):
        refused = run("add", name)
        assert refused.exit_code == 2
        assert said in refused.stderr
