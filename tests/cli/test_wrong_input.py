"""What a newcomer gets wrong is told in one sentence that says what to type, and nothing is left half-written."""

from __future__ import annotations

import re
import shlex
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import redis
from beside import certificate
from click.testing import CliRunner
from conftest import SECRET, RedisServer, binary_of, free_port
from one_sentence import Run, assert_one_sentence, run, shop

from consent_server.catalogue import lives
from consent_server.cli import main
from consent_server.settings import starter
from consent_server.settings.shops import read_sites
from consent_server.store.connection import reason

assert run
assert shop

ANSWERS = (
    *("--name", "Mağaza", "--origin", "https://shop.example", "--policy-url", "/privacy"),
    *("--policy-updated", "2025-12-20", "--languages", "az,ru,en,tr"),
)


def test_init_writes_no_word_that_a_shopper_cannot_read(run: Run, tmp_path: Path) -> None:
    done = run("init", *ANSWERS, "--folder", tmp_path / "my new" / "folder")
    assert done.returncode == 0, done.stderr
    config = tmp_path / "my new" / "folder" / "consent.toml"
    typed = re.search("export (.*)", done.stdout)
    assert typed
    assert f"CONSENT_CONFIG={config}" in shlex.split(typed[1]), "it can be typed as it stands"
    for cookie in read_sites(config)["magaza"].cookies["necessary"]:
        assert {lang: cookie.life[lang] for lang in ("az", "ru", "en", "tr")} == lives()["9 months"]
    # The example holds as it stands, once its marks are taken off and its purposes are written.
    text = config.read_text("utf-8")
    start = text.index("# [[sites.magaza.cookies.analytics]]")
    example = text[start : text.index("\n\n", start)]
    config.write_text(text.replace(example, example.replace("\n# ", "\n")[2:].replace("…", "Counts.")), "utf-8")
    (cookie,) = read_sites(config)["magaza"].cookies["analytics"]
    assert cookie.life["az"] == "13 ay"


def test_init_without_anybody_to_answer_says_which_option_it_lacks(run: Run, tmp_path: Path) -> None:
    for given, lacking in ((ANSWERS[2:], "--name"), ((*ANSWERS[:2], *ANSWERS[4:]), "--origin")):
        done = run("init", *given)
        assert done.returncode == 2
        assert f"Nothing was written, for there was no answer; give it as {lacking}." in done.stderr
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize(("name", "is_one"), [("My\r\nshop", True), ("My\x7fshop", False), ("My\x85shop", True)])
def test_init_takes_a_name_on_one_line_that_can_be_seen(tmp_path: Path, name: str, is_one: bool) -> None:
    done = CliRunner().invoke(main, ["init", *ANSWERS[2:], "--name", name, "--folder", str(tmp_path)])
    assert done.exit_code == (0 if is_one else 2), done.output
    if is_one:
        assert read_sites(tmp_path / "consent.toml")["my-shop"].name == "My shop"
    else:
        assert "Nothing was written, for the shop's name has a sign in it" in done.stderr
        assert [*tmp_path.iterdir()] == []


def test_what_a_full_disk_left_half_written_is_not_in_the_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> str:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(starter, "secrets", SimpleNamespace(token_urlsafe=full))
        with pytest.raises(starter.ConsentError, match=r"\(No space left on device\): name another with --folder"):
            starter.write(tmp_path, "text")
    assert [*tmp_path.iterdir()] == []
    (tmp_path / starter.SECRET_FILE).write_text("kept")
    with pytest.raises(starter.Exists):
        starter.write(tmp_path, "text")
    assert (tmp_path / starter.SECRET_FILE).read_text() == "kept"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_disk_is_told_by_serve(run: Run, shop: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "socket").symlink_to("/dev/full")
    assert_one_sentence(
        run("serve", CONSENT_SECRET=SECRET, CONSENT_DATA=data), "No space left on device", "CONSENT_DATA"
    )


