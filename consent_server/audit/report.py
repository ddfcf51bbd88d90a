"""The report of an audit, for people, machines, and a lawyer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import msgspec

from .findings import Finding


@dataclass(frozen=True)
class Report:
    """What an audit found. ``made``: date and time, ISO 8601, UTC."""

    url: str
    site: str | None
    made: str
    pages: Sequence[str]
    states: Sequence[str]
    findings: Sequence[Finding]
    seen: Sequence[Mapping[str, Any]]
    notes: Sequence[str] = field(default_factory=list)

    def json(self) -> str:
        """Return it for machines: the contract's fields, and ``notes``."""
        content = {
            "url": self.url, "site": self.site, "made": self.made, "pages": list(self.pages), "states": list(self.states),
            "findings": [asdict(finding) for finding in self.findings], "seen": list(self.seen), "notes": list(self.notes),
        }  # fmt: skip
        return msgspec.json.format(msgspec.json.encode(content)).decode()

    def text(self) -> str:
        """Return it for people at a terminal."""
        lines = [f"{self.url}: {len(self.pages)} pages in {len(self.states)} states ({', '.join(self.states)})."]
        lines += [f"  note: {note}" for note in self.notes]
        for state in self.states:
            found = [finding for finding in self.findings if finding.state == state]
            lines += ["", f"{state}: {'nothing to mend' if not found else f'{len(found)} to mend'}"]
            for finding in found:
                service = f", {finding.service}" if finding.service else ""
                lines.append(f"  {finding.kind} {finding.name} ({finding.host}; {finding.category or 'not listed'}{service})")
                lines.append(f"    on {finding.page}" + (f", by {finding.initiator}" if finding.initiator else ""))
                lines.append(f"    {finding.fix}")
        return "\n".join(lines)

    def markdown(self) -> str:
        """Return it for who reads reports: a table of findings a state, then all that was seen."""
        lines = [f"# Audit of {self.url}", "", f"Made {self.made}; {len(self.pages)} pages, states {', '.join(self.states)}."]
        lines += ["", *(f"- {note}" for note in self.notes)] if self.notes else []
        for state in self.states:
            found = [finding for finding in self.findings if finding.state == state]
            lines += ["", f"## {state.capitalize()}: {len(found)} findings", ""]
            if found:
                rows = [(f.kind, f.name, f.host, f.category or "not listed", f.page, f.initiator, f.fix) for f in found]
                lines += _table(("What", "Name", "Host", "Category", "Page", "By", "To mend"), rows)
        lines += ["", "## All that was seen", ""]
        rows_seen = [(s["kind"], s["name"], s["host"], s["category"] or "not listed", ", ".join(s["states"])) for s in self.seen]
        return "\n".join([*lines, *_table(("What", "Name", "Host", "Category", "States"), rows_seen)])


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    escaped = [[cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in (head, *rows)]
    lines = [f"| {' | '.join(row)} |" for row in escaped]
    return [lines[0], f"|{'---|' * len(head)}", *lines[1:]]
