"""Each shop's cookie list says what our own script keeps, whatever the shop has written."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from conftest import ROOT
from minimal import MINIMAL

from consent_server.banner.scripts import build_scripts
from consent_server.catalogue.ours import PURPOSE, missing
from consent_server.settings.shops import read_sites, snippet_words
from consent_server.site import GRACE, Cookie, Site


def written(folder: Path, more: str = "", start: str = MINIMAL) -> Site:
    (folder / "consent.toml").write_text(f"{start}{more}\n", "utf-8")
    return read_sites(folder / "consent.toml")["shop"]


def rows(site: Site) -> dict[str, Cookie]:
    return {cookie.name: cookie for cookie in site.cookies.get("necessary", ())}


def test_a_shop_that_lists_nothing_lists_our_own_with_their_real_life(tmp_path: Path) -> None:
    site = written(tmp_path, 'country = "AZ"')
    assert [*rows(site)] == ["consent", "ask-*"]
    for row in rows(site).values():
        assert (row.provider, row.country, row.host) == ("Shop", "AZ", None)
        assert (row.purpose["en"], row.life["en"]) == (PURPOSE["en"], "9 months")
    scripts = build_scripts(site)
    assert '<th scope="row">ask-*</th>' in scripts.fragments["en"].plain.decode()
    assert b'name:"ask-*"' in scripts.layers["details"]["en"].plain
    assert [row["name"] for row in scripts.notices["en"][0].content["cookies"]["necessary"]] == ["consent", "ask-*"]


def test_the_words_are_there_in_every_language_of_the_banner(tmp_path: Path) -> None:
    languages = sorted(snippet_words())
    assert sorted(PURPOSE) == languages
    assert len({*PURPOSE.values()}) == len(PURPOSE) - 1  # `nb` is `no`
    site = written(tmp_path, f"languages = {languages}\naccounts = true")
    for row in rows(site).values():
        assert all(row.purpose[lang] and row.life[lang] for lang in languages)
    assert {rows(site)["consent"].life[lang] for lang in ("de", "mt", "tr")} == {"9 Monate", "9 xhur", "9 ay"}


def test_a_shop_that_links_accounts_lists_what_stands_there_for_that(tmp_path: Path) -> None:
    site = written(tmp_path, "accounts = true\nhost_cookie = true")
    assert [*rows(site)] == ["__Host-consent", "ask-*", "__Host-ask-own", "__Host-ask-account"]
    assert rows(site)["__Host-ask-own"].purpose["en"] == snippet_words()["en"]["account"]
    assert not {"ask-own", "ask-account"} & {*rows(written(tmp_path))}


@pytest.mark.parametrize(
    ("keep", "said"),
    [("1 day", "3 months"), ("10 days", "100 days"), ("13 months", "16 months"), ("2 years", "27 months")],
)
def test_it_is_kept_as_long_as_the_answer_and_three_months(tmp_path: Path, keep: str, said: str) -> None:
    assert rows(written(tmp_path, f'keep = "{keep}"'))["consent"].life["en"] == said


def test_what_the_shop_writes_itself_is_not_listed_twice(tmp_path: Path) -> None:
    row = '[[sites.shop.cookies.necessary]]\nname = "{}"\nprovider = "S"\nlife = "x"\npurpose = {{ en = "y" }}\n'
    assert rows(written(tmp_path, row.format("consent")))["consent"].provider == "S"
    assert [*rows(written(tmp_path, row.format("consent") + row.format("ask-own")))] == ["ask-*", "consent", "ask-own"]
    assert [*rows(written(tmp_path, row.format("ask-*") + row.format("consent")))] == ["ask-*", "consent"]
    elsewhere = row.format("consent") + 'host = "other.example"\n'
    assert [each.name for each in written(tmp_path, elsewhere).cookies["necessary"]] == ["consent", "ask-*", "consent"]


def test_in_a_language_of_the_shop_s_own_it_lists_them_itself(tmp_path: Path) -> None:
    words = "\n".join(f"{name} = 'x'" for name in snippet_words()["en"])
    site = written(tmp_path, f'languages = ["xx"]\n[sites.shop.words.xx]\n{words}')
    assert rows(site) == {}
    assert missing(site) == ["consent", "ask-*"]


def sources() -> Iterable[str]:
    yield from (path.read_text("utf-8") for path in (ROOT / "snippet" / "src").glob("*.js"))
    yield from (path.read_text("utf-8") for path in (ROOT / "consent_server" / "web").rglob("*.py"))


def test_the_page_on_the_cookie_has_each_by_its_name() -> None:
    code = "\n".join(sources())
    names = {*re.findall(r"\bask-[a-z]+\b", code)} - {"ask-font"}  # a property of the banner's style
    assert names == {
        "ask-account",
        "ask-answered",
        "ask-clock",
        "ask-guard",
        "ask-kept",
        "ask-own",
        "ask-removed",
        "ask-withdrawn",
    }
    table = (
        (ROOT / "docs" / "tag.md").read_text("utf-8").partition("### What our script keeps")[2].partition("\n## ")[0]
    )
    assert {*re.findall(r"^\| `(ask-[a-z]+)` \|", table, re.MULTILINE)} == names


def test_the_script_keeps_the_cookie_as_long_as_the_list_says() -> None:
    written = {path.stem: path.read_text("utf-8") for path in (ROOT / "snippet" / "src").glob("*.js")}
    assert {name for name, code in written.items() if f"keep + {GRACE}" in code} == {"account", "cookie"}
    assert {name for name, code in written.items() if "keep + 90 * DAY" in code} == {"delivery"}
    assert {"const HOUR = 3600;", "const DAY = 24 * HOUR;"} <= {*written["delivery"].splitlines()}
    assert GRACE == 90 * 24 * 3600
    assert not [name for name, code in written.items() if re.search(r"keep \+ (?!7776000|90 \* DAY)", code)]
