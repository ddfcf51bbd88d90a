"""What is done beside the answering: an alarm is told once, and told again only if nobody took it."""

import http.server
import json
import secrets
import threading
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from platform import python_version
from unittest.mock import Mock

import pytest
import standardwebhooks
from click.testing import CliRunner
from conftest import ROOT, closing

from consent_server import __version__
from consent_server.chores import housekeeping
from consent_server.chores.housekeeping import tell
from consent_server.cli.check import check
from consent_server.decision import Decision
from consent_server.events.webhook import NotTaken, Webhook
from consent_server.rates.read import unusual
from consent_server.site import Notice
from consent_server.store import Store
from consent_server.tokens import Keys

TODAY = datetime.now(UTC).date()
KEYS = Keys(["the secret that these tests sign with"])
SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="


@pytest.fixture
def hook(site):
    """A webhook, with what was posted to it; it answers with ``status``."""

    class Hook(http.server.BaseHTTPRequestHandler):
        posted: list = []  # noqa: RUF012 one list for the one test
        signed: list = []  # noqa: RUF012
        status = 204
        ended = threading.Event()

        def do_POST(self):
            if Hook.status is None:
                self.wfile.write(b"HTTP/1.0 204 No Content\r\nX: ")
                while not Hook.ended.wait(0.05):  # a byte now and then: no read of it ever times out
                    self.wfile.write(b"x")
                return
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if Hook.status < 400:
                Hook.posted.append(json.loads(body))
                Hook.signed.append((body, dict(self.headers)))
            self.send_response(Hook.status)
            self.end_headers()

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        Hook.webhook = Webhook.of(site, f"http://127.0.0.1:{server.server_port}/alarm", (SECRET,))
        yield Hook
        Hook.ended.set()
        server.shutdown()


@pytest.fixture
def stopped(redis_url, site):
    """A shop where for two weeks most answered, and today nobody does."""
    store = Store(redis_url, 5)
    notice = Notice.of({"site": site.id, "revision": 1, "keep": 10_000_000, "lang": "az", "variant": ""})
    store.notices.serve(site, [notice])
    for ago in range(14, -1, -1):
        day = TODAY - timedelta(ago)
        now = (day - date(1970, 1, 1)).days * 86_400_000 + 3_600_000
        for n in range(120):
            store.counters.shown(site, now=now, language="az", variant="", device="phone", country="")
            if ago and n % 4:
                decision = Decision(secrets.token_urlsafe(16), n % 8, notice, "save", None)
                store.decisions.record(site, decision, now=now, sign=KEYS.sign)
    yield store
    store.close()


def test_answers_that_stop_are_told_once_by_whoever_sees_it_first(stopped, site, hook):
    assert [alarm.kind for alarm in unusual(stopped, site, TODAY)] == ["stopped"]
    assert len(tell(stopped, site, hook.webhook, TODAY)) == 1
    assert tell(stopped, site, hook.webhook, TODAY) == []
    (posted,) = hook.posted
    assert posted["site"] == site.id
    assert posted["kind"] == "stopped"
    assert posted["day"] == TODAY.isoformat()
    assert "nobody answers" in posted["text"]
    ((body, headers),) = hook.signed
    assert standardwebhooks.Webhook(SECRET).verify(body, headers) == posted


def test_an_alarm_that_nobody_took_is_told_again(stopped, site, hook):
    hook.status = 500
    with pytest.raises(NotTaken, match="answers 500"):
        tell(stopped, site, hook.webhook, TODAY)
    hook.status = 204
    assert len(tell(stopped, site, hook.webhook, TODAY)) == 1


def test_an_alarm_whose_teller_was_killed_is_told_by_the_next_one_a_minute_later(stopped, site, hook, monkeypatch):
    with monkeypatch.context() as killed:
        killed.setattr(housekeeping.WebhookConnection, "post", Mock(side_effect=SystemExit))
        with pytest.raises(SystemExit):
            tell(stopped, site, hook.webhook, TODAY)
    client = stopped.connection.client
    (claim,) = client.scan_iter("*:alarm:*")
    assert 0 < client.ttl(claim) <= 60
    assert tell(stopped, site, hook.webhook, TODAY) == []
    client.delete(claim)  # the minute is over
    assert len(tell(stopped, site, hook.webhook, TODAY)) == len(hook.posted) == 1
    assert client.ttl(claim) > 39 * 86_400


def test_a_webhook_that_never_ends_its_answer_holds_up_nothing(stopped, site, hook):
    hook.status = None
    with pytest.raises(NotTaken, match="it takes too long"):
        tell(stopped, site, hook.webhook, TODAY, 0.4)
    hook.ended.set()
    hook.status = 204
    assert len(tell(stopped, site, hook.webhook, TODAY)) == 1


def test_a_leak_is_told_once_from_twenty_sightings_on(redis_url, site, hook):
    with closing(Store(redis_url, 5)) as store:
        for _ in range(19):
            store.leaks.add(site, TODAY, [("refused", "cookie", "_xyz")])
        assert tell(store, site, hook.webhook, TODAY) == []
        store.leaks.add(site, TODAY, [("accepted", "cookie", "_xyz"), ("accepted", "cookie", "ext-once")])
        hook.status = 500
        with pytest.raises(NotTaken):
            tell(store, site, hook.webhook, TODAY)
        hook.status = 204
        assert len(tell(store, site, hook.webhook, TODAY)) == 1
        assert tell(store, site, hook.webhook, TODAY) == []
    (posted,) = hook.posted
    assert (posted["site"], posted["kind"]) == (site.id, "leak")
    assert posted["leak"]["name"] == "_xyz"
    assert posted["leak"]["states"] == ["refused", "accepted"]
    assert "on refusals too, about 20 a day" in posted["text"]


def test_a_usual_day_is_no_alarm(stopped, site, hook):
    assert tell(stopped, site, hook.webhook, TODAY - timedelta(1)) == []
    assert hook.posted == []


def test_the_metrics_say_so_while_it_lasts_and_do_not_need_redis(stopped, app, site, monkeypatch):
    def alarms(app):
        said = app.test_client().get("/metrics")
        assert said.status_code == 200
        return [line for line in said.text.splitlines() if line.startswith("consent_alarm{")]

    built = f'consent_build_info{{python="{python_version()}",version="{__version__}"}} 1.0'
    assert built in app.test_client().get("/metrics").text
    assert alarms(app) == ['consent_alarm{kind="stopped",rate="answer",site="smartmarket"} 1.0']
    services = app.extensions["consent"]
    monkeypatch.setitem(app.extensions, "consent", replace(services, store=Store("redis://127.0.0.1:1", 0.1)))
    assert alarms(app) == []


def test_check_says_so_too(stopped, monkeypatch):
    monkeypatch.setenv("REDIS_URL", stopped.url)
    monkeypatch.setenv("CONSENT_CONFIG", str(ROOT / "consent.toml"))
    monkeypatch.setenv("CONSENT_SECRET", "the secret that these tests run with")
    said = CliRunner().invoke(check, ["--offline"]).stdout
    assert "Advice: smartmarket, " in said
    assert "nobody answers" in said


def test_a_leak_is_told_on_its_utc_day_wherever_the_shop_is(kept, site, hook):
    west = replace(site, timezone="Pacific/Honolulu")
    now = datetime(2026, 11, 21, 2, tzinfo=UTC)
    for _ in range(20):
        kept.leaks.add(west, now.date(), [("refused", "cookie", "_xyz")])
    housekeeping.work_on(kept, west, KEYS, hook.webhook, now)
    assert [posted["leak"]["name"] for posted in hook.posted] == ["_xyz"]
