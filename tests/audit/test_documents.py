"""Whose a document is to which a page leads on, and what was done by way of one that leads back."""

from __future__ import annotations

from consent_server.audit.browsing.documents import Documents
from consent_server.audit.hosts import host_of
from consent_server.audit.observed import Sighting

PAGE = "https://shop.example/"
BOUNCE = "https://t.example/bounce"


def shown(documents: Documents, at: float, url: str, *, visit: bool = False) -> None:
    """Lead a tab to a document; the audit does if it begins a visit, else the page."""
    if visit:
        documents.begin_visit()
    event = {"loaderId": f"{at}", "requestId": f"{at}", "wallTime": at, "timestamp": at, "request": {"url": url}}
    documents.asked(event, PAGE)
    documents.answered({"requestId": f"{at}", "timestamp": at})
    documents.committed({"id": "main", "loaderId": f"{at}", "url": url}, PAGE)


def of_tracker(at: float) -> list[Sighting]:
    """Return what was seen of a page of the tracker's that was shown at a moment."""
    ways = [("request", BOUNCE, PAGE), ("cookie", "bid", BOUNCE), ("request", "https://t.example/px", BOUNCE)]
    return [
        Sighting(kind, name, host_of(BOUNCE), PAGE, by, at + n / 10, url=name if kind == "request" else "")
        for n, (kind, name, by) in enumerate(ways)
    ]


def test_what_is_done_by_way_of_anothers_page_that_leads_back_is_the_pages_own() -> None:
    documents = Documents()
    shown(documents, 1.0, PAGE, visit=True)
    shown(documents, 2.0, f"{BOUNCE}?back=1")
    shown(documents, 3.0, f"{PAGE}?back=1")
    assert [documents.is_elsewhere(each) for each in of_tracker(2.0)] == [False] * 3


def test_what_is_done_where_a_page_leads_and_stays_is_anothers_also_when_the_audit_comes_back() -> None:
    documents = Documents()
    for at in (1.0, 5.0):
        shown(documents, at, PAGE, visit=True)
        shown(documents, at + 1, f"{BOUNCE}?stay=1")
    assert [documents.is_elsewhere(each) for at in (2.0, 6.0) for each in of_tracker(at)] == [True] * 6
    shown(documents, 9.0, f"{PAGE}consent-audit-looks", visit=True)
    assert [documents.is_elsewhere(each) for each in of_tracker(6.0)] == [True] * 3
