"""What the catalogue has: ``consent-server services``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click
import msgspec

from ..catalogue import Service, lives, purposes, service, services
from .terminal import echo_json, errors_to_exit_2


@click.command("services")
@click.argument("name", required=False)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@errors_to_exit_2
def services_command(name: str | None, form: str) -> None:
    """List the services that consent.toml may name, or show what one sets, asks and tells.

    \b
      consent-server services
      consent-server services ga4
    """
    if form == "json":
        echo_json(_whole(name, service(name)) if name else [_row(id_, each) for id_, each in services().items()])
    else:
        click.echo("\n".join(_page(name, service(name)) if name else _list()))


def _row(id_: str, each: Service) -> dict[str, Any]:
    return {"id": id_} | {key: getattr(each, key) for key in ("name", "provider", "country", "category")}


def _whole(id_: str, each: Service) -> dict[str, Any]:
    """Return all that is known of a service, its purposes and lives in every language."""
    entries = [
        msgspec.to_builtins(entry)
        | {"category": each.category_of(entry), "purpose": purposes()[entry.purpose], "life": lives()[entry.life]}
        for entry in each.entries
    ]
    return {"id": id_, **msgspec.to_builtins(each), "hosts": each.hosts, "entries": entries}


def _list() -> Iterator[str]:
    wide = max(map(len, services()))
    for id_, each in services().items():
        yield f"{id_:{wide}}  {each.category:10}  {each.country}  {each.name}"


def _page(id_: str, each: Service) -> Iterator[str]:
    yield f"{each.name}, of {each.provider} ({each.country}): {each.category}"
    yield f'services = ["{id_}"]'
    yield ""
    yield "It sets:" if each.entries else "It sets nothing on a device."
    for entry in each.entries:
        of = "" if each.category_of(entry) == each.category else f", {entry.category}"
        where = f" at {entry.host}" if entry.host else ""
        doubt = " (no page of the vendor says so)" if entry.unverified else ""
        life, purpose = lives()[entry.life]["en"], purposes()[entry.purpose]["en"]
        yield f"  {entry.kind} {entry.name}{where}, {life}{of}: {purpose}{doubt}"
    yield ""
    yield "Nothing waits for an answer at:" if each.category == "necessary" else f"What waits for {each.category}:"
    yield from (f"  {pattern}" for pattern in each.patterns)
    if each.besides:
        yield ""
        yield (
            "It may be asked too, which nothing holds:"
            if each.category == "necessary"
            else (f"It may be asked too once {each.category} is allowed, which nothing holds:")
        )
        yield from (f"  {pattern}" for pattern in each.besides)
    if each.vendors:
        yield ""
        yield f"It is told of the choice: vendors.{', vendors.'.join(each.vendors)}"
    yield ""
    yield "From:" if each.read is None else f"From, read on {each.read}:"
    yield from (f"  {source}" for source in each.sources)
    if each.unverified:
        yield "  None of these pages could be read: check what it sets with `consent-server audit`."
