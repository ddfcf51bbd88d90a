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
    "path": Case(
        '<script src="{shop}/elsewhere.js"></script>',
        {("cookie", "there"), ("cookie", "briefly"), ("cookie", "here")},
    ),
    "srcdoc": Case(
        """<iframe title="F" srcdoc="<script>localStorage.setItem('in_srcdoc', 1)</script>"></iframe>
        <script>
          document.body.append(Object.assign(document.createElement('iframe'), { src: URL.createObjectURL(new Blob(
            [`<script>sessionStorage.setItem('in_blob', 1)<\\/script>`], { type: 'text/html' })) }));
        </script>""",
        {("local-storage", "in_srcdoc"), ("session-storage", "in_blob")},
    ),
    "long": Case(
        """<script>
          document.body.style.height = '30000px';
          for (let top = 1; top < 30; top += 2) {
            const it = document.createElement('i');
            it.style = `position:absolute;left:0;width:9px;height:9px;top:${top * 1000}px`;
            const see = ([{ isIntersecting }]) => isIntersecting && (localStorage[`seen_${top}`] = 1);
            new IntersectionObserver(see).observe(it);
            document.body.append(it);
          }
        </script>""",
        {("local-storage", f"seen_{top}") for top in range(1, 30, 2)},
    ),
    "inner": Case(
        """<div style="height:300px;overflow:auto"><div style="height:3000px"></div><i id="last">.</i></div>
        <script>
          new IntersectionObserver(([{ isIntersecting }]) => isIntersecting && (localStorage.inner = 1)).observe(last);
        </script>""",
        {("local-storage", "inner")},
    ),
    "windows": Case("<script>setInterval(() => open('/empty.js', '_blank', 'noopener'), 50)</script>"),
    "late": Case("", {("tag", "late")}, '<script src="{shop}/first.js"></script>{tag}'),
    # What it leaves at its end nobody sees but who looks after the last page.
    "zz-last": Case(
        """<script>
          addEventListener('pagehide', () => { document.cookie = 'at_end=1'; localStorage.setItem('at_the_end', 1) });
        </script>""",
        {("cookie", "at_end"), ("local-storage", "at_the_end")},
    ),
}


ELSEWHERE = """
document.cookie = 'there=1; path=/basket';
document.cookie = 'briefly=1; Max-Age=1; path=/basket/';
document.cookie = 'here=1; path=/path';
document.cookie = 'never=1; path=/basket; domain=other.localhost';
document.cookie = 'gone=; Max-Age=0; path=/basket';
"""


@pytest.fixture(scope="module")
def audited(request: pytest.FixtureRequest) -> Iterator[tuple[Farm, Report]]:
    server = request.getfixturevalue("valkey")
    farm = Farm(Settings(secret=("the-secret-of-the-tests-is-long-enough",), redis_url=server.url))
    farm.serve(vendors={"google": {}})
    farm.page("".join(f'<a href="/{name}">{name}</a>' for name in CASES))
    for name, case in CASES.items():
        words = {"{shop}": farm.url(""), "{good}": farm.url("", "good"), "{tag}": farm.tag}
        body, head = case.body, case.head
        for word, address in words.items():
            body, head = body.replace(word, address), head and head.replace(word, address)
        farm.page(farm.fill(body), f"/{name}", head)
    farm.script("/first.js", "")
    farm.script("/elsewhere.js", ELSEWHERE)
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


def test_windows_without_an_opener_are_counted_and_closed(audited: tuple[Farm, Report]) -> None:
    farm, report = audited
    assert f"before: {farm.url('/windows')} opens window after window; its tab was closed." in report.notes


def test_who_has_no_address_of_its_own_is_named_by_its_page(audited: tuple[Farm, Report]) -> None:
    farm, report = audited
    by = {each.name: each.initiator for each in report.findings}
    assert by["in_srcdoc"] == by["in_blob"] == farm.url("/srcdoc")
    assert by["there"] == by["briefly"] == farm.url("/elsewhere.js")
