"""A page with twelve services: one line of the draft lists them, and the shop's own cookies alone are left to write."""

from __future__ import annotations

import json
import re
import threading
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from conftest import free_port
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from consent_server.audit.browsing import browser
from consent_server.audit.drafting.draft import draft
from consent_server.audit.drafting.suggestions import Suggestions
from consent_server.catalogue import service
from consent_server.settings.shops import read_sites

from .farm import Farm, Quiet

SERVICES = (
    *("clarity", "criteo", "ga4", "hotjar", "hubspot", "intercom"),
    *("jivo", "linkedin", "meta-pixel", "tiktok", "vk-pixel", "yandex-metrica"),
)
LANGUAGES = ("az", "en", "ru", "tr")

OWN = {"shop_basket": "cookie", "shop_seen": "local-storage"}

SETS = {
    "cookie": "document.cookie = '{name}=1;path=/'",
    "local-storage": "localStorage.setItem('{name}', 1)",
    "session-storage": "sessionStorage.setItem('{name}', 1)",
    "indexed-db": "indexedDB.open('{name}')",
}

CONFIG = """[sites.shop]
name = "Shop"
origins = ["{origin}"]
policy_url = "/privacy"
policy_updated = 2025-12-20
languages = {languages}
"""


def asked(name: str) -> str:
    """Return an address that a service is asked at."""
    pattern = service(name).patterns[0].replace("*.", "a.")
    return f"https://{pattern if '/' in pattern else pattern + '/*'}".replace("*", "tag.js")


def script(name: str) -> str:
    """Return what a service's tag leaves with the shop, by the catalogue."""
    return ";".join(
        SETS[entry.kind].replace("{name}", entry.name.replace("*", "1a2b"))
        for entry in service(name).entries
        if not entry.host
    )


@pytest.fixture
def vendors(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mapping[str, str]]:
    """Stand in for everybody's hosts: the browser finds them here, under their own names."""
    scripts = {asked(name): script(name) for name in SERVICES}

    def answer(environ: object, start_response: object) -> object:
        text = scripts.get(Request(environ).base_url, "")  # type: ignore[arg-type]
        return Response(text, 200, {"Access-Control-Allow-Origin": "*"}, content_type="text/javascript")(
            environ,  # type: ignore[arg-type]
            start_response,  # type: ignore[arg-type]
        )

    port = free_port()
    server = make_server("127.0.0.1", port, answer, threaded=True, request_handler=Quiet, ssl_context="adhoc")  # type: ignore[arg-type]
    server.daemon_threads = True  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    there = f"--host-resolver-rules=MAP * 127.0.0.1:{port}, EXCLUDE *.localhost"
    monkeypatch.setattr(browser, "FLAGS", (*browser.FLAGS, there, "--ignore-certificate-errors"))
    yield scripts
    server.shutdown()
    server.server_close()


def test_the_shops_own_alone_is_left_to_write_in_four_languages(
    farm: Farm, vendors: Mapping[str, str], tmp_path: Path
) -> None:
    own = ";".join(SETS[kind].replace("{name}", name) for name, kind in OWN.items())
    farm.page("".join(f'<script src="{url}"></script>' for url in vendors) + f"<script>{own}</script>")
    config = tmp_path / "consent.toml"
    shop = CONFIG.replace("{origin}", farm.url("")).replace("{languages}", json.dumps(LANGUAGES))
    config.write_text(shop, "utf-8")
    site = read_sites(config)["shop"]

    text = draft(farm.audit(("before",), site=site), site, Suggestions())
    assert sorted(tomllib.loads(text)["sites"]["shop"]["services"]) == sorted(SERVICES), text
    left = "\n".join(line.removeprefix("# ") for line in text.splitlines() if re.match(r"# (\[\[|\w+ = )", line))
    rows = tomllib.loads(left)["sites"]["shop"]
    assert rows.keys() == {"cookies"}
    written = rows["cookies"]["CATEGORY"]
    assert {row["name"] for row in written} == OWN.keys()
    assert all({*row["purpose"]} == {*row["life"]} == {*LANGUAGES} for row in written)

    (line,) = (line for line in text.splitlines() if line.startswith("services = "))
    filled = left.replace("CATEGORY", "necessary").replace('""', '"Ours"')
    config.write_text(f"{shop}{line}\n{filled}", "utf-8")
    site = read_sites(config)["shop"]
    for cookies in site.cookies.values():
        assert all({*cookie.purpose} == {*cookie.life} == {*LANGUAGES} for cookie in cookies)
    report = farm.audit(("before",), site=site)
    assert draft(report, site, Suggestions()) == f"# {farm.url()}: everything that was seen is listed."
    assert {finding.category for finding in report.findings} == {"functional", "analytics", "marketing"}
