"""The template for Google Tag Manager: its sandboxed code, run with the documented APIs, around a real consent server.

Tag Manager itself is not here. What stands in for it gives the code the APIs that it asks for, as their reference
describes them, and refuses what its permissions do not allow:
https://developers.google.com/tag-platform/tag-manager/templates/api
"""

from __future__ import annotations

import json
import re
import subprocess
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import quote

import pytest
from conftest import ROOT, Shopper
from playwright.sync_api import Page, expect

from .conftest import Shop, banner, press, until
from .test_vendors import DENIED


def parts_of(name: str) -> dict[str, str]:
    """Return the parts of a template, by what Tag Manager calls them."""
    text = (ROOT / "snippet" / "gtm" / name).read_text("utf-8")
    return dict(re.findall(r"^___([A-Z_]+)___\n(.*?)(?=^___[A-Z_]+___$|\Z)", text, re.MULTILINE | re.DOTALL))


PARTS = parts_of("template.tpl")
CODE = PARTS["SANDBOXED_JS_FOR_WEB_TEMPLATE"]

TAG_MANAGER = """
window.dataLayer = [];
window.told = [];
const may = %(may)s;
const fire = (event, pushed) => new Promise((resolve) => {
  const check = (permission, key) => {
    const allowed = may[permission].some((pattern) => key == pattern
      || new RegExp('^' + pattern.replace(/[.?]/g, '\\\\$&').replaceAll('*', '.*') + '$').test(key));
    if (!allowed) throw Error(`the permission ${permission} does not have ${key}`);
  };
  const state = (kind) => (given) => {
    for (const type of Object.keys(given).filter((it) => it != 'wait_for_update')) check('access_consent', type);
    told.push([kind, { ...given }]);
  };
  const apis = {
    copyFromDataLayer: (key) => { check('read_data_layer', key); return { event, ...pushed }[key]; },
    gtagSet: (key, value) => { check('write_data_layer', key); told.push(['set', key, value]); },
    injectScript(url, loaded, failed, token) {
      check('inject_script', url.replace(/^http:\\/\\/([\\w.]+):\\d+/, 'https://$1'));
      const script = Object.assign(document.createElement('script'), { src: url, async: true, onload: loaded, onerror: failed });
      document.head.append(script);
    },
    makeNumber: Number,
    setDefaultConsentState: state('default'),
    updateConsentState: state('update'),
  };
  const require = (name) => apis[name] ?? (() => { throw Error(`${name} is no API of this template`); })();
  const data = { ...%(data)s, gtmOnSuccess: () => resolve('success'), gtmOnFailure: () => resolve('failure') };
  new Function('require', 'data', %(code)s)(require, data);
});
const push = dataLayer.push;
dataLayer.push = (entry) => {
  push.call(dataLayer, entry);
  if (entry.event == 'consentchange') fire('consentchange', entry);
};
window.done = fire('gtm.init_consent');
"""
"""Fires the tag at Consent Initialization, and on the event of each answer."""


def permissions(written: str = PARTS["WEB_PERMISSIONS"]) -> dict[str, list[str]]:
    """Return what each permission allows, by its name."""
    may = {}
    for each in json.loads(written):
        lists = [param["value"]["listItem"] for param in each["instance"]["param"] if "listItem" in param["value"]]
        may[each["instance"]["key"]["publicId"]] = [
            item["string"] if "string" in item else item["mapValue"][0]["string"] for item in lists[0]
        ]
    return may


def page_with(shop: Shop, **data: Any) -> str:
    """Return the address of a page that Tag Manager brings the banner to."""
    data = {"server": shop.url(""), "site": "shop", "wait": "500", **data}
    filled = TAG_MANAGER % {"may": json.dumps(permissions()), "data": json.dumps(data), "code": json.dumps(CODE)}
    return shop.page("", head=f"<script>{filled}</script>")


def test_its_parts_are_what_the_gallery_reads() -> None:
    assert [*PARTS] == [
        *("TERMS_OF_SERVICE", "INFO", "TEMPLATE_PARAMETERS", "SANDBOXED_JS_FOR_WEB_TEMPLATE"),
        *("WEB_PERMISSIONS", "TESTS", "NOTES"),
    ]
    info = json.loads(PARTS["INFO"])
    assert (info["type"], info["containerContexts"]) == ("TAG", ["WEB"])
    names = {each["name"] for each in json.loads(PARTS["TEMPLATE_PARAMETERS"])}
    assert set(re.findall(r"data\.(\w+)", CODE)) - {"gtmOnSuccess", "gtmOnFailure"} == names
    assert "Apache License" in (ROOT / "snippet" / "gtm" / "LICENSE").read_text("utf-8")


