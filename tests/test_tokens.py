"""Anyone can check a token, only the server can make one."""

import json
import subprocess
import sys
from base64 import urlsafe_b64decode

import pytest

from consent_server.decision import consent_of
from consent_server.site import Notice
from consent_server.tokens import (
    BadToken,
    ExpiredToken,
    ForeignToken,
    ForgedToken,
    Keys,
    OutdatedToken,
    Verifier,
    token,
)

NOTICE = Notice.of({"site": "shop", "revision": 1, "keep": 1000, "lang": "az", "variant": ""})
CONSENT = consent_of(NOTICE, 2, 5000, "s" * 22, "d" * 22)
OLD, NEW = "old secret " * 4, "new secret " * 4


def issued(keys, consent=CONSENT):
    return token(consent, keys.sign(consent))


def test_its_payload_is_what_the_contract_says():
    payload, signature = issued(Keys([OLD])).split(".")
    text = urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    content = json.loads(text)
    assert content == {
        "typ": "consent",
        "site": "shop",
        "allow": ["analytics"],
        "rev": 1,
        "notice": NOTICE.hash,
        "at": 5000,
        "exp": 6000,
        "sub": "s" * 22,
        "jti": "d" * 22,
    }
    assert text == json.dumps(content, sort_keys=True, separators=(",", ":")).encode()
    assert len(urlsafe_b64decode(signature + "==")) == 64


def test_the_same_decision_gives_the_same_token():
    assert issued(Keys([OLD])) == issued(Keys([OLD]))


@pytest.mark.parametrize(
    ("header", "allows"),
    [
        ("a=b; consent=YES", True),
        ("consent=NO; consent=YES", False),
        ("consent=YES; consent=NO", False),
        ("consent=x; consent=YES; other=~1", True),
        ("consent=YES; consent=~%5B%7B%22site%22%3A%22shop%22%7D%5D", None),
        ("consent=~%5B%7B%22site%22%3A%22other%22%7D%5D; consent=YES", True),
        ("__Host-consent=YES", None),
        ("", None),
        (None, None),
    ],
)
def test_of_several_cookies_the_newest_counts_and_none_while_a_later_answer_waits(header, allows):
    keys = Keys([OLD])
    notice = Notice.of({"site": "shop", "revision": 1, "keep": 10**9, "lang": "az", "variant": ""})
    yes, no = (issued(keys, consent_of(notice, mask, 1_800_000_000 + mask, "s" * 22, "d" * 22)) for mask in (2, 0))
    verifier = Verifier(keys.jwks(), "shop")
    sent = header and header.replace("YES", yes).replace("NO", no)
    if allows is None:
        with pytest.raises(BadToken):
            verifier.newest(sent)
    else:
        assert verifier.newest(sent).allows("analytics") is allows
    assert verifier.newest(f"__Host-consent={yes}", "__Host-consent").allows("analytics")


def test_two_who_refuse_in_one_hour_hold_the_same_token():
    keys = Keys([OLD])
    one, other = (consent_of(NOTICE, 0, at, name, name) for at, name in ((7201, "one"), (10799, "other")))
    assert issued(keys, one) == issued(keys, other)
    assert b"sub" not in keys.payload(issued(keys, one))


@pytest.mark.parametrize("letter", "Aa0-_.=! ")
def test_it_is_refused_when_any_character_is_another(letter):
    keys = Keys([OLD])
    text = issued(keys)
    for place, right in enumerate(text):
        if right != letter:
            with pytest.raises(BadToken):
                keys.verify(text[:place] + letter + text[place + 1 :], "shop", 5001)


def test_it_is_refused_in_another_spelling_of_the_same_bytes():
    keys = Keys([OLD])
    text = issued(keys)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    raw = urlsafe_b64decode(text.split(".")[1] + "==")
    spellings = [
        text[:-1] + last for last in alphabet if urlsafe_b64decode(text.split(".")[1][:-1] + last + "==") == raw
    ]
    assert len(spellings) == 16
    for spelling in spellings:
        if spelling != text:
            with pytest.raises(ForgedToken):
                keys.read(spelling, "shop")


@pytest.mark.parametrize("text", ["", ".", "..", "a.b", "é.é", "x" * 5000, "A" * 300 + "." + "A" * 86])
def test_it_refuses_what_is_no_token(text):
    with pytest.raises(ForgedToken):
        Keys([OLD]).read(text, "shop")


def test_it_refuses_a_token_of_another_site():
    keys = Keys([OLD])
    with pytest.raises(ForeignToken):
        keys.read(issued(keys), "other")


