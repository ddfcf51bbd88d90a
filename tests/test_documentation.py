"""The documentation holds together: no link is broken, every code block is run by a test or says that it is not."""

from __future__ import annotations

import os
import re
import subprocess
from inspect import signature
from pathlib import Path

import pytest
from beside import up
from conftest import ROOT, free_port
from examples import PAGES, Block, blocks, example

from consent_server.audit.browsing.kept import MOST
from consent_server.events.telling import AT_ONCE, Teller
from consent_server.web.marketer.rates import MOST_ADVICE

TESTS = "\n".join(path.read_text("utf-8") for path in (ROOT / "tests").rglob("*.py"))


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings as GitHub makes them."""
    text = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ +(.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize(
    "page",
    [*PAGES, *(ROOT / f"{name}.md" for name in ("SECURITY", "CHANGELOG", "CONTRIBUTING"))],
    ids=lambda page: page.name,
)
def test_no_link_is_broken(page: Path) -> None:
    text = re.sub(r"^```.*?^```$|`[^`\n]*`", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith(("https://", "mailto:")):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), f"{page.name} links to {target}"
        if anchor:
            assert anchor in anchors(there), f"{page.name} links to {target}"


def test_every_page_can_be_reached_from_the_readme() -> None:
    linked = re.findall(r"\]\((docs/[^)#\s]+)", (ROOT / "README.md").read_text("utf-8"))
    missing = {f"docs/{page.name}" for page in PAGES[1:]} - {*linked}
    assert not missing


def test_every_picture_is_shown_or_linked() -> None:
    text = "".join(page.read_text("utf-8") for page in PAGES)
    pictures = [each for kind in ("png", "webp") for each in (ROOT / "docs").rglob(f"*.{kind}")]
    assert pictures
    for picture in pictures:
        assert f"]({picture.name})" in text, picture.name


@pytest.mark.parametrize(
    "block", [*blocks()], ids=lambda block: f"{block.page.name}: {block.name or block.code[:30]!r}"
)
def test_every_code_block_is_run_or_says_that_it_is_not(block: Block) -> None:
    name = block.name
    if name is None:
        assert block.above.endswith("Not run by a test."), block.above
    else:
        words = " ".join(rf"(?:{re.escape(word)}|\{{\w+\}})" for word in name.split())
        assert re.search(
            rf"""example\(f?["']{words}["']\)|parametrize[^\n]*["']{words}["']|shell\(["']{words}["']\)""", TESTS
        ), name


def test_the_readme_is_read_in_one_sitting() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) < 400


def test_each_row_of_the_comparison_names_tests_that_exist() -> None:
    part = (ROOT / "README.md").read_text("utf-8").partition("## How it compares")[2].partition("\n## ")[0]
    rows = [line for line in part.splitlines() if line.startswith("| ")]
    assert len(rows) > 30
    for row in rows[1:]:
        named = re.findall(r"\[`(test_\w+)`\]\((tests/[\w/]+\.py)\)", row)
        assert named, row
        for test, path in named:
            assert f"\ndef {test}(" in (ROOT / path).read_text("utf-8"), f"{path} has no {test}"
        assert re.search(r"\)(?: \| [●◐○–]){5} \|$", row), row


MEASURED = {
    "Scripts wait, external": "held scripts keep the page's order",
    "Nonce, integrity": "the script's nonce is kept",
    "What a single-page app adds": "a script added later waits",
    "Unmarked trackers": "unmarked script, image",
    "… and reaches other open tabs": "the answer reaches another open tab",
    "A shop's hostile style sheet": "`* { all: unset",
}
"""Rows of the README's comparison, by how they begin, of which a line of docs/compare.md was measured."""


def test_no_mark_of_the_comparison_says_otherwise_than_what_was_measured() -> None:
    table = (ROOT / "README.md").read_text("utf-8").partition("## How it compares")[2].partition("\n## ")[0]
    lines = (ROOT / "docs" / "compare.md").read_text("utf-8").splitlines()
    for marked, measured in MEASURED.items():
        (row,) = [line for line in table.splitlines() if line.startswith(f"| {marked}")]
        (line,) = [line for line in lines if line.startswith(f"| {measured}")]
        for mark, found in zip(row.split(" | ")[2:], line.split(" | ")[2:], strict=True):  # c15t was not measured
            wrong = {"no": "●", "none": "●", "yes": "○"}.get(found.strip(" |"))
            assert mark.strip(" |") != wrong, (row, line)


def test_each_row_of_what_is_recommended_for_accounts_names_a_test_that_exists() -> None:
    part = (ROOT / "docs/accounts.md").read_text("utf-8").partition("## What CNIL recommends")[2].partition("\n## ")[0]
    rows = [line for line in part.splitlines() if line.startswith("| ")][1:]
    assert len(rows) > 7
    for row in rows:
        ((test, path),) = re.findall(r"\[`(test_\w+)`\]\(\.\./(tests/[\w/]+\.py)\) \|$", row)
        assert f"\ndef {test}(" in (ROOT / path).read_text("utf-8"), f"{path} has no {test}"
        assert all(int(by) <= 7 for by in row.split(" | ")[1].split(", ")), row


def test_tests_that_the_documentation_names_exist() -> None:
    names = re.compile(r"`(tests/[\w/]+\.py)(?:::\w+)?`")
    named = [(page, name) for page in PAGES for name in names.findall(page.read_text("utf-8"))]
    assert named
    for page, name in named:
        assert (ROOT / name).exists(), f"{page.name} names {name}"


FIGURES = {
    ("rates", "names up to five things"): MOST_ADVICE == 5,
    ("events", "eight at a time"): AT_ONCE == 8,
    ("events", "goes on within half a minute"): signature(Teller).parameters["lease"].default == 30,
    ("audit", "more than 100,000 things are not kept"): MOST == 100_000,
}
"""What the documentation says in figures that stand in the code, and whether it is so."""


@pytest.mark.parametrize(("page", "said"), FIGURES)
def test_a_figure_of_the_documentation_is_that_of_the_code(page: str, said: str) -> None:
    assert said in " ".join((ROOT / f"docs/{page}.md").read_text("utf-8").split())
    assert FIGURES[page, said]


def test_a_newcomer_s_ten_questions_lead_to_places_that_exist() -> None:
    questions = [
        line.split(" | ") for line in (ROOT / "CONTRIBUTING.md").read_text("utf-8").splitlines() if "? |" in line
    ]
    assert len(questions) == 10
    for question, *answer in questions:
        places = re.findall(r"`([\w/.]+[/.]\w*)`", answer[0])
        assert places, question
        for place in places:
            assert any((folder / place).exists() for folder in (ROOT, ROOT / "consent_server")), f"{question}: {place}"


@pytest.mark.skipif(not (ROOT / ".venv" / "ready").exists(), reason="the checkout's environment is made by `make`")
def test_make_demo_serves_the_shop(tmp_path: Path) -> None:
    port = free_port()
    plain = {k: v for k, v in os.environ.items() if not k.startswith(("CONSENT_", "REDIS_", "MAKE", "MFLAGS"))}
    process = subprocess.Popen(
        example("make demo").split(), cwd=ROOT, env={**plain, "PORT": str(port)}, stdout=subprocess.DEVNULL
    )
    try:
        up(f"http://127.0.0.1:{port}/demo/")
    finally:
        process.terminate()
        process.wait(120)
