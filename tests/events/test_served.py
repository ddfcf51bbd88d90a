"""A server that runs tells the receiver that is documented what shoppers decide, also when it was killed."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import jsonschema_rs
import pytest
import standardwebhooks
from beside import described, running
from click.testing import CliRunner
from conftest import CONSENT_SERVER, SECRET, Live, closing, free_port
from decided import decide as decide_in
from examples import example
from receiver import TAKEN, Receiver, status

from consent_server.cli import main
from consent_server.cli.serving.chores import Chores
from consent_server.events.webhook import NoWebhookSecret
from consent_server.settings.environment import Settings
from consent_server.settings.sound import Configuration
from consent_server.store import Store

__all__ = ["running"]

ORIGIN = "https://shop.example"
SIGNS = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="


def decide(server: Live, *allow: str, previous: str | None = None) -> dict[str, object]:
    """Return what a shopper's answer is acknowledged with, and its id."""
    body = {"id": secrets.token_urlsafe(16), "allow": [*allow], "notice": server.get("/v1/shop/notice")["notice"]}
    body |= {"how": "save"} | ({"previous": previous} if previous else {})
    request = urllib.request.Request(
        f"{server.url}/v1/shop/decisions",
        json.dumps(body).encode(),
        {"Origin": ORIGIN, "Content-Type": "text/plain", "User-Agent": "the-shoppers-browser"},
    )
    with urllib.request.urlopen(request, timeout=45) as answer:
        return {**json.load(answer), "id": body["id"]}


def listens(port: int) -> None:
    """Wait until somebody listens on a port."""
    until = time.monotonic() + 120
    while time.monotonic() < until:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 2):
            return
        time.sleep(0.05)
    raise AssertionError(f"nobody listens on {port}")


def test_what_shoppers_decide_is_posted_and_a_killed_server_goes_on(
    run_live: Callable[..., Live], redis_url: str, tmp_path: Path
) -> None:
    receiver = Receiver()
    config = described(tmp_path, ORIGIN)
    own = example("webhook of a site").replace("https://crm.shop.example/hooks/consent", receiver.url)
    config.write_text(config.read_text().replace("[sites.shop]\n", own))
    (tmp_path / "hooks").write_text(f"shop={SIGNS}\n")
    environment = {"CONSENT_SECRET": SECRET, "CONSENT_CONFIG": str(config), "REDIS_URL": redis_url}
    server = run_live("serve", **environment, CONSENT_WEBHOOK_SECRET_FILE=str(tmp_path / "hooks"))
    yes = decide(server, "analytics", "marketing")
    receiver.wait(lambda: len(receiver.posts) == 1)
    receiver.stop()
    no = decide(server, previous=str(yes["token"]))
    decide(server)
    until = time.monotonic() + 120
    while "a decision of shop was not taken" not in server.words():
        assert time.monotonic() < until, "nothing was tried"
        time.sleep(0.02)
    server.kill()
    receiver.start()
    server.start()
    last = decide(server, "functional")
    receiver.wait(lambda: len({post.headers["webhook-id"] for post in receiver.posts}) == 4, 90)
    told = [standardwebhooks.Webhook(SIGNS).verify(post.body, post.headers) for post in receiver.posts]
    described_as = server.get("/openapi.json")["webhooks"]["decision"]["post"]["requestBody"]["content"]
    for event in told:
        jsonschema_rs.validate(described_as["application/json"]["schema"], event)
    named = [(event["jti"], event["sub"], event["allow"]) for event in told if event["sub"] == yes["id"]]
    assert list(dict.fromkeys(map(repr, named))) == [
        repr((yes["id"], yes["id"], ["analytics", "marketing"])),
        repr((no["id"], yes["id"], [])),
    ]
    assert {event["jti"] for event in told} == {yes["id"], no["id"], None, last["id"]}
    said = server.words()
    for private in (SIGNS, str(yes["token"]), str(yes["id"]), "the-shoppers-browser", "secret-path", "127.0.0.1 -"):
        assert private not in said
    receiver.stop()


def test_a_webhook_without_a_secret_and_a_secret_of_nobody_keep_serve_from_starting(
    redis_url: str, tmp_path: Path
) -> None:
    config = described(tmp_path, ORIGIN)
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("CONSENT_", "REDIS_"))}
    environ |= {"CONSENT_SECRET": SECRET, "CONSENT_CONFIG": str(config), "REDIS_URL": redis_url, "PORT": "0"}
    environ |= {"CONSENT_WEBHOOK": "https://hooks.example", "CONSENT_WEBHOOK_SECRET": f"shpo={SIGNS}"}
    done = subprocess.run([CONSENT_SERVER, "serve"], env=environ, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    said = "CONSENT_WEBHOOK_SECRET has a secret of 'shpo', which is no site; there are shop."
    assert said in done.stderr.splitlines()[-1]
    config.write_text(config.read_text().replace("[sites.shop]\n", example("webhook of a site")))
    with pytest.raises(NoWebhookSecret, match="not set, and the webhook of shop has to be signed"):
        Chores(Configuration.of(Settings(secret=(SECRET,), redis_url=redis_url, config=config)))


def test_where_nothing_serves_log_seal_tells_what_there_is(
    redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver = Receiver()
    for name, value in {
        **{"CONSENT_SECRET": SECRET, "CONSENT_CONFIG": str(described(tmp_path, ORIGIN)), "REDIS_URL": redis_url},
        **{"CONSENT_WEBHOOK": receiver.url, "CONSENT_WEBHOOK_SECRET": SIGNS},
    }.items():
        monkeypatch.setenv(name, value)
    with closing(Store(redis_url, 5)) as store:
        decided = decide_in(store, 7, 1, 0)
        receiver.answer = lambda post, connection: status(500)
        done = CliRunner().invoke(main, ["log", "seal"])
        assert (done.exit_code, done.stdout) == (1, "shop: 0 days sealed\n")
        assert done.stderr == "What there is of shop was not told: The webhook at 127.0.0.1 answers 500.\n"
        receiver.answer = lambda post, connection: TAKEN
        done = CliRunner().invoke(main, ["log", "seal"])
        assert (done.exit_code, done.stdout, done.stderr) == (0, "shop: 0 days sealed\n", "")
    assert [post.event["jti"] for post in receiver.posts] == decided
    receiver.stop()


def test_the_documented_receiver_hears_each_event_once(
    running: Callable[..., subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    (tmp_path / "receiver.py").write_text(example("webhook receiver"))
    made = subprocess.run(
        ["sh", "-c", f'{example("webhook secret")}printf %s "$CONSENT_WEBHOOK_SECRET"'],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    url = f"http://127.0.0.1:{free_port()}"
    gunicorn = [Path(sys.executable).with_name("gunicorn"), "--bind", url.removeprefix("http://"), "receiver:app"]
    running(*gunicorn, cwd=tmp_path, env={**os.environ, "CONSENT_WEBHOOK_SECRET": made})
    listens(int(url.rpartition(":")[2]))
    said = json.dumps({"kind": "first", "allow": [], "at": 1, "jti": None, "sub": None, "site": "shop"})
    now = datetime.now(UTC)
    signature = standardwebhooks.Webhook(made).sign("event-1", now, said)
    answers = []
    for signed in (signature, signature, "v1,AAAA"):
        headers = {"webhook-id": "event-1", "webhook-timestamp": str(int(now.timestamp())), "webhook-signature": signed}
        request = urllib.request.Request(f"{url}/hooks/consent", said.encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=45) as answer:
                answers.append(answer.status)
        except urllib.error.HTTPError as error:
            answers.append(error.code)
            error.close()
    assert answers == [204, 204, 401]
