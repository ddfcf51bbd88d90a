"""A fuzzer that is led by coverage, at the two parsers that read what anybody may send.

``python -m tests.guided token|decision SECONDS`` ends with status 0 when that time is over, and otherwise at the first
input that is answered with anything but an error of ours. What it has learnt stays in ``test-results/guided``, and the
next run goes on from there. It needs atheris, which ``make fuzz`` fetches.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["consent_server.decision", "consent_server.tokens", "itsdangerous"]):
    from consent_server.decision import Decision
    from consent_server.settings.shops import read_sites
    from consent_server.site import ConsentError, Notice
    from consent_server.tokens import Keys, token

KEYS = Keys(["the secret that the fuzzing is signed with"])
SITE = replace(read_sites(Path("consent.toml"))["smartmarket"], id="shop")
NOTICE = Notice.of({"site": "shop", "revision": 1, "keep": 1000, "lang": "az", "variant": ""})
CONSENT = Decision("a" * 22, 3, NOTICE, "save", None).consent(1_800_000_000)
GENUINE = token(CONSENT, KEYS.sign(CONSENT))
BODY = {"id": "a" * 22, "allow": ["analytics"], "notice": NOTICE.hash, "lang": "az", "how": "save", "previous": GENUINE}
"""What fuzzing starts from, so that it need not guess what is valid."""


def read_token(data: bytes) -> None:
    """A text that nobody signed is refused; of what we signed ourselves, only a consent is read."""
    signed = data[:1] == b"s"
    text = KEYS._signer.sign(data[1:]).decode("latin-1") if signed else data.decode("latin-1")
    try:
        consent = KEYS.read(text, "shop")
    except ConsentError:
        return
    assert consent.site == "shop"
    assert signed or text == GENUINE, "a token was forged"


def read_decision(data: bytes) -> None:
    """A body is a decision within bounds, or is refused."""
    try:
        decision = Decision.parse(data, {NOTICE.hash: NOTICE}.get, lambda text: KEYS.read(text, "shop"))
    except ConsentError:
        return
    assert 0 <= decision.allow < 8
    assert 16 <= len(decision.id) <= 64
    assert decision.notice is NOTICE
    assert decision.previous in (None, CONSENT)


PARSERS = {
    "token": (read_token, [GENUINE.encode(), b"s" + GENUINE.partition(".")[0].encode()]),
    "decision": (read_decision, [json.dumps(BODY).encode(), json.dumps({**BODY, "previous": None}).encode()]),
}

if __name__ == "__main__":
    name, seconds = sys.argv[1:]
    parse, seeds = PARSERS[name]
    found = Path("test-results", "guided", name)
    found.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds):
        (found / f"seed-{number}").write_bytes(seed)
    flags = (f"-max_total_time={seconds}", "-max_len=1024", "-timeout=5", f"-artifact_prefix={found}-", "-verbosity=0")
    atheris.Setup([sys.argv[0], *flags, "-print_final_stats=1", str(found)], parse)
    atheris.Fuzz()
