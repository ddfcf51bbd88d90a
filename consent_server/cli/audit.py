"""Whether a shop obeys: ``consent-server audit``."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from ..audit.drafting.draft import draft
from ..audit.drafting.suggestions import Suggestions
from ..audit.findings import CUT_SHORT, NO_PAGE
from ..audit.report import NoReport, Report, known_findings
from ..audit.run import audit
from ..settings.shops import read_sites
from ..site import Site
from .terminal import CommandFailed, errors_to_exit_2, named_config, site_named

WRITERS = {"text": Report.text, "json": Report.json, "markdown": Report.markdown}

COLUMNS = 30
"""Of the progress bar."""

readable = click.Path(path_type=Path, exists=True, dir_okay=False)


class Seconds(click.FloatRange):
    """A number of seconds in a range, in which ``nan``, that is neither above nor below anything, is none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the number."""
        seconds = float(super().convert(value, param, ctx))
        if math.isnan(seconds):
            self.fail(f"{value!r} is no number of seconds.", param, ctx)
        return seconds


@click.command("audit")
@click.argument("url")
@click.option("--site", "site_id", metavar="SITE", help="The shop in consent.toml (default: the one of this origin).")
@click.option("--pages", default=20, show_default=True, metavar="N", type=click.IntRange(1, 1000), help="At most.")
@click.option(
    *("--wait",), default=3.0, show_default=True, metavar="SECONDS", type=Seconds(0.1, 300),
    help="Time on each page, in each state.",
)  # fmt: skip
@click.option("--format", "form", type=click.Choice(list(WRITERS)), default="text", show_default=True)
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write it there, not here."
)
@click.option(
    *("--har",), type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
    help="Write all traffic too, a HAR file a state.",
)  # fmt: skip
@click.option("--baseline", type=readable, metavar="FILE", help="An earlier report in JSON: only what is new counts.")
@click.option(
    "--draft", "as_draft", is_flag=True, help="Write the TOML for what is not listed, in place of the report."
)
@click.option(
    *("--cookies",), type=readable, metavar="FILE",
    help="For --draft: a CSV file in the Open Cookie Database's format, to suggest from.",
)  # fmt: skip
@errors_to_exit_2
def audit_command(
    url: str,
    site_id: str | None,
    pages: int,
    wait: float,
    form: str,
    out: Path | None,
    har: Path | None,
    baseline: Path | None,
    as_draft: bool,
    cookies: Path | None,
) -> None:
    """Open a shop in a real browser, refuse, accept and withdraw, and say what should not be there.

    \b
      consent-server audit https://shop.example/
      consent-server audit https://shop.example/ --format json --out audit.json
      consent-server audit https://shop.example/ --baseline audit.json
      consent-server audit https://shop.example/ --draft

    Reads consent.toml (CONSENT_CONFIG) where there is one. Exit status: 0 clean, 1 findings, 2 it could not be done.
    """
    sites = _sites(site_id)
    known = _known(baseline)
    suggestions = Suggestions.read(cookies)
    _writable(out)
    if har:
        _make_folder(har)
    try:
        report = audit(
            url,
            sites[site_id] if site_id else None,
            sites=sites.values(),
            pages=pages,
            wait=wait,
            har=har,
            progress=_show_progress,
        )
    except KeyboardInterrupt:
        raise CommandFailed("Interrupted; there is no report.") from None
    finally:
        _show_progress(0, 0)
    report = report.without(known)
    text = draft(report, sites.get(report.site or ""), suggestions) if as_draft else WRITERS[form](report)
    if out:
        try:
            out.write_text(text + "\n", encoding="utf-8")
        except OSError as error:  # a full disk, say: minutes of work are not lost for it
            click.echo(text)
            raise CommandFailed(f"{out} cannot be written: {error.strerror}. What it should hold is above.") from None
        click.echo(f"{len(report.findings)} to mend; {out} has the {'draft' if as_draft else 'report'}.", err=True)
    else:
        click.echo(text)
    if as_draft or form != "text" or out:
        for note in report.notes:
            click.echo(f"Note: {note}", err=True)
    for why in (NO_PAGE, CUT_SHORT):
        if why in report.unaudited.values() and not report.findings:
            states = ", ".join(state for state, each in report.unaudited.items() if each == why)
            raise CommandFailed(f"Not audited, for {why}: {states}.")
    raise SystemExit(1 if report.findings else 0)


def _show_progress(done: int, all_: int) -> None:
    """Draw the bar at a terminal; without anything to do it goes."""
    if sys.stderr.isatty():
        filled = COLUMNS * done // all_ if all_ else 0
        bar = f"[{'#' * filled}{'.' * (COLUMNS - filled)}] {done} of {all_} page views" if all_ else ""
        click.echo(f"\r\033[K{bar}", nl=False, err=True)


def _sites(site_id: str | None) -> Mapping[str, Site]:
    """Return the shops of consent.toml, none where there is no such file.

    Raises:
        CommandFailed: there is none although one is named, or it has no such shop.
    """
    named = named_config()
    config = named or Path("consent.toml")
    if not config.exists():
        if site_id or named:
            raise CommandFailed(f"There is no {config}; CONSENT_CONFIG names another.")
        return {}
    sites = read_sites(config)
    if site_id:
        site_named(sites, site_id)
    return sites


def _known(baseline: Path | None) -> set[tuple[str, str, str, str]]:
    """Return what the findings of an earlier report are known by."""
    try:
        return known_findings(baseline.read_bytes()) if baseline else set()
    except NoReport as error:
        raise CommandFailed(f"{baseline}: {error}") from None


def _writable(out: Path | None) -> None:
    """Refuse before the work what could not be written after it."""
    if out and not os.access(out if out.exists() else out.parent, os.W_OK):
        raise CommandFailed(f"{out} cannot be written: see that its folder is there, and is yours.")


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(0o700, parents=True, exist_ok=True)  # what is in there has cookies' values
    except OSError as error:
        raise CommandFailed(f"{folder} cannot be made: {error.strerror}.") from None
