"""The report of an audit, for people, machines, and a lawyer."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import msgspec

from ..site import ConsentError
from .findings import Finding

_HEAD = ("What", "Name", "Host", "Category", "Service")


class NoReport(ConsentError):
    """Something is no report of an audit in JSON."""

    problem = "no-report"


@dataclass(frozen=True)
class Report:
    """What an audit found.

    ``made``: date and time, ISO 8601, UTC; ``states``: those that were audited, or met
    with something; ``unaudited``: those not reached, with why.
    """

    url: str
    site: str | None
    made: str
    pages: Sequence[str]
    states: Sequence[str]
    findings: Sequence[Finding]
    seen: Sequence[Mapping[str, Any]]
    notes: Sequence[str] = field(default_factory=list)
    unaudited: Mapping[str, str] = field(default_factory=dict)

    def without(self, known: Collection[tuple[str, str, str, str]]) -> Report:
        """Return it with those findings only that an earlier report did not have."""
        new = [finding for finding in self.findings if finding.key not in known]
        return replace(self, findings=new)

    def json(self) -> str:
        """Return it for machines: the contract's fields, and ``notes``."""
        content = {
            **{"url": self.url, "site": self.site, "made": self.made, "pages": self.pages, "states": self.states},
            **{"findings": [asdict(finding) for finding in self.findings], "seen": self.seen, "notes": self.notes},
        }
        return msgspec.json.format(msgspec.json.encode(content)).decode()

    def text(self) -> str:
        """Return it for people at a terminal."""
        lines = [f"{self.url}: {len(self.pages)} pages in {len(self.states)} states of consent."]
        lines += [f"  Note: {note}" for note in self.notes]
        for state in dict.fromkeys((*self.states, *self.unaudited)):
            found = [finding for finding in self.findings if finding.state == state]
            lines += ["", f"{state}: {self._outcome(state, len(found))}"]
            for finding in found:
                where = ", ".join(filter(None, (finding.host, finding.category or "not listed", finding.service)))
                lines.append(f"  {finding.kind} {finding.name} ({where})")
                by = f", by {finding.initiator}" if finding.initiator not in ("", finding.page) else ""
                lines.append(f"    on {finding.page}{by}")
                lines.append(f"    {finding.fix}")
        return "\n".join(map(printable, lines))

    def markdown(self) -> str:
        """Return it for who reads reports: a table of findings a state, then all that was seen."""
        lines = [
            f"# Audit of {self.url}",
            "",
            f"Made {self.made}: {len(self.pages)} pages in {len(self.states)} states.",
        ]
        lines += ["", *(f"- {_cell(note)}" for note in self.notes)] if self.notes else []
        for state in dict.fromkeys((*self.states, *self.unaudited)):
            rows = [
                (
                    *(each.kind, each.name, each.host, each.category or "not listed", each.service or ""),
                    *(each.page, each.initiator, each.fix),
                )
                for each in self.findings
                if each.state == state
            ]
            lines += ["", f"## {state.capitalize()}: {self._outcome(state, len(rows))}"]
            lines += ["", *_table((*_HEAD, "Page", "By", "To mend"), rows)] if rows else []
        everything = [
            (
                *(row["kind"], row["name"], row["host"], row["category"] or "not listed", row["service"] or ""),
                ", ".join(row["states"]),
            )
            for row in self.seen
        ]
        lines += ["", "## All that was seen", "", *_table((*_HEAD, "States"), everything)]
        return "\n".join(map(printable, lines))

    def _outcome(self, state: str, findings: int) -> str:
        mend = f"{findings} to mend" if findings else "nothing to mend"
        return mend if state not in self.unaudited else f"not audited{f'; {mend}' if findings else ''}"


def known_findings(text: bytes) -> set[tuple[str, str, str, str]]:
    """Return what the findings of an earlier report, in JSON, are known by.

    Raises:
        NoReport: the text is none.
    """
    try:
        findings = msgspec.json.decode(text)["findings"]
        return {(each["state"], each["kind"], each["name"], each["host"]) for each in findings}
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError, RecursionError):
        raise NoReport("That is no report of an audit; one is written by --format json --out FILE.") from None


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [f"| {' | '.join(map(_cell, row))} |" for row in (head, *rows)]
    return [lines[0], f"|{'---|' * len(head)}", *lines[1:]]


def printable(text: str) -> str:
    """Return a line in which whatever a page has named cannot begin another, or command a terminal: ``\\n``."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def _cell(text: str) -> str:
    """Return a text as it is shown, whatever it has of Markdown's own; addresses stay as they are."""
    return re.sub(r"([\\`*\[\]|])", r"\\\1", printable(text)).replace("<", "&lt;")