@pytest.mark.parametrize("host", ["nosuchhost.invalid", "192.0.2.55"])
@pytest.mark.parametrize("port", [0, 8000])
def test_a_host_that_is_not_ours_is_told(run: Run, shop: Path, host: str, port: int, redis7: RedisServer) -> None:
    done = run("serve", CONSENT_SECRET=SECRET, HOST=host, PORT=port, REDIS_URL=redis7.url)
    assert done.returncode == 2
    assert f"Error: HOST is {host}, which is no address of this machine: set HOST=127.0.0.1" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_secret_or_a_configuration_that_is_no_text_is_told(run: Run, shop: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_bytes(b"\xff\xfe\x00")
    assert_one_sentence(run("serve", CONSENT_SECRET_FILE=wrong), f"CONSENT_SECRET_FILE names {wrong}", "UTF-8")
    assert_one_sentence(run("serve", CONSENT_SECRET=SECRET, CONSENT_CONFIG=wrong), f"{wrong} is not TOML", "UTF-8")
    done = run("check", "--offline", CONSENT_SECRET_FILE=wrong)
    assert done.returncode == 1
    assert f"CONSENT_SECRET_FILE names {wrong}" in done.stdout
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "url",
    [
        *("redis://127.0.0.1:x", "redis://127.0.0.1:99999", "rediss://[::1", "redis+cluster://host:1:2"),
        "redis+sentinel://a:26379,b:x/name",
    ],
)
def test_an_address_of_redis_that_is_none_is_told(run: Run, shop: Path, url: str) -> None:
    assert_one_sentence(run("serve", CONSENT_SECRET=SECRET, REDIS_URL=url), "REDIS_URL takes a host and a port")


@pytest.mark.parametrize(
    "url", ["redis://127.0.0.1:1/0?foo=1", "redis://127.0.0.1:1?socket_timeout=abc", "redis://127.0.0.1:1?db=x"]
)
def test_an_option_of_redis_that_is_none_is_told(run: Run, shop: Path, url: str) -> None:
    assert_one_sentence(run("rates", "shop", CONSENT_SECRET=SECRET, REDIS_URL=url), "REDIS_URL is none that Redis")


@pytest.fixture
def guarded(short_folder: Callable[[], Path]) -> Iterator[RedisServer]:
    """A Redis with a password, sesame, that speaks TLS too, under a certificate that nobody knows."""
    folder, port = short_folder(), free_port()
    cert, key = certificate(folder)
    server = RedisServer(
        binary_of("redis7"),
        folder,
        free_port(),
        (
            *("--tls-port", str(port), "--tls-cert-file", str(cert), "--tls-key-file", str(key)),
            *("--tls-auth-clients", "no", "--aof-load-truncated", "no"),
        ),
    )
    server.start()
    with server.client() as client:
        client.config_set("requirepass", "sesame")
    server.tls = port  # type: ignore[attr-defined]
    server.certificate = cert  # type: ignore[attr-defined]
    yield server
    server.stop()


def test_why_redis_is_away_is_told_with_what_to_type(run: Run, shop: Path, guarded: RedisServer) -> None:
    tls, own = guarded.tls, guarded.certificate  # type: ignore[attr-defined]
    for url, why, cure in (
        (f"redis://127.0.0.1:{guarded.port}", "it wants a password", "redis://:PASSWORD@HOST:PORT"),
        (f"redis://:wrong@127.0.0.1:{guarded.port}", "it knows no such user and password", "redis://USER:PASSWORD@"),
        (f"rediss://:sesame@127.0.0.1:{tls}", "its certificate is not believed (self", "?ssl_ca_certs=/etc/ca.pem"),
        (f"redis://127.0.0.1:{free_port()}", "Connection refused", "start it, or correct REDIS_URL"),
    ):
        done = run("check", "--offline", CONSENT_SECRET=SECRET, REDIS_URL=url)
        assert done.returncode == 1
        (fault,) = re_lines(done.stdout, "Must be mended: Redis is away: ")
        assert why in fault
        assert cure in done.stdout
        assert done.stderr == "1 to mend.\n"
        assert_one_sentence(
            run("rates", "shop", CONSENT_SECRET=SECRET, REDIS_URL=url), "The store cannot be used", why, cure
        )
        for word in ("sesame", "wrong"):
            assert word not in done.stdout
    done = run(
        "check", "--offline", CONSENT_SECRET=SECRET, REDIS_URL=f"rediss://:sesame@127.0.0.1:{tls}?ssl_ca_certs={own}"
    )
    assert done.returncode == 0, done.stdout


def re_lines(text: str, begin: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith(begin)]


def test_other_reasons_are_in_an_operator_s_words() -> None:
    for error, what in (
        (redis.TimeoutError("Timeout reading from socket"), "it does not answer in time"),
        (redis.exceptions.NoPermissionError("User x has no permissions to run the 'get' command"), "its user may not"),
        (redis.ResponseError("LOADING the dataset"), "it refuses: LOADING the dataset"),
    ):
        assert reason(error)[0].startswith(what)
    refused = redis.ConnectionError("wrong version number")
    refused.__cause__ = ssl.SSLError("wrong version number")
    assert reason(refused) == (
        "it does not speak TLS",
        "write redis:// in REDIS_URL, or the port on which it speaks TLS",
    )