def test_it_refuses_a_signed_text_of_another_type():
    keys = Keys([OLD])
    seal = {"typ": "seal", "site": "shop"}
    with pytest.raises(ForeignToken):
        keys.read(token(seal, keys.sign(seal)), "shop")


@pytest.mark.parametrize(("now", "valid"), [(5999, True), (6000, False), (99999, False)])
def test_it_expires(now, valid):
    keys = Keys([OLD])
    if valid:
        assert keys.verify(issued(keys), "shop", now) == CONSENT
    else:
        with pytest.raises(ExpiredToken):
            keys.verify(issued(keys), "shop", now)


def test_a_verifier_heeds_a_raised_revision():
    keys = Keys([OLD])
    for revision, valid in ((0, True), (CONSENT.rev, True), (CONSENT.rev + 1, False)):
        verifier = Verifier(keys.jwks(), "shop", revision=revision)
        if valid:
            assert verifier.verify(issued(keys), 5999) == CONSENT
        else:
            with pytest.raises(OutdatedToken, match="what was asked before"):
                verifier.verify(issued(keys), 5999)


def test_the_newest_secret_signs_and_all_verify():
    rotated = Keys([NEW, OLD])
    assert rotated.read(issued(Keys([OLD])), "shop") == CONSENT
    assert Keys([NEW]).read(issued(rotated), "shop") == CONSENT
    with pytest.raises(ForgedToken):
        Keys([NEW]).read(issued(Keys([OLD])), "shop")


def loaded(program):
    """Return what a program loads, by the names of modules, without what comes with Python."""
    start = f"import sys; sys.path[:0] = {[entry for entry in sys.path if entry]!r}; before = {{*sys.modules}}; "
    end = "; print(*{*sys.modules} - before)"
    result = subprocess.run([sys.executable, "-c", start + program + end], capture_output=True, text=True, check=True)
    return {*result.stdout.split()}


@pytest.mark.parametrize(
    "made",
    [
        "Verifier(['11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo'], 'shop')",
        "Verifier.from_url('https://consent.example/v1/keys.json', 'shop')",
    ],
)
def test_whoever_only_verifies_loads_what_that_needs_alone(made):
    names = loaded(f"from consent_server.tokens import Verifier; {made}")
    packages = {name.partition(".")[0] for name in names if name[0] != "_"} - sys.stdlib_module_names
    needed = {"consent_server", "cryptography", "itsdangerous", "msgspec"}
    assert needed <= packages <= needed | {"typing_extensions"}
    assert {name for name in names if name.startswith("consent_server")} == {
        *("consent_server", "consent_server.decision"),
        *("consent_server.site", "consent_server.site.rules"),
        *("consent_server.tokens", "consent_server.tokens.accounts"),
        *("consent_server.tokens.errors", "consent_server.tokens.reader", "consent_server.tokens.verifier"),
    }
    assert {"http.client", "urllib.request", "ssl", "email"} & names == set()


def test_the_package_hands_the_server_on_to_whoever_asks_for_it():
    assert {"flask", "redis", "consent_server.app"} <= loaded("from consent_server import create_app")


def test_the_public_key_alone_verifies_in_a_process_that_has_no_secret():
    keys = Keys([OLD])
    program = (
        "import json, sys; from consent_server.tokens import Verifier; keys, token = json.load(sys.stdin);"
        "consent = Verifier(keys, 'shop').verify(token, now=5001);"
        "print(consent.allows('analytics'), consent.allows('marketing'))"
    )
    result = subprocess.run(
        [sys.executable, "-c", program],
        input=json.dumps([keys.jwks(), issued(keys)]),
        capture_output=True,
        text=True,
        env={},
        check=True,
    )
    assert result.stdout == "True False\n"


JWKS = Keys([OLD]).jwks()


@pytest.mark.parametrize(
    "keys", [JWKS, JWKS["keys"], JWKS["keys"][0], [key["x"] for key in JWKS["keys"]], JWKS["keys"][0]["x"]]
)
def test_a_verifier_takes_the_published_keys_as_one_has_them(keys):
    verifier = Verifier(keys, "shop")
    assert verifier.verify(issued(Keys([OLD])), now=5001) == CONSENT
    with pytest.raises(BadToken):
        verifier.verify(None)  # what request.cookies.get("consent") may be


def test_a_verifier_cannot_sign_and_needs_a_key():
    assert not hasattr(Verifier(JWKS, "shop"), "sign")
    with pytest.raises(BadToken):
        Verifier([], "shop")
