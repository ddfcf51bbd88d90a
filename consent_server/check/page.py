"""A page of the shop by the audit's eyes: in a real browser, in every state of consent."""

from __future__ import annotations

from collections.abc import Iterator

from ..audit.advice import OUTLIVES
from ..audit.browsing.answers import CALLED, CLOSED, UNSEEN
from ..audit.drafting.draft import ENTRIES
from ..audit.findings import CUT_SHORT, NO_PAGE, NOTHING_ASKED, UNREAD, WHERE, Finding
from ..audit.report import Report
from ..audit.run import audit
from ..site import Site
from .faults import Fault

STATES = {
    "before": "before the shopper has answered",
    "refused": "although the shopper has refused",
    "accepted": "once the shopper has accepted",
    "withdrawn": "after the shopper has withdrawn",
    "gpc": "although the browser sends Global Privacy Control",
}


def look(shop: Site, page: str) -> list[Fault]:
    """Open ``page`` in a browser, refuse, accept and withdraw, and return what is there that may not be.

    Raises:
        NoBrowser: there is no Playwright or no browser; says what to type.
        NotReached: the page does not open.
    """
    return [*compared(shop, audit(page, shop, pages=1))]


def compared(shop: Site, report: Report) -> Iterator[Fault]:
    """Yield what an audit found on one page, each thing once: in the first state in which it is wrong."""
    told = set()
    for each in report.findings:
        if (thing := (each.kind, each.name, each.host)) not in told:
            told.add(thing)
            yield Fault(f"{shop.id}: {report.url} {_fault(each)}.", each.fix.rstrip("."))
    for state, why in report.unaudited.items():
        if why == NO_PAGE:
            yield Fault(f"{shop.id}: {report.url} did not open {STATES[state]}.", "see that it answers each browser")
        if why == CUT_SHORT:
            yield Fault(f"{shop.id}: {report.url} ended the browser {STATES[state]}.", "see what it does there")
    for note in report.notes:
        if note.startswith(WHERE) or note.endswith((f"{NOTHING_ASKED}.", CLOSED, UNSEEN)):
            continue  # nothing is wrong with that; another page may have the button for the settings
        cure = "see that the page can be looked at"
        if note.startswith(UNREAD):
            cure = "write it as a number and a word such as days, months or years"
        if note.endswith(CALLED):
            cure = "see what lies over it, or what takes the click before it does"
        yield Fault(f"{shop.id}: {note.rstrip('.')}.", cure, grave=False)


def _fault(each: Finding) -> str:
    if each.kind == "tag":
        return f"has a fault in our tag: {each.name}"
    if each.kind == "consent-mode":
        return f"tells Google otherwise than the shopper answered ({each.name}), {STATES[each.state]}"
    if each.fix.startswith(OUTLIVES):
        return f"keeps {each.name} longer than the cookie list says"
    does, names = ("sets", "the cookie list does not name") if each.kind in ENTRIES else ("asks for", "no list names")
    if each.category is None:
        return f"{does} {each.name}, which {names}"
    return f"{does} {each.name} {STATES[each.state]}, though it is for {each.category}"
