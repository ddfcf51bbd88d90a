"""Pages that obey and look as if they did not, and the other way round: of each its findings before any answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from conftest import ROOT, closing

from consent_server.audit.report import Report
from consent_server.settings.environment import Settings

from .farm import Farm


@dataclass(frozen=True)
class Case:
    """A page below the tag, or with another head, and the kinds and names of what is found on it."""

    body: str
    found: set[tuple[str, str]] = field(default_factory=set)
    head: str | None = None


def recipe(name: str) -> str:
    """Return the page of a recipe of the documentation."""
    text = (ROOT / "docs/recipes.md").read_text("utf-8")
    found = re.search(rf"<!-- example: page {name} -->\n```html\n(.*?)```", text, re.S)
    assert found
    return found[1].replace("https://www.googletagmanager.com/gtm.js", "{shop}/first.js")


CASES = {
    "advanced": Case(recipe("google").replace(' type="text/plain" data-consent="analytics"', "")),
    "late": Case("", {("tag", "late")}, '<script src="{shop}/first.js"></script>{tag}'),
}


@pytest.fixture(scope="module")
def audited(request: pytest.FixtureRequest) -> Iterator[tuple[Farm, Report]]:
    server = request.getfixturevalue("valkey")
    farm = Farm(Settings(secret=("the-secret-of-the-tests-is-long-enough",), redis_url=server.url)).serve()
    farm.page("".join(f'<a href="/{name}">{name}</a>' for name in CASES))
    for name, case in CASES.items():
        words = {"{shop}": farm.url(""), "{good}": farm.url("", "good"), "{tag}": farm.tag}
        body, head = case.body, case.head
        for word, address in words.items():
            body, head = body.replace(word, address), head and head.replace(word, address)
        farm.page(farm.fill(body), f"/{name}", head)
    for path in ("/first.js",):
        farm.script(path, "")
    farm.start()
    yield farm, farm.audit(("before",), pages=len(CASES) + 1, wait=0.4)
    farm.stop()
    assert farm.app
    with closing(farm.app.extensions["consent"].store):
        pass


@pytest.mark.parametrize("name", CASES)
def test_what_is_found_on_a_page(audited: tuple[Farm, Report], name: str) -> None:
    farm, report = audited
    found = {(each.kind, each.name.rpartition("/")[2]) for each in report.findings if each.page == farm.url(f"/{name}")}
    assert found == CASES[name].found, report.text()
