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

TERMINAL = {"auditor", "cli", "setting_up", "terminal"}
"""The operators' commands."""

MAY_IMPORT = {
    "decision": set(),
    "verify": set(),
    "tokens": {"decision"},
    "connection": {"decision"},
    "store": {"connection", "decision"},
    "metrics": {"decision"},
    "rates": {"decision"},
    "receipt": {"decision"},
    "catalogue": {"decision"},
    "settings": {"decision"},
    "embedded": {"decision"},
    "new_shop": {"decision"},
    "visit": {"decision"},
    "scripts": {"decision", "settings"},
    "page": {"decision", "rates"},
    "proof": {"decision", "store", "tokens", "verify"},
    "keeper": {"decision", "proof", "rates", "store", "tokens"},
    "check": {"connection", "decision", "settings", "visit"},
    "door": {"decision", "scripts", "settings", "store", "tokens"},
    "shopper": {"decision", "door", "metrics", "receipt", "scripts", "store", "tokens"},
    "marketer": {"decision", "door", "page", "rates", "scripts", "store"},
    "monitor": {"decision", "door", "keeper", "metrics", "store"},
    "demo": set(),
    "demo.storefront": {"decision"},
    "demo.sample": {"decision", "store"},
    "": {
        *("marketer", "monitor", "shopper", "door", "demo.storefront"),
        *("decision", "scripts", "settings", "store", "tokens"),
    },
    "terminal": {"decision", "embedded", "settings", "store", "verify"},
    "auditor": {"decision", "proof", "receipt", "scripts", "settings", "terminal", "tokens", "verify"},
    "setting_up": {"check", "decision", "keeper", "new_shop", "settings", "store", "terminal", "visit"},
    "cli": {
        *("", "auditor", "setting_up", "terminal", "marketer", "demo.sample", "embedded"),
        *("decision", "door", "keeper", "rates", "settings", "store", "tokens"),
    },
}
"""What a module of the package may import from the package, inner rooms first; ``""`` is the package itself."""

ONLY = {
    "redis": {"connection", "store", "embedded"},
    "itsdangerous": {"tokens"},
    "cryptography": {"tokens", "verify"},
    "flask": {"shopper", "marketer", "monitor", "door", "demo.storefront", "", "cli"},
    "click": TERMINAL,
    "granian": {"cli"},
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
    built = sorted((tmp_path / "consent_server" / "static").iterdir())
    assert built
    for fresh in built:
        committed = PACKAGE / "static" / fresh.name
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
