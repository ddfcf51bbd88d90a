"""The npm package: what is in it, that its types compile, and the examples of docs/frontends.md that need no big build."""

from __future__ import annotations

import json
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import ROOT
from examples import example
from playwright.sync_api import Page, expect

import consent_server
from consent_server.site.rules import Rule

from .app_sources import (
    COMPILES,
    LATER,
    LOADS,
    OUTSIDE,
    PLACED,
    PLACED_BY_REACT,
    REACT_APP,
    REACT_CLIENT,
    REACT_SERVER,
    SILENT,
    STRICT,
    SVELTE_MAIN,
    SVELTE_SERVER,
    USES,
    VUE_SERVER,
    WORKER,
)
from .conftest import Shop, press, until
from .packaged import App, answers, app, follows_the_place, node, project, show, tarball

__all__ = ["app", "project", "tarball"]

SNIPPET = ROOT / "snippet"
VECTORS = json.loads((ROOT / "tests" / "vectors.json").read_text("utf-8"))


# ---- What is in it ----


def test_it_holds_what_it_exports_and_nothing_of_the_scripts_that_the_server_serves(tarball: Path) -> None:
    with tarfile.open(tarball) as packed:
        names = {name.removeprefix("package/") for name in packed.getnames()}
        described = json.load(packed.extractfile("package/package.json"))  # type: ignore[arg-type]
    exported = {
        path.removeprefix("./")
        for each in described["exports"].values()
        for path in (each.values() if isinstance(each, dict) else [each])
    }
    assert exported <= names
    assert names - exported == {"LICENSE", "README.md", "npm/answer.js", "types/npm/answer.d.ts"}
    assert described["version"] == consent_server.__version__
    assert "dependencies" not in described
    assert {*described["peerDependencies"]} == {*described["peerDependenciesMeta"]}