@pytest.mark.parametrize("path", ["", "/", "/consent", "/ask/", "/shop/consent"])
def test_it_may_load_the_script_from_each_server_that_it_takes(path: str) -> None:
    (server,) = (each for each in json.loads(PARTS["TEMPLATE_PARAMETERS"]) if each["name"] == "server")
    (pattern,) = (args for each in server["valueValidators"] for args in each.get("args", []))
    address = f"https://shop.example{path}"
    assert re.search(pattern, address)
    script = f"{address.removesuffix('/')}/v1/shop/consent.js"
    parts = [each.removeprefix("https://").partition("/") for each in (script, *permissions()["inject_script"])]
    (host, _, rest), *may = parts
    assert any(fnmatchcase(host, its_host) and fnmatchcase(rest, its_rest) for its_host, _, its_rest in may)


def test_google_is_denied_before_the_banner_and_told_each_answer(shop: Shop, page: Page) -> None:
    shop.serve(vendors={"google": {}})
    url = page_with(shop, redact=True)
    page.goto(url)
    expect(banner(page)).to_be_visible()
    assert page.evaluate("done") == "success"
    assert page.evaluate("told") == [
        ["default", {**DENIED, "wait_for_update": 500}],
        ["set", "ads_data_redaction", True],
    ]
    press(page, "accept")
    until(page, "told.length == 3")
    assert page.evaluate("told[2]") == ["update", dict.fromkeys(DENIED, "granted")]
    until(page, "consent.token")
    page.goto(url)
    until(page, "told.length == 3")
    assert page.evaluate("told.map(([kind]) => kind)") == ["default", "set", "update"]
    page.evaluate("consent.decide({ functional: false, analytics: false, marketing: false })")
    until(page, "told.length == 4")
    assert page.evaluate("told[3]") == ["update", DENIED]


@pytest.mark.troubles("Failed to load|Refused to execute")
def test_a_server_that_is_away_is_a_failure_and_everything_stays_denied(shop: Shop, page: Page) -> None:
    page.goto(page_with(shop, site="nowhere"))
    assert page.evaluate("done") == "failure"
    assert page.evaluate("told") == [["default", {**DENIED, "wait_for_update": 500}]]


SERVER_CONTAINER = """
const [may, cookies, data, code] = JSON.parse(process.argv[1]);
const check = (permission, key) => {
  const pattern = may[permission].find((each) => each == key || each == 'https://*/*' && /^https:[/][/].+[/]/.test(key));
  if (!pattern) throw Error(`the permission ${permission} does not have ${key}`);
};
const apis = {
  getCookieValues: (name) => { check('get_cookies', name); return cookies[name] ?? []; },
  sendHttpRequest(url, { headers, method, timeout }) {
    check('send_http', url.replace(/^http:/, 'https:'));
    return fetch(url, { headers, method, signal: AbortSignal.timeout(timeout) })
      .then(({ status }) => ({ statusCode: status }), () => { throw { reason: 'failed' }; });
  },
};
const require = (name) => apis[name] ?? (() => { throw Error(`${name} is no API of this template`); })();
console.log(JSON.stringify(await new Function('require', 'data', code)(require, data)));
"""


def test_in_a_server_container_a_category_is_allowed_where_the_consent_server_says_so(shop: Shop) -> None:
    parts = parts_of("server.tpl")
    info = json.loads(parts["INFO"])
    assert (info["type"], info["containerContexts"]) == ("MACRO", ["SERVER"])
    code, may = parts["SANDBOXED_JS_FOR_SERVER"], permissions(parts["SERVER_PERMISSIONS"])
    names = {each["name"] for each in json.loads(parts["TEMPLATE_PARAMETERS"])}
    assert {*re.findall(r"data\.(\w+)", code)} == names
    shopper = Shopper(shop.app.test_client(use_cookies=False), shop.site)
    shopper.decide("analytics", lang="en")
    server = shop.url("/").replace("shop.localhost", "127.0.0.1")

    def allowed(category: str, **cookies: list[str]) -> bool:
        named = {name.replace("__Host_", "__Host-"): values for name, values in cookies.items()}
        given = [may, named, {"server": server, "site": "shop", "category": category}, code]
        command = ["node", "--input-type=module", "--eval", SERVER_CONTAINER, json.dumps(given)]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return bool(json.loads(done.stdout))

    token = str(shopper.token)
    assert allowed("analytics", consent=["made.up", token])
    assert not allowed("marketing", consent=[token])
    assert not allowed("analytics", consent=[token], __Host_consent=["made.up"])
    assert not allowed("analytics")
    other = Shopper(shop.app.test_client(use_cookies=False), shop.site)
    other.decide(lang="en")
    assert not allowed("analytics", consent=[token, str(other.token)]), "the newest of two is a no"
    waits = quote(json.dumps([{"allow": [], "site": "shop"}], separators=(",", ":")), safe="")
    assert not allowed("analytics", consent=[token, f"~{waits}"]), "a later answer waits"
    assert allowed("analytics", consent=[token, "~null", f"~{waits.replace('shop', 'other')}"]), (
        "that is another shop's"
    )
    shopper.decide(lang="en")
    assert not allowed("analytics", consent=[token]), "it was taken back"
    server = "http://127.0.0.1:9"
    assert not allowed("analytics", consent=[token]), "a server that is away allows nothing"
