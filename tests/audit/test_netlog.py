"""What is read out of Chromium's network log: addresses that an answer's header names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from consent_server.audit.browsing.netlog import read_netlog

PAGE = "https://shop.example/goods?id=1"


def logged(path: Path, *headers: str) -> Path:
    """Write a log of one request whose answer has these headers."""
    types = {"URL_REQUEST_START_JOB": 1, "HTTP_TRANSACTION_READ_RESPONSE_HEADERS": 2}
    events = ({"url": PAGE, "initiator": "not an origin"}, {"headers": ["HTTP/1.1 200", *headers]})
    lines = [
        f'{{"constants":{json.dumps({"logEventTypes": types, "timeTickOffset": "0"})},',
        '"events": [',
        *(
            json.dumps({"type": kind, "params": params, "source": {"id": 7}, "time": "1"}) + ","
            for kind, params in enumerate(events, 1)
        ),
    ]
    path.write_text("\n".join(lines))
    return path


@pytest.mark.parametrize(
    ("header", "addresses"),
    [
        ("<https://t.example>; rel=preconnect", ["https://t.example/"]),
        ('<https://T.example/>; crossorigin; rel="preconnect"', ["https://t.example/"]),
        ("<//t.example>; rel=preconnect", ["https://t.example/"]),
        ("<//t.example:8443/x>; rel=dns-prefetch", ["https://t.example:8443/x"]),
        ('<https://t.example>;rel="dns-prefetch preconnect", </a.css>; rel=preload; as=style', ["https://t.example/"]),
        ("</a.css>; rel=preload, <https://t.example>; rel = PreConnect", ["https://t.example/"]),
        ("<http://[>; rel=preconnect", [""]),
        ("<https://t.example/next>; rel=next", []),
    ],
)
def test_what_an_answer_has_the_browser_connect_to_is_an_address(
    tmp_path: Path, header: str, addresses: list[str]
) -> None:
    (sent,) = read_netlog(logged(tmp_path / "log", f"Link: {header}", "Set-Cookie: a=1"))
    assert sent.preconnects == addresses
    assert sent.cookies == ["a=1"]
