"""Whatever is sent: an answer in words, never an error of ours. CASES in the environment says how often."""

import json
import os
import tomllib
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from consent_server.decision import Decision
from consent_server.settings.rows import SettingsError
from consent_server.settings.shops import read_sites
from consent_server.site import ConsentError, Notice
from consent_server.tokens import Keys
from consent_server.web.showing import shown_in

CASES = int(os.environ.get("CASES", "150"))
often = hypothesis_settings(max_examples=CASES, deadline=None, suppress_health_check=list(HealthCheck))
KEYS = Keys(["the secret that the fuzzing is signed with"])
ORIGIN = "https://smartmarket.az"

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
fields = st.fixed_dictionaries(
    {},
    optional={
        "id": plain | st.from_regex(r"[A-Za-z0-9_-]{16,64}", fullmatch=True),
        "allow": plain | st.lists(st.sampled_from(["necessary", "functional", "analytics", "marketing", "x"])),
        "notice": plain | st.just("NOTICE"),
        "lang": plain | st.sampled_from(["az", "en"]),
        "variant": plain,
        "how": plain | st.sampled_from(["accept", "refuse", "script"]),
        "previous": plain | st.just("TOKEN"),
        "else": plain,
    },
)
bodies = st.binary(max_size=300) | plain.map(json.dumps).map(str.encode) | fields.map(json.dumps).map(str.encode)
header = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=60)
tokens = st.binary(max_size=200).map(lambda raw: raw.decode("latin-1")) | st.from_regex(
    r"[A-Za-z0-9_=-]{0,80}\.[A-Za-z0-9_=-]{0,90}", fullmatch=True
)


@pytest.fixture
def settings(settings):
    """Believes a proxy about who asks, and takes as much from one client as comes: what is refused is not looked at."""
    return replace(settings, client_limit=1_000_000, trusted_proxies=1)


@pytest.fixture
def known(client, shopper):
    notice = client.get("/v1/smartmarket/notice?lang=az").get_json()["notice"]
    shopper.decide("analytics")
    return {b'"NOTICE"': json.dumps(notice).encode(), b'"TOKEN"': json.dumps(shopper.token).encode()}


def test_any_body_gets_an_answer_in_words(client, known):
    @often
    @given(bodies, st.sampled_from(["decisions", "shown"]))
    def fuzz(body, call):
        for mark, value in known.items():
            body = body.replace(mark, value)
        response = client.post(f"/v1/smartmarket/{call}", data=body, headers={"Origin": ORIGIN})
        assert response.status_code in (200, 201, 204, 400, 409, 413, 422), response.text
        if response.status_code >= 400:
            assert response.get_json()["type"].startswith("/problems/")

    fuzz()


def test_any_header_and_query_gets_an_answer_in_words(app, marketer):
    client = app.test_client(use_cookies=False)
    session = marketer.get_cookie("marketer").value
    shop = ("consent.js", "notice", "me", "me/receipt", "allows/analytics", "rates", "rates.csv")
    paths = ("/", "/keys", "/metrics", "/nowhere", *(f"/v1/smartmarket/{path}" for path in shop))
    near = header | tokens.filter(lambda text: text.isprintable()).map(lambda text: f"Bearer {text}")
    names = (
        *("Origin", "User-Agent", "Authorization", "Accept-Language", "Accept-Encoding", "Sec-Purpose", "Sec-GPC"),
        *("Host", "If-None-Match", "Range", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Request-ID"),
    )
    cookies = st.sampled_from(("consent={}", "marketer={}", "{}", f"lang={{}}; marketer={session}"))
    asked = ("lang", "variant", "by", "from", "to", "site", "goal")
    query = st.dictionaries(st.sampled_from(asked), st.text(max_size=12))

    @often
    @given(st.dictionaries(st.sampled_from(names), near, max_size=4), cookies, header, st.sampled_from(paths), query)
    def fuzz(headers, cookie, value, path, query):
        response = client.get(path, headers={**headers, "Cookie": cookie.format(value)}, query_string=query)
        assert response.status_code < 500, (headers, path, response.text)

    fuzz()


@often
@given(tokens)
def test_any_text_is_a_token_or_is_refused(text):
    with pytest.raises(ConsentError):
        KEYS.read(text, "smartmarket")


@often
@given(st.data())
def test_no_token_survives_a_change(data):
    notice = Notice.of({"site": "shop", "revision": 1, "keep": 1000, "lang": "az", "variant": ""})
    consent = Decision("a" * 22, data.draw(st.integers(0, 7)), notice, "save", None).consent(1_800_000_000)
    payload = json.dumps({"any": data.draw(st.text())}).encode()
    text = KEYS._signer.sign(payload).decode() if data.draw(st.booleans()) else None
    if text:  # signed by us, but no consent
        with pytest.raises(ConsentError):
            KEYS.read(text, "shop")
    else:
        from consent_server.tokens import token

        good = token(consent, KEYS.sign(consent))
        at = data.draw(st.integers(0, len(good) - 1))
        other = data.draw(st.characters().filter(lambda c: c != good[at]))
        assert KEYS.read(good, "shop") == consent
        with pytest.raises(ConsentError):
            KEYS.read(good[:at] + other + good[at + 1 :], "shop")


@often
@given(bodies)
def test_parsing_raises_nothing_but_its_own_errors(site, body):
    notice = Notice.of({"site": "shop", "revision": 1, "keep": 1000, "lang": "az", "variant": ""})
    for parse in (
        lambda: Decision.parse(body, lambda name: notice, lambda text: KEYS.read(text, "shop")),
        lambda: shown_in(body, site, lambda name: notice),
    ):
        said = "."
        try:
            parse()
        except ConsentError as error:
            said = str(error)
        assert said.endswith((".", "?"))


def test_any_configuration_is_read_or_refused_in_words(tmp_path):
    from conftest import ROOT

    good = (ROOT / "consent.toml").read_text("utf-8")
    lines = good.splitlines()
    path = tmp_path / "consent.toml"

    @hypothesis_settings(often, max_examples=max(20, CASES // 3))
    @given(st.integers(0, len(lines) - 1), st.text(max_size=20) | st.sampled_from(['x = ""', "[sites.a]", "a = 1"]))
    def fuzz(number, other):
        changed = [*lines]
        key, equals, _ = lines[number].partition("=")
        changed[number] = f"{key}= {other}" if equals and len(other) % 2 else other
        text = "\n".join(changed)
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        said = str(path)
        try:
            assert read_sites(path)
            tomllib.loads(text)
        except SettingsError as error:
            said = str(error)
        assert str(path) in said

    fuzz()