def test_its_licence_is_ours_and_what_it_brings_a_framework_is_small() -> None:
    assert (SNIPPET / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()
    for path in (SNIPPET / "npm").iterdir():
        assert len(path.read_text("utf-8").splitlines()) <= 60, path.name


def test_its_types_and_the_examples_compile_under_strict(app: Callable[..., App]) -> None:
    made = app(
        types__ts=example("frontends types"),
        script__ts=example("frontends script"),
        Shop__tsx=example("frontends react shop"),
        main__tsx=example("frontends react main").replace("'./Shop'", "'./Shop.js'"),
        uses__ts=USES,
        tsconfig__json=json.dumps({"compilerOptions": STRICT, "include": ["*.ts", "*.tsx"]}),
    )
    # React's own types of `react-dom/client` are not among what is installed here.
    (made.folder / "react-dom.d.ts").write_text(
        "declare module 'react-dom/client' {\n"
        "  export function createRoot(at: Element): { render(what: import('react').ReactNode): void };\n}"
    )
    assert node(made.folder, COMPILES).strip() == ""


def test_its_types_are_found_by_compilers_that_read_no_exports(app: Callable[..., App]) -> None:
    told = {**STRICT, "module": "commonjs", "moduleResolution": "node10", "esModuleInterop": True}
    uses = USES.replace("import { useConsent as inReact } from 'consent-server/react';", "declare const inReact: any;")
    uses = uses.partition("// @ts-expect-error there")[0]
    made = app(uses__ts=uses, tsconfig__json=json.dumps({"compilerOptions": told, "files": ["uses.ts"]}))
    assert node(made.folder, COMPILES).strip() == ""


def test_in_a_store_too_vue_knows_the_answer_as_it_changes(project: Path) -> None:
    assert json.loads(node(project, OUTSIDE)) == [False, True, False], "a server draws as if nobody had answered"


def test_the_types_that_a_server_serves_compile_alone_with_the_documented_idiom(shop: Shop, tmp_path: Path) -> None:
    served = shop.app.test_client().get("/v1/consent.d.ts")
    assert served.mimetype == "application/typescript"
    (tmp_path / "consent.d.ts").write_bytes(served.data)
    (tmp_path / "use.ts").write_text(example("frontends types").partition("\n")[2])
    flags = ("--strict", "--noEmit", "--skipDefaultLibCheck", "--target", "es2022")
    tsc = [SNIPPET / "node_modules/.bin/tsc", *flags, "consent.d.ts", "use.ts"]
    said = subprocess.run(tsc, cwd=tmp_path, capture_output=True, text=True)
    assert said.returncode == 0, said.stdout


def test_tokens_are_checked_by_what_it_brings(project: Path) -> None:
    asks = """
      import { verify } from 'consent-server/verify';
      const { keys, site, now, cases } = JSON.parse(process.argv[1]);
      const verdict = ({ token, revision }) => verify(token, keys, { site, revision, now }).then(({ allow }) => allow, () => null);
      console.log(JSON.stringify(await Promise.all(cases.map(verdict))));"""
    assert json.loads(node(project, asks, json.dumps(VECTORS))) == [case.get("allow") for case in VECTORS["cases"]]


# ---- In a browser ----


def test_the_script_is_loaded_once_and_a_tag_that_is_there_counts(
    shop: Shop, page: Page, app: Callable[..., App]
) -> None:
    before = "import { loadConsent as again } from 'consent-server';\nvoid again({ server: '/', site: 'shop' });\n"
    shop.pages["/app.js"] = (
        "text/javascript",
        app(main__ts=before + example("frontends script")).bundle("main.ts"),
        {},
    )
    for head in ("", shop.tag):
        page.goto(shop.page('<script type="module" src="/app.js"></script>', head=head))
        press(page, "accept")
        expect(page).to_have_title("Shop, counted")
        assert page.locator("script[src*='consent.js']").count() == 1
        until(page, "!!consent.token")  # or it would come after the cookies were cleared
        page.context.clear_cookies()


@pytest.mark.troubles("Failed to load resource")
def test_a_script_that_did_not_load_is_told_and_tried_again(shop: Shop, page: Page, app: Callable[..., App]) -> None:
    source = "import { loadConsent } from 'consent-server'; Object.assign(window, { loadConsent });"
    show(shop, page, app(main__ts=source).bundle("main.ts"))
    load = "(server) => loadConsent({ server, site: 'shop' }).then(({ choice }) => `${choice}`, String)"
    assert "/nowhere/v1/shop/consent.js did not load" in page.evaluate(load, "/nowhere")
    assert page.evaluate(load, "/") == "null"


@pytest.mark.troubles("Failed to load resource")
@pytest.mark.parametrize("kind", ["", "async "])
def test_a_tag_of_the_page_s_that_did_not_load_is_told_and_counts_no_more(
    shop: Shop, page: Page, app: Callable[..., App], kind: str
) -> None:
    shop.pages["/app.js"] = ("text/javascript", app(main__ts=LOADS).bundle("main.ts"), {})
    tag = f'<script {kind}src="/nowhere/v1/shop/consent.js"></script>'
    page.goto(shop.page('<script type="module" src="/app.js"></script>', head=tag))
    assert "/v1/shop/consent.js did not load" in page.evaluate("first")
    until(page, "document.readyState == 'complete'")
    assert page.evaluate("load()") == "null"


@pytest.mark.troubles("Failed to load resource|Trusted|Content Security Policy")
@pytest.mark.parametrize("names", ["consent consent-load", "consent default", None, "consent"])
def test_under_trusted_types_it_loads_by_a_policy_that_the_page_s_list_has(
    shop: Shop, page: Page, app: Callable[..., App], names: str | None
) -> None:
    shop.pages["/app.js"] = ("text/javascript", app(main__ts=LOADS).bundle("main.ts"), {})
    policy = "require-trusted-types-for 'script'" + (f"; trusted-types {names}" if names else "")
    own = "<script>trustedTypes.createPolicy('default', { createScriptURL: (url) => url })</script>"
    head = own if names == "consent default" else " "
    page.goto(shop.page('<script type="module" src="/app.js"></script>', head=head, Content_Security_Policy=policy))
    until(page, "window.load")
    for _ in range(2):
        said = page.evaluate("load()")
        assert "TrustedScriptURL" in said if names == "consent" else said == "null"


def test_the_place_is_handed_to_the_tag(shop: Shop, page: Page, app: Callable[..., App]) -> None:
    shop.serve(rules=(Rule("uk", ("GB",), {"analytics": "objection"}),))
    made, tag = app(main__ts=PLACED, react__tsx=PLACED_BY_REACT), page.locator("script[src*='consent.js']")
    show(shop, page, made.bundle("main.ts"))
    address = page.url
    expect(page).to_have_title("false")
    assert tag.get_attribute("data-place") is None
    for place, allowed in (("GB", "true"), ("FR", "false"), ("", "false")):
        page.goto(f"{address}?place={place}")
        expect(page).to_have_title(allowed)
        assert tag.get_attribute("data-place") == place
    show(shop, page, made.bundle("react.tsx"))
    expect(tag).to_have_attribute("data-place", "GB")


def test_react_asks_draws_and_takes_back(shop: Shop, page: Page, app: Callable[..., App]) -> None:
    made = app(Shop__tsx=example("frontends react shop"), main__tsx=example("frontends react main"))
    show(shop, page, made.bundle("main.tsx"))
    answers(shop, page)
    follows_the_place(shop, page)


@pytest.mark.parametrize("version", ["18", "19"])
def test_react_takes_over_what_a_server_drew_for_who_has_accepted_too(
    shop: Shop, page: Page, app: Callable[..., App], version: str
) -> None:
    made = app(
        Shop__tsx=example("frontends react shop"),
        App__tsx=REACT_APP,
        server__tsx=REACT_SERVER,
        client__tsx=REACT_CLIENT,
    )
    html, script = made.prints("server.tsx", version), made.bundle("client.tsx", react=version)
    assert "Visits are not counted." in html
    show(shop, page, script, html)
    answers(shop, page)
    page.evaluate("consent.decide({ functional: true, analytics: true, marketing: true })")
    until(page, "consent.token")
    page.goto(shop.page(f'<div id="root">{html}</div><script type="module" src="/app.js"></script>'))  # with a tag too
    expect(page.get_by_text("Visits are counted.")).to_be_visible()
    assert page.evaluate("recovered.join() + (drawn == document.getElementById('root').firstElementChild)") == "true"


def test_vue_asks_draws_and_takes_back(shop: Shop, page: Page, app: Callable[..., App]) -> None:
    made = app(Shop__vue=example("frontends vue shop"), main__ts=example("frontends vue main"))
    show(shop, page, made.bundle("main.ts"))
    answers(shop, page)
    follows_the_place(shop, page)


def test_vue_takes_over_what_a_server_drew_for_who_has_accepted_too(
    shop: Shop, page: Page, app: Callable[..., App]
) -> None:
    main = example("frontends vue main").replace("createApp", "createSSRApp")
    made = app(Shop__vue=example("frontends vue shop"), main__ts=main, server__ts=VUE_SERVER)
    html, script = made.prints("server.ts"), made.bundle("main.ts")
    assert "Visits are not counted." in html
    show(shop, page, script, html)
    answers(shop, page)
    page.evaluate("consent.decide({ functional: true, analytics: true, marketing: true })")
    until(page, "consent.token")
    page.goto(shop.page(f'<div id="root">{html}</div><script type="module" src="/app.js"></script>'))
    expect(page.get_by_text("Visits are counted.")).to_be_visible()


def test_svelte_asks_draws_and_takes_back_and_takes_over_what_a_server_drew(
    shop: Shop, page: Page, app: Callable[..., App]
) -> None:
    made = app(
        Shop__svelte=example("frontends svelte shop"),
        mount__js=SVELTE_MAIN.replace("{how}", "mount"),
        hydrate__js=SVELTE_MAIN.replace("{how}", "hydrate"),
        server__js=SVELTE_SERVER,
    )
    show(shop, page, made.bundle("mount.js"))
    answers(shop, page)
    follows_the_place(shop, page)
    shop.serve()
    page.context.clear_cookies()
    html = made.prints("server.js")
    assert "Visits are not counted." in html
    page.context.clear_cookies()
    shop.hits.clear()
    show(shop, page, made.bundle("hydrate.js"), html)
    answers(shop, page)
    page.evaluate("consent.decide({ functional: true, analytics: true, marketing: true })")
    until(page, "consent.token")
    page.goto(shop.page(f'<div id="root">{html}</div><script type="module" src="/app.js"></script>'))
    expect(page.get_by_text("Visits are counted.")).to_be_visible()


def test_a_worker_knows_what_the_shopper_allows(shop: Shop, page: Page, app: Callable[..., App]) -> None:
    made = app(worker__js=example("frontends worker"))
    page.goto(shop.page(""))
    press(page, "accept")
    until(page, "consent.token")
    token = page.evaluate("consent.token")
    waits = f"{token}; consent=~%5B%7B%22allow%22%3A%5B%5D%2C%22site%22%3A%22shop%22%7D%5D"
    cookies = ((token, True), (f"1; consent={token}", True), (waits, False), (token[:-4] + "AAAA", False), ("", False))
    for cookie, allowed in cookies:
        said = node(made.folder, WORKER, f"http://127.0.0.1:{shop.port}", cookie)
        assert json.loads(said) == {"analytics": allowed}


def by_worker(shop: Shop, page: Page, app: Callable[..., App], program: str) -> str:
    """Return what a program around the example of a worker says of a shopper who has accepted."""
    made = app(worker__js=example("frontends worker"))
    page.goto(shop.page(""))
    press(page, "accept")
    until(page, "consent.token")
    return node(made.folder, program, f"http://127.0.0.1:{shop.port}", page.evaluate("consent.token"))


def test_a_worker_that_has_no_keys_yet_does_not_have_each_shopper_wait_for_a_silent_server(
    shop: Shop, page: Page, app: Callable[..., App]
) -> None:
    said = by_worker(shop, page, app, SILENT)
    assert json.loads(said) == {"said": [False, False, False, True], "knocked": 2}


def test_a_worker_serves_while_the_server_is_away_and_by_the_keys_that_it_holds(
    shop: Shop, page: Page, app: Callable[..., App]
) -> None:
    said = by_worker(shop, page, app, LATER)
    assert [json.loads(line)["analytics"] for line in said.splitlines()] == [False, True, True, True, True]
