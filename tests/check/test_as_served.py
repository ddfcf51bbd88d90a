"""`consent-server check` says all that `serve` would refuse, and changes nothing in the store."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from wsgiref.simple_server import make_server

import pytest
import redis
from beside import described
from checked import SHOP, Quiet, only
from click.testing import CliRunner, Result
from conftest import SECRET

from consent_server.check import network
from consent_server.cli.check import check
from consent_server.cli.serving.chores import Chores
from consent_server.settings.environment import Settings, read_environment
from consent_server.settings.sound import Configuration
from consent_server.site import ConsentError

MAIL = {"CONSENT_SMTP": "smtp://mail.shop.example", "CONSENT_SMTP_FROM": "consent@shop.example"}


@pytest.fixture
def environment(tmp_path: Path, redis_url: str) -> dict[str, str]:
    config = described(tmp_path, "https://shop.example")
    return {"CONSENT_SECRET": SECRET, "CONSENT_CONFIG": str(config), "REDIS_URL": redis_url}


def checked(environment: dict[str, str], *options: str) -> Result:
    return CliRunner().invoke(check, ["--offline", *options], env=environment, catch_exceptions=False)


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        (MAIL | {"CONSENT_DIGEST": "nix=leyla@shop.example"}, "CONSENT_DIGEST has a reader of 'nix'"),
        ({"CONSENT_DIGEST": "leyla@shop.example"}, "CONSENT_DIGEST is set, and no mail server"),
        ({"CONSENT_SMTP": MAIL["CONSENT_SMTP"]}, "CONSENT_SMTP is set, and nobody to send as"),
        (
            {"CONSENT_TSA": "https://tsa.example", "CONSENT_TSA_CERTIFICATE": "/nowhere.pem"},
            "CONSENT_TSA_CERTIFICATE is wrong: /nowhere.pem cannot be read: No such file or directory.",
        ),
    ],
)
def test_what_serve_refuses_at_its_start_must_be_mended(
    environment: dict[str, str], more: dict[str, str], fault: str
) -> None:
    assert checked(environment).exit_code == 0, "it is what comes with it"
    with pytest.raises(ConsentError) as refused:
        Chores(Configuration.of(read_environment(environment | more)))
    done = checked(environment | more)
    assert done.exit_code == 1
    assert f"Must be mended: {refused.value}" in done.stdout
    assert fault in done.stdout


def test_a_host_of_another_machine_must_be_mended(environment: dict[str, str]) -> None:
    done = checked(environment | {"HOST": "192.0.2.10"})
    assert "Must be mended: HOST is 192.0.2.10, which is no address of this machine.\n    set HOST=" in done.stdout


def test_nothing_is_written_into_the_store_of_a_version_before(environment: dict[str, str], redis_url: str) -> None:
    with closing(redis.Redis.from_url(redis_url)) as client:
        client.set("consent:layout", "1")
        assert checked(environment).exit_code == 0
        assert client.keys() == [b"consent:layout"]
        assert client.get("consent:layout") == b"1"


@pytest.mark.parametrize("text", [b"<!doctype html>", b"{}", b"[]", b"7", b"\xff"])
def test_a_page_that_answers_to_everything_is_no_server_of_ours(text: bytes) -> None:
    def page(environ: object, start_response: Callable[..., object]) -> list[bytes]:
        start_response("200 OK", [])
        return [text]

    with make_server("127.0.0.1", 0, page, handler_class=Quiet) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        finding = only(network.reached(url, Settings(), [SHOP]))
        assert finding.fault == f"Something else than this server answers at {url}/readyz."
        assert finding.cure == "have the web server pass this address on to it"
        finding = only(network.reached(url, Settings(prefix="/consent"), [SHOP]))
        assert finding.cure == f"add CONSENT_PREFIX: --url {url}/consent"
        server.shutdown()
