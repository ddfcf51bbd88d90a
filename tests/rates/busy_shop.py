"""A shop that was answered in many ways, and the command line that shows its rates."""

import secrets
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner
from conftest import ROOT

from consent_server.banner.scripts import build_scripts
from consent_server.cli import main
from consent_server.decision import DEVICES, HOW, Decision
from consent_server.tokens import Keys

SIGN = Keys(("the-secret-of-the-tests-is-long-enough",)).sign


@pytest.fixture
def cli(redis_url, monkeypatch):
    """Run `consent-server rates smartmarket` with these options, and return its exit status and what it says."""
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("CONSENT_CONFIG", str(ROOT / "consent.toml"))

    def run(*options):
        done = CliRunner().invoke(main, ["rates", "smartmarket", *options])
        return done.exit_code, done.stdout

    return run


@pytest.fixture
def busy(app, site, shopper):
    """A shop that asked and was answered in several ways, today and in the thirty days before."""
    store = app.extensions["consent"].store
    notices = [*store.notices.all(site).values()]
    for ago in (32, 31, 1, 0):
        ms = int((datetime.now(UTC) - timedelta(days=ago)).timestamp() * 1000)
        for n in range(60):
            device, language = DEVICES[n % 3], ("az", "ru")[n % 2]
            store.counters.shown(site, now=ms, language=language, variant="", device=device, country="AZ")
            if n % (2 if ago < 30 else 3) == 0:
                decision = Decision(secrets.token_urlsafe(16), n % 8, notices[n % len(notices)], HOW[n % 4], None)
                store.decisions.record(site, decision, now=ms, sign=SIGN, device=device, country="TR")
    return store


def answer(store, site, n, allow=1, words=0):
    """Have a shopper answer now; ``words``: which of the notices."""
    notice = [each for notices in build_scripts(site).notices.values() for each in notices][words]
    now = int(datetime.now(UTC).timestamp() * 1000)
    decision = Decision(f"meanwhile-number-{n:05}", allow, notice, "save", None)
    store.decisions.record(site, decision, now=now, sign=SIGN, device="phone", country="AZ")
