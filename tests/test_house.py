"""The house is in order: imports run one way, what is public is documented, what is generated is fresh."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import generated
import pytest

import consent_server

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "consent_server"

ONLY = {
    "redis": {"store"},
    "itsdangerous": {"tokens"},
    "cryptography": {"proof", "tokens", "verify"},
    "rfc3161_client": {"proof", "verify"},
    "flask": {"web", "demo", "app", "cli"},
    "click": {"cli"},
    "babel": {"banner", "catalogue", "settings"},
    "granian": {"cli"},
    "playwright": {"audit"},
    "duckduckgo_autoconsent": {"audit"},
    "publicsuffixlist": {"audit"},
}
"""Which rooms may know a library."""


def modules() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix("__init__").rstrip(".")
        yield name, ast.parse(path.read_text("utf-8"))


MODULES = dict(modules())


DEFERRED = {("", "app"), ("cli", "cli"), ("tokens.verifier", "net.http")}
"""Which module loads which other one of ours only when it is needed; `docs/design.md` says why."""


def absolute(name: str, level: int, module: str) -> str:
    """Return what a module means by another one's name with so many dots before it."""
    is_package = name == "" or any(other.startswith(f"{name}.") for other in MODULES)
    folder = [part for part in name.split(".") if part]
    up = level - 1 if is_package else level
    return ".".join([*(folder[: len(folder) - up] if up else folder), *module.split(".")]).strip(".")


def deferred(name: str, node: ast.AST) -> Iterator[str]:
    """Yield which of ours a call of ``import_module`` loads: the folder, where the rest of the name is made up."""
    if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in ("import_module", "__import__"):
        first = node.args[0].values[0] if isinstance(node.args[0], ast.JoinedStr) else node.args[0]
        assert isinstance(first, ast.Constant), f"{name} makes up a name to import"
        text = str(first.value)
        if text.startswith("."):
            yield absolute(name, len(text) - len(text.lstrip(".")), text.lstrip("."))
        else:
            yield text.removeprefix("consent_server").lstrip(".")


