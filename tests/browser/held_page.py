"""What the plug-in for WordPress makes of a page."""

from __future__ import annotations

import json

from .plug_in import GATE, php

OPTIONS = {
    "addresses": "*.tracker.example analytics\nshop.example:8080/ads/* marketing\nfonts.googleapis.com = necessary",
    "handles": "counter analytics marketing\nplayer necessary\nmap = functional\nwrong",
}


def held(*pages: str) -> list[str]:
    """Return pages as they are sent; what is held once is as it would be held again."""
    code = """foreach ($given as $html) { $once = held($html); $all[] = [$once, held($once)]; }
              echo json_encode($all ?? []);"""
    both = php(code, pages, GATE, OPTIONS=json.dumps(OPTIONS))
    assert [twice for _, twice in both] == [once for once, _ in both]
    return [once for once, _ in both]


T = "https://tracker.example/a"
WAITS = '<img data-consent="analytics" data-src="https://tracker.example/a">'
