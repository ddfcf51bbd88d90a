"""Whether a shop obeys: ``consent-server audit``."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click
import msgspec

from ..audit.report import Report
from ..audit.run import audit
from ..decision import Site
from ..settings.shops import read_sites
from .terminal import CouldNot, in_words, named

FORMATS = ("text", "json", "markdown")


@click.command("audit")
@click.argument("url")
@click.option("--site", "site_id", metavar="SITE", help="The shop in consent.toml (default: the one with this origin).")
@click.option("--pages", default=20, show_default=True, metavar="N", type=click.IntRange(1, 1000), help="Pages at most.")
@click.option("--wait", default=3.0, show_default=True, metavar="SECONDS", type=click.FloatRange(0.1, 300), help="Time on each page and state.")
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", show_default=True)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Where to write it (default: here).")
@click.option("--har", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="Also write all traffic, a HAR file a state.")
@click.option("--baseline", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="FILE", help="A report in JSON: only what is new since counts.")
@in_words
def audit_command(
    url: str,
    site_id: str | None,
    pages: int,
    wait: float,
    form: str,
    out: Path | None,
    har: Path | None,
    baseline: Path | None,
) -> None:
    """Open a shop in a real browser, refuse, accept and withdraw, and say what should not be there.

    \b
      consent-server audit https://shop.example/
      consent-server audit https://shop.example/ --format json --out audit.json
      consent-server audit https://shop.example/ --baseline audit.json

    Reads consent.toml (CONSENT_CONFIG) where there is one. Exit status: 0 clean, 1 findings, 2 it could not be done.
    """
    known = _keys(baseline)
    report = audit(url, _site(url, site_id), pages=pages, wait=wait, har=har, progress=_progress)
    if sys.stderr.isatty():
        click.echo("\r\033[K", nl=False, err=True)
    if known is not None:
        report = Report(**{**_fields(report), "findings": [each for each in report.findings if each.key not in known]})
    text = {"text": report.text, "json": report.json, "markdown": report.markdown}[form]()
    if out:
        out.write_text(text + "\n", encoding="utf-8")
        click.echo(f"{len(report.findings)} findings; written to {out}.", err=True)
    else:
        click.echo(text)
    raise SystemExit(1 if report.findings else 0)


def _fields(report: Report) -> dict[str, object]:
    return {name: getattr(report, name) for name in report.__dataclass_fields__}


def _progress(done: int, all_: int) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r{done} of {all_} page views ...", nl=False, err=True)


def _site(url: str, site_id: str | None) -> Site | None:
    """Return the shop that is meant, or None where there is no consent.toml."""
    config = Path(os.environ.get("CONSENT_CONFIG", "consent.toml"))
    if not config.exists():
        if site_id:
            raise CouldNot(f"There is no {config} to find the site {site_id!r} in; name one with CONSENT_CONFIG.")
        return None
    sites = read_sites(config)
    if site_id:
        return named(sites, site_id)
    origin = "/".join(url.split("/")[:3]).lower()
    return next((site for site in sites.values() if origin in site.origins), None)


def _keys(baseline: Path | None) -> set[tuple[str, str, str, str]] | None:
    """Return what the findings of an earlier report are known by."""
    if baseline is None:
        return None
    try:
        findings = msgspec.json.decode(baseline.read_bytes())["findings"]
        return {(each["state"], each["kind"], each["name"], each["host"]) for each in findings}
    except (msgspec.DecodeError, KeyError, TypeError, OSError):
        raise CouldNot(f"{baseline} is no report of an audit; write one with --format json --out FILE.") from None