def imported(name: str, node: ast.AST) -> Iterator[str]:
    """Yield what a statement or call imports: ``.room`` for our own, the first name of anything else."""
    if isinstance(node, ast.Import):
        yield from (alias.name.split(".")[0] for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.level:
        target = absolute(name, node.level, node.module or "")
        for alias in node.names:
            below = f"{target}.{alias.name}".strip(".")
            yield "." + (below if below in MODULES else target)
    elif isinstance(node, ast.ImportFrom):
        yield str(node.module).split(".")[0]
    else:
        yield from (f".{other}" for other in deferred(name, node))


def imports(name: str) -> Iterator[str]:
    """Yield all that a module imports."""
    for node in ast.walk(MODULES[name]):
        yield from imported(name, node)


def room(name: str) -> str:
    """Return the folder or single module on top in which a module is; ours starts with a dot in an import."""
    return name.removeprefix(".").split(".")[0]


def rooms() -> dict[str, set[str]]:
    """Return which rooms each room may import, as `docs/design.md` lists them, inner ones first; "" is the package."""
    text = (ROOT / "docs" / "design.md").read_text("utf-8").partition("## Rooms")[2].partition("\n## ")[0]
    rows = [row.strip("|").split("|") for row in text.splitlines() if row.startswith("| ")][1:]

    def named(cell: str) -> list[str]:
        return ["" if "the package" in found else found.strip("`") for found in re.findall(r"`\w+`|the package", cell)]

    return {named(name)[0]: {*named(others)} for name, _, others in rows}


ROOMS = rooms()


@pytest.mark.parametrize("name", sorted({room(name) for name in MODULES}))
def test_a_room_imports_what_the_design_says_and_nothing_else(name: str) -> None:
    inside = [module for module in MODULES if room(module) == name]
    ours = {room(other) for module in inside for other in imports(module) if other.startswith(".")}
    assert ours - {name} == ROOMS[name]
    libraries = {other for module in inside for other in imports(module) if not other.startswith(".")}
    assert {library for library in libraries if name not in ONLY.get(library, {name})} == set()


def test_rooms_import_only_those_above_them() -> None:
    above: set[str] = set()
    for name, others in ROOMS.items():
        assert others <= above, f"{name} imports {others - above}, which stands below it in the table"
        above.add(name)
    assert above == {room(name) for name in MODULES}


BOTH_WAYS = {
    *(
        "audit.browsing",
        "audit.browsing.settling",
        "audit.suspects",
        "cli.backups",
        "cli.serving",
        "proof.attested",
        "proof.days",
        "rates.happened",
        "rates.multiple",
    ),
    *("settings.hints", "store.evidence", "store.feed"),
}
"""Folders that import from the one that they are in, and that from them: grown so, and not to become more."""


def test_a_folder_and_one_in_it_need_each_other_in_no_further_place() -> None:
    packages = {name for name in MODULES if any(other.startswith(f"{name}.") for other in MODULES)}
    folder = {name: name if name in packages else name.rpartition(".")[0] for name in MODULES}
    arrows = {
        (folder[name], folder[other[1:]])
        for name in MODULES
        for other in imports(name)
        if other.startswith(".") and room(name) == room(other)
    }
    assert {below for below, above in arrows if below.startswith(f"{above}.") and (above, below) in arrows} == BOTH_WAYS
    beside = {(one, other) for one, other in arrows if not one.startswith(other) and not other.startswith(one)}
    assert not {(one, other) for one, other in beside if (other, one) in beside}


def test_a_module_is_loaded_late_only_where_the_design_says_why() -> None:
    late = {
        (name, other) for name, tree in MODULES.items() for node in ast.walk(tree) for other in deferred(name, node)
    }
    assert late == DEFERRED


def test_no_imports_lead_round_in_a_circle() -> None:
    graph = {name: {other[1:] for other in imports(name) if other.startswith(".")} - {name} for name in MODULES}
    assert len([*TopologicalSorter(graph).static_order()]) == len(MODULES)


@pytest.mark.parametrize("name", MODULES)
def test_no_file_class_function_or_folder_is_too_long_to_be_read(name: str) -> None:
    path = PACKAGE.joinpath(*name.split(".")).with_suffix(".py") if name else PACKAGE / "__init__.py"
    path = path if path.exists() else path.with_suffix("") / "__init__.py"
    # The one file that auditors copy stands alone.
    assert len(path.read_text("utf-8").splitlines()) <= (1440 if name == "verify" else 310)
    for node in ast.walk(MODULES[name]):
        if isinstance(node, ast.ClassDef):
            assert (node.end_lineno or 0) - node.lineno < 200, node.name
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno < 60, node.name
    if path.name == "__init__.py":
        inside = [each for each in path.parent.glob("*.py") if each != PACKAGE / "verify.py"]
        assert sum(len(each.read_text("utf-8").splitlines()) for each in inside) <= 1700


def test_no_file_of_the_tests_is_too_long_to_be_read() -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text("utf-8").splitlines())
        for path in (ROOT / "tests").rglob("*.py")
    }
    assert len(lengths) > 250
    assert {name: length for name, length in lengths.items() if length > 310} == {}


def test_no_file_of_the_page_is_too_long_to_be_read() -> None:
    snippet = ROOT / "snippet"
    files = [path for name in ("*", "src/**/*", "npm/**/*", "wordpress/**/*") for path in snippet.glob(name)]
    lengths = {
        str(path.relative_to(snippet)): len(path.read_text("utf-8").splitlines())
        for path in files
        if path.suffix in (".css", ".js", ".php", ".ts")
    }
    assert len(lengths) > 60
    assert {name: length for name, length in lengths.items() if length > 310} == {}


def test_the_core_of_a_decision_is_read_in_one_sitting() -> None:
    core = (
        *("site/__init__.py", "decision.py", "tokens/__init__.py", "web/shopper.py"),
        *("store/decisions.py", "store/keys/__init__.py", "store/packing.py", "store/lua/record.lua"),
    )
    assert sum(len((PACKAGE / name).read_text("utf-8").splitlines()) for name in core) <= 1320


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


@pytest.mark.parametrize("page", sorted({page for page, _ in generated.PARTS}))
def test_the_generated_parts_of_the_documentation_are_fresh(page: str) -> None:
    assert generated.renewed(page) == (ROOT / page).read_text("utf-8"), "run `make build`"


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
