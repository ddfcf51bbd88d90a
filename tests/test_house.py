"""The house is in order: imports run one way, what is public is documented, what is generated is fresh."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import readme

import consent_server

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "consent_server"

TERMINAL = {"cli.audit", "cli.serve", "cli.log", "cli.check", "cli.terminal"}
"""The operators' commands."""

MAY_IMPORT = {
    "decision": set(),
    "verify": set(),
    "tokens": {"decision"},
    "store.connection": {"decision"},
    "store": {"store.connection", "decision"},
    "store.embedded": {"decision"},
    "rates": set(),
    "rates.counts": {"decision"},
    "proof": set(),
    "proof.receipt": {"decision"},
    "proof.log": {"decision", "store", "tokens", "verify"},
    "catalogue": {"decision"},
    "settings": set(),
    "settings.shops": {"decision"},
    "settings.starter": {"decision"},
    "banner": set(),
    "banner.scripts": {"decision", "settings.shops"},
    "housekeeping": {"decision", "proof.log", "rates.counts", "store", "tokens"},
    "check": set(),
    "check.visit": {"decision"},
    "check.faults": {"check.visit", "decision", "settings.shops", "store.connection"},
    "audit": set(),
    "audit.hosts": set(),
    "audit.cookies": set(),
    "audit.netlog": set(),
    "audit.observed": set(),
    "audit.browser": {"audit.netlog", "decision"},
    "audit.answers": {"audit.browser"},
    "audit.pages": {"audit.browser"},
    "audit.watch": {"audit.browser", "audit.cookies", "audit.hosts", "audit.netlog", "audit.observed"},
    "audit.tag": {"decision"},
    "audit.visit": {"audit.browser", "audit.hosts", "audit.observed", "audit.tag", "audit.watch"},
    "audit.states": {
        *("audit.answers", "audit.browser", "audit.hosts", "audit.observed", "audit.visit", "audit.watch"),
    },
    "audit.lists": {"audit.observed", "banner.scripts", "catalogue", "decision"},
    "audit.recognise": {"audit.hosts", "audit.lists", "audit.observed", "banner.scripts", "catalogue"},
    "audit.consent_mode": {"audit.observed"},
    "audit.advice": {"audit.hosts", "audit.observed", "decision"},
    "audit.findings": {
        *("audit.advice", "audit.consent_mode", "audit.hosts", "audit.lists", "audit.observed", "audit.recognise"),
        *("audit.tag", "decision"),
    },
    "audit.report": {"audit.findings", "decision"},
    "audit.suggestions": {"audit.hosts", "decision"},
    "audit.draft": {"audit.report", "audit.suggestions", "decision"},
    "audit.run": {
        *("audit.browser", "audit.findings", "audit.hosts", "audit.pages", "audit.report", "audit.states"),
        *("audit.visit", "decision"),
    },
    "web": set(),
    "web.metrics": {"decision"},
    "web.request": {"banner.scripts", "decision", "settings.shops", "store", "tokens"},
    "web.shopper": {
        *("web.metrics", "web.request"),
        *("banner.scripts", "decision", "proof.receipt", "store", "tokens"),
    },
    "web.health": {"web.metrics", "web.request", "decision", "housekeeping", "store"},
    "web.marketer": set(),
    "web.marketer.chart": {"decision", "rates.counts"},
    "web.marketer.rates": {
        *("web.marketer.chart", "web.request"),
        *("banner.scripts", "decision", "rates.counts", "store"),
    },
    "demo": set(),
    "demo.storefront": {"decision"},
    "demo.sample": {"decision", "store"},
    "app": {
        *("web.health", "web.marketer.rates", "web.request", "web.shopper", "demo.storefront"),
        *("banner.scripts", "decision", "settings.shops", "store", "tokens"),
    },
    "": {"app"},
    "cli.terminal": {"decision", "settings.shops", "store", "store.embedded", "verify"},
    "cli.log": {
        *("cli.terminal", "banner.scripts", "decision", "proof.log", "proof.receipt"),
        *("settings.shops", "tokens", "verify"),
    },
    "cli.audit": {
        *("cli.terminal", "audit.draft", "audit.report", "audit.run", "audit.suggestions", "decision"),
        "settings.shops",
    },
    "cli.check": {
        *("cli.terminal", "check.faults", "check.visit", "decision", "housekeeping"),
        *("settings.shops", "settings.starter", "store"),
    },
    "cli.serve": {
        *("", "app", "cli.audit", "cli.check", "cli.log", "cli.terminal", "web.marketer.rates", "web.request"),
        *("demo.sample", "decision", "housekeeping", "rates.counts", "settings.shops", "store", "store.embedded"),
        "tokens",
    },
    "cli": {"cli.serve"},
    "__main__": {"cli"},
}
"""What a module of the package may import from the package, inner rooms first; ``""`` is the package itself."""

