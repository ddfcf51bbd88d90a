"""The npm package as `npm pack` makes it, in a project with what npm has brought here, and apps built from it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from examples import example
from playwright.sync_api import Page, expect

from consent_server.site.rules import Rule

from .conftest import Shop, press, settle, until, when
from .libraries import MODULES, SNIPPET

NAME = "consent-server"


def pack(folder: Path) -> Path:
    """Make the package from a copy of its sources, so that the checkout stays as it is; return the tarball."""
    sources = folder / "snippet"
    shutil.copytree(SNIPPET, sources, ignore=shutil.ignore_patterns("node_modules", "types"))
    (sources / "node_modules").symlink_to(MODULES)
    subprocess.run(["npm", "pack", "--silent"], cwd=sources, check=True, capture_output=True)
    (tarball,) = sources.glob(f"{NAME}-*.tgz")
    return tarball


@pytest.fixture(scope="session")
def tarball(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as a shop gets it."""
    return pack(tmp_path_factory.mktemp("pack"))


@pytest.fixture(scope="session")
def project(tarball: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that has installed the package, React and all the rest."""
    folder = tmp_path_factory.mktemp("project")
    modules = folder / "node_modules"
    modules.mkdir()
    for each in MODULES.iterdir():
        (modules / each.name).symlink_to(each)
    (modules / NAME).unlink(missing_ok=True)
    subprocess.run(["tar", "xzf", tarball, "-C", modules], check=True)
    (modules / "package").rename(modules / NAME)
    (folder / "package.json").write_text('{"type": "module"}')
    return folder


def node(project: Path, source: str, *arguments: str) -> str:
    """Run a module in the project; return what it prints."""
    command = ["node", "--input-type=module", "--eval", source, *arguments]
    said = subprocess.run(command, cwd=project, capture_output=True, text=True)
    assert said.returncode == 0, said.stderr[-3000:]
    return said.stdout


BUILD = """
import { build } from 'esbuild';
import { readFileSync } from 'node:fs';
const [entry, platform, react] = process.argv.slice(1);
const ssr = platform == 'node';
const read = (path) => readFileSync(path, 'utf8');
const components = {
  name: 'components',
  setup({ onLoad }) {
    onLoad({ filter: /\\.vue$/ }, async ({ path }) => {
      const { parse, compileScript } = await import('vue/compiler-sfc');
      const { descriptor } = parse(read(path));
      const { content } = compileScript(descriptor, { id: path, inlineTemplate: true, templateOptions: { ssr, ssrCssVars: [] } });
      return { contents: content, loader: 'ts' };
    });
    onLoad({ filter: /\\.svelte$/ }, async ({ path }) => {
      const { compile } = await import('svelte/compiler');
      return { contents: compile(read(path), { generate: ssr ? 'server' : 'client', dev: !ssr, filename: path }).js.code };
    });
  },
};
const alias = react == '18' ? { react: './node_modules/react18', 'react-dom': './node_modules/react-dom18' } : {};
const { outputFiles, warnings } = await build({
  entryPoints: [entry], bundle: true, write: false, format: 'esm', platform, alias, plugins: [components],
  jsx: 'automatic', target: 'es2022', conditions: ssr ? [] : ['browser', 'development'],
  define: { 'process.env.NODE_ENV': '"development"', __VUE_OPTIONS_API__: 'true', __VUE_PROD_DEVTOOLS__: 'false',
    __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: 'true' },
  banner: ssr ? { js: "import { createRequire } from 'node:module'; const require = createRequire(process.cwd() + '/x');" } : {},
});
if (warnings.length) throw Error(JSON.stringify(warnings));
process.stdout.write(outputFiles[0].text);
"""
"""Bundles a module: React and Vue in development, as only there they warn."""


class App:
    """An app in the project, whose sources name the consent server as the documentation does."""

    def __init__(self, project: Path, shop: Shop, folder: Path) -> None:
        self.folder, self.shop = folder, shop
        (folder / "node_modules").symlink_to(project / "node_modules")
        (folder / "package.json").write_text('{"type": "module"}')

    def write(self, files: Mapping[str, str]) -> App:
        """Write sources: examples of the documentation by name, or text."""
        for path, text in files.items():
            target = self.folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(for_shop(text, self.shop))
        return self

    def bundle(self, entry: str, platform: str = "browser", react: str = "19") -> str:
        """Return a module with all that it imports as one script."""
        return node(self.folder, BUILD, entry, platform, react)

    def prints(self, entry: str, react: str = "19") -> str:
        """Return what a module prints in Node."""
        (self.folder / "bundle.mjs").write_text(self.bundle(entry, "node", react))
        return node(self.folder, "import './bundle.mjs'")


def for_shop(text: str, shop: Shop) -> str:
    """Return an example with the addresses of a shop of a test in place of its own."""
    for named, there in (
        ("https://consent.shop.example", shop.url("")),
        ("https://films.example", shop.url("", "films")),
        ("https://tags.example", shop.url("", "tags")),
    ):
        text = text.replace(named, there)
    return text


@pytest.fixture
def app(project: Path, shop: Shop, tmp_path: Path) -> Callable[..., App]:
    """Make an app of these files."""

    def make(**files: str) -> App:
        return App(project, shop, tmp_path).write({name.replace("__", "."): text for name, text in files.items()})

    return make


def answers(shop: Shop, page: Page) -> None:
    """Accept and withdraw on a page that shows the shop of the examples."""
    expect(page.get_by_text("Visits are not counted.")).to_be_visible()
    expect(page.get_by_role("button", name="Allow films")).to_be_visible()
    settle(page)
    assert shop.hits == []
    press(page, "accept")
    expect(page.get_by_text("Visits are counted.")).to_be_visible()
    when(page, lambda: shop.hits == ["films/film"])
    until(page, "consent.token")
    page.evaluate("consent.decide({ functional: false, analytics: false, marketing: false })")
    expect(page.get_by_text("Visits are not counted.")).to_be_visible()
    expect(page.locator("iframe")).to_have_count(0)
    page.get_by_role("button", name="Allow films").press("Enter")
    expect(page.get_by_role("switch", name="Marketing")).to_be_visible()


def follows_the_place(shop: Shop, page: Page) -> None:
    """The app that was shown last draws what a rule by place has on, to who has not answered."""
    shop.serve(rules=(Rule("uk", ("GB",), {"analytics": "objection"}),))
    until(page, "!!consent.token")  # or it would come after the cookies were cleared
    page.context.clear_cookies()
    tag = shop.tag.replace("<script", '<script data-place="GB"').replace("consent.js", "consent.js?anew")
    page.goto(shop.page('<div id="root"></div><script type="module" src="/app.js"></script>', head=tag))
    expect(page.get_by_text("Visits are counted.")).to_be_visible()
    assert page.evaluate("consent.choice") is None


def show(shop: Shop, page: Page, script: str, html: str = "") -> None:
    """Open a page without a tag, with an app in it."""
    shop.pages["/app.js"] = ("text/javascript; charset=utf-8", script, {})
    page.goto(shop.page(f'<div id="root">{html}</div><script type="module" src="/app.js"></script>', head=""))


__all__ = ["App", "app", "example", "for_shop", "node", "pack", "project", "tarball"]
