"""A state that was not reached, or was cut short, is not called clean, and a page that was not seen is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from consent_server.audit.browsing.answers import CALLED, CLOSED
from consent_server.audit.browsing.documents import Documents
from consent_server.audit.browsing.kept import MOST, Kept, newest
from consent_server.audit.browsing.visit import is_page
from consent_server.audit.findings import CUT_SHORT, NO_PAGE, Judge
from consent_server.audit.observed import Observed
from consent_server.audit.report import Report
from consent_server.audit.run import NotReached, _report
from consent_server.audit.states import _is_whole
from consent_server.check.page import compared
from consent_server.cli import audit as command
from consent_server.site import OPTIONAL
from consent_server.site.rules import Rule

from .sightings import PAGE, TAG, asked, seen, shown, site


def test_a_state_that_was_not_reached_is_not_called_clean() -> None:
    observed = [
        Observed("before", looked_at={PAGE}, tags={PAGE: TAG}),
        Observed("refused", looked_at={PAGE}, tags={PAGE: TAG}, answered=False),
        Observed("accepted", looked_at={PAGE}, answered=False),
        Observed("gpc"),
    ]
    judge = Judge("shop.example", None, observed)
    assert list(judge.unaudited()) == ["refused", "accepted", "gpc"]
    report = Report(PAGE, None, "", [PAGE], ["before"], judge.findings(), [], judge.notes(), judge.unaudited())
    said = report.text()
    assert "before: nothing to mend" in said
    assert "refused: not audited; 1 to mend" in said
    assert "accepted: not audited\n" in said
    assert "accepted: not audited, for there was no banner" in said
    assert f"gpc: not audited, for {NO_PAGE}." in said
    assert "## Gpc: not audited" in report.markdown()


def test_a_state_in_which_no_page_opened_is_2(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONSENT_CONFIG", "consent.toml")
    report = Report(PAGE, None, "", [PAGE], ["before"], [], [], [], {"gpc": NO_PAGE})
    monkeypatch.setattr(command, "audit", lambda *_, **__: report)
    done = CliRunner().invoke(command.audit_command, [PAGE])
    assert done.exit_code == 2
    assert "Not audited, for no page of the shop could be opened: gpc." in done.stderr
    assert "before: nothing to mend" in done.stdout


def test_a_page_that_ends_the_browser_in_every_state_before_it_is_looked_at_is_not_reached() -> None:
    with pytest.raises(NotReached, match="no page of the shop could be opened"):
        _report(PAGE, [PAGE], Judge("shop.example", None, [Observed("before", cut_short=True)]), [], [])


def test_that_nothing_is_asked_here_is_nothing_to_see_to() -> None:
    off = (Rule("nowhere", ("CN",), dict.fromkeys(OPTIONAL, "off")),)
    unasked = Observed("refused", looked_at={PAGE}, tags={PAGE: TAG}, answered=False, rule="nowhere")
    judge = Judge("shop.example", site(rules=off), [unasked])
    assert any("nothing is asked" in note for note in judge.notes())
    report = Report(PAGE, "shop", "", [PAGE], [], judge.findings(), [], judge.notes(), judge.unaudited())
    assert [*compared(site(), report)] == []


def test_a_window_of_the_pages_that_was_closed_is_nothing_to_see_to_and_a_button_that_does_nothing_is() -> None:
    report = Report(PAGE, "shop", "", [PAGE], [], [], [], [f"accepted: {CLOSED}", f"withdrawn: {CALLED}"], {})
    (found,) = compared(site(), report)
    assert found.fault == f"shop: withdrawn: {CALLED}"
    assert found.cure.startswith("see what lies over it")


def test_that_one_page_alone_was_looked_at_is_said_of_no_page_whose_links_nobody_could_read() -> None:
    def noted(left_out: list[str], unread: list[str]) -> list[str]:
        judge = Judge("shop.example", site(), [Observed("before", looked_at={PAGE})])
        return [*_report(PAGE, [PAGE], judge, left_out, unread, alone=True).notes]

    assert noted([], []) == ["This one page was looked at and no other: neither a sitemap nor a link of it led to any."]
    assert noted([], [PAGE]) == [f"The links of {PAGE} could not be read."]
    assert noted(["/logout"], []) == [
        "Not opened, as by the name no page, or one that does something: /logout.",
        "This one page was looked at and no other: neither a sitemap nor a link of it led to any but those.",
    ]


def test_a_state_that_was_cut_short_is_not_called_clean(monkeypatch: pytest.MonkeyPatch) -> None:
    cut = Observed("refused", looked_at={PAGE}, tags={PAGE: TAG}, answered=False, cut_short=True)
    judge = Judge("shop.example", site(), [Observed("before", looked_at={PAGE}, tags={PAGE: TAG}), cut])
    assert judge.findings() == []
    report = Report(PAGE, "shop", "", [PAGE], ["before"], [], [], judge.notes(), judge.unaudited())
    assert "refused: not audited, for the browser ended before all pages were looked at." in report.text()
    assert [each.fault for each in compared(site(), report) if each.grave] == [
        f"shop: {PAGE} ended the browser although the shopper has refused."
    ]
    monkeypatch.setenv("CONSENT_CONFIG", "consent.toml")
    monkeypatch.setattr(command, "audit", lambda *_, **__: report)
    done = CliRunner().invoke(command.audit_command, [PAGE])
    assert done.exit_code == 2
    assert f"Not audited, for {CUT_SHORT}: refused." in done.stderr


@pytest.mark.parametrize(
    ("status", "kind", "at", "is_one"),
    [
        (200, "text/html; charset=utf-8", PAGE, True),
        (200, "application/xhtml+xml", "https://www.shop.example/az/", True),
        (200, "", PAGE, True),
        (200, "application/rss+xml", PAGE, False),
        (200, "application/json", PAGE, False),
        (200, "application/pdf", PAGE, False),
        (401, "text/html", PAGE, False),
        (403, "text/html", PAGE, False),
        (200, "text/html", "https://elsewhere.example/", False),
    ],
)
def test_what_is_no_page_of_the_shop_needs_no_tag(status: int, kind: str, at: str, is_one: bool) -> None:
    assert is_page(status, kind, at, PAGE) is is_one


def test_what_a_page_did_before_it_led_on_to_another_is_its_own() -> None:
    documents = Documents()
    shown(documents, 1.0, PAGE)
    shown(documents, 5.0, "https://way.example/x?id=1", "https://other.example/y")
    mine = [
        asked("https://other.example/pixel", at=2.0),
        asked("https://third.example/hit", at=2.0),
        asked("https://other.example/z", at=6.0, page=f"{PAGE}2"),
    ]
    theirs = [
        asked("https://way.example/x?id=1", at=4.9),
        asked("https://other.example/y", at=4.9),
        asked("https://third.example/hit", at=6.0),
        seen("cookie", "a", "other.example", at=4.9, initiator="https://other.example/y"),
    ]
    assert [documents.is_elsewhere(each) for each in mine] == [False] * 3
    assert [documents.is_elsewhere(each) for each in theirs] == [True] * 4
    shown(documents, 8.0, PAGE)
    assert not documents.is_elsewhere(asked("https://third.example/hit", at=9.0))


def test_what_goes_on_and_on_is_kept_in_part_and_what_is_rare_whole() -> None:
    many = [seen("request", "often", at=float(n)) for n in range(50)]
    assert [each.at for each in newest([seen("cookie", "once"), *many], 2)] == [1.0, 48.0, 49.0]
    kept = Kept()
    kept.add(seen("cookie", "once"))
    for n in range(25_000):
        kept.add(seen("request", "often", at=float(n)))
    assert len(kept.sightings) < 11_000
    assert kept.sightings[0].name == "once"
    assert not kept.flooded
    for n in range(MOST):
        kept.add(seen("request", f"{n}"))
    assert len(kept.sightings) == MOST
    assert kept.flooded


def test_a_har_file_without_its_end_is_told(tmp_path: Path) -> None:
    har = tmp_path / "x.har"
    assert not _is_whole(har)
    for text, whole in (("", False), ('{"log": {"entries": [{', False), ('{"log": {"entries": []}}\n', True)):
        har.write_text(text)
        assert _is_whole(har) is whole