ONLY = {
    "redis": {"store", "store.connection", "store.embedded"},
    "itsdangerous": {"tokens"},
    "cryptography": {"tokens", "verify"},
    "flask": {"web.shopper", "web.marketer.rates", "web.health", "web.request", "demo.storefront", "app", "cli.serve"},
    "click": TERMINAL,
    "playwright": {
        *("audit.answers", "audit.browser", "audit.pages", "audit.run", "audit.states", "audit.visit", "audit.watch"),
    },
    "publicsuffixlist": {"audit.hosts"},
    "granian": {"cli.serve"},
}
"""Who may know a library."""


def modules() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix("__init__").rstrip(".")
        yield name, ast.parse(path.read_text("utf-8"))


MODULES = dict(modules())


def imported(name: str, node: ast.stmt) -> Iterator[str]:
    """Yield what a statement imports: ``.room`` for our own, the first name of anything else."""
    if isinstance(node, ast.Import):
        yield from (alias.name.split(".")[0] for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.level:
        is_package = name == "" or any(other.startswith(f"{name}.") for other in MODULES)
        folder = [part for part in name.split(".") if part]
        up = node.level - 1 if is_package else node.level
        base = folder[: len(folder) - up] if up else folder
        target = ".".join([*base, *(node.module or "").split(".")]).strip(".")
        for alias in node.names:
            below = f"{target}.{alias.name}".strip(".")
            yield "." + (below if below in MODULES else target)
    elif isinstance(node, ast.ImportFrom):
        yield str(node.module).split(".")[0]


@pytest.mark.parametrize("name", MODULES)
def test_imports_run_one_way(name: str) -> None:
    assert name in MAY_IMPORT, f"say in MAY_IMPORT what {name} may import"
    for node in ast.walk(MODULES[name]):
        if isinstance(node, ast.Import | ast.ImportFrom):
            for other in imported(name, node):
                if other.startswith("."):
                    assert other[1:] in MAY_IMPORT[name], f"{name or 'the package'} imports {other[1:]}"
                else:
                    assert name in ONLY.get(other, {name}), f"{name or 'the package'} knows {other}"


def test_no_room_leads_back_to_one_that_leads_to_it() -> None:
    inner: set[str] = set()
    for name, others in MAY_IMPORT.items():
        assert others <= inner, f"{name} may import {others - inner}, which stands below it in the table"
        inner.add(name)


@pytest.mark.parametrize("name", MODULES)
def test_no_import_sits_inside_a_function(name: str) -> None:
    for function in ast.walk(MODULES[name]):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            inside = [node.lineno for node in ast.walk(function) if isinstance(node, ast.Import | ast.ImportFrom)]
            assert not inside, f"line {inside} of {name}"


def public(body: list[ast.stmt], path: str) -> Iterator[tuple[str, ast.AST]]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield f"{path}.{node.name}", node
            if isinstance(node, ast.ClassDef):
                yield from public(node.body, f"{path}.{node.name}")


@pytest.mark.parametrize("name", MODULES)
def test_everything_public_is_documented(name: str) -> None:
    tree = MODULES[name]
    assert ast.get_docstring(tree), f"{name or 'the package'} says nothing about itself"
    undocumented = [path for path, node in public(tree.body, name) if not ast.get_docstring(node)]  # type: ignore[arg-type]
    assert not undocumented


def test_the_built_scripts_are_those_of_the_sources(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "snippet", tmp_path / "snippet", ignore=shutil.ignore_patterns("node_modules"))
    (tmp_path / "snippet" / "node_modules").symlink_to(ROOT / "snippet" / "node_modules")
    subprocess.run(["node", "build.js"], cwd=tmp_path / "snippet", check=True, capture_output=True)
    built = sorted((tmp_path / "consent_server" / "banner" / "static").iterdir())
    assert built
    for fresh in built:
        committed = PACKAGE / "banner" / "static" / fresh.name
        assert committed.read_bytes() == fresh.read_bytes(), f"{fresh.name} is stale: run `make build`"


@pytest.mark.parametrize("name", readme.PARTS)
def test_the_generated_parts_of_the_readme_are_fresh(name: str) -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    assert readme.PARTS[name]() in text, "run `make build`"
    assert readme.renewed(text) == text, "run `make build`"


def test_the_version_is_told_once_and_logged() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["version"] == consent_server.__version__
    first = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert first
    assert first[1] == project["version"]


def test_make_alone_lists_every_target() -> None:
    said = subprocess.run(["make"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert phony
    for target in phony[1].split():
        assert re.search(rf"^ *make {target} +[A-Z].*\.$", said, re.MULTILINE), f"make {target} has no sentence"
