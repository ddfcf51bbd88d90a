"""What our own script keeps on a device: rows that each shop's cookie list has, unless it writes them itself."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib.resources import files

from ..site import GRACE, Cookie, Site, glob
from .spans import MONTH, time_span

PURPOSE: Mapping[str, str] = tomllib.loads(files(__package__).joinpath("ours.toml").read_text("utf-8"))
"""What the cookie ``consent`` is for, in each language that the banner speaks."""

OTHERS = "ask-*"
"""What else has to do with the answer; `docs/tag.md` has each by its name."""

_ROUND = 3 * 86400
"""Seconds by which whole months may say more than there are."""


def names(site: Site) -> dict[str, bool]:
    """Return each name, and whether it is there only for who is logged in to an account."""
    linked = [site.cookie.replace("consent", name) for name in ("ask-own", "ask-account")]
    return {site.cookie: False, OTHERS: False, **(dict.fromkeys(linked, True) if site.accounts else {})}


def missing(site: Site) -> list[str]:
    """Return the names that a site's list has not."""
    rows = [re.compile(glob(cookie.name)) for cookies in site.cookies.values() for cookie in cookies if not cookie.host]
    return [name for name in names(site) if not any(row.fullmatch(name) for row in rows)]


def seconds(site: Site) -> int:
    """Return how long it is kept at most."""
    return site.keep + GRACE


def life(site: Site, lang: str) -> str:
    """Return that in a language, in months where these say it well."""
    months = round(math.ceil(seconds(site) / 86400 / MONTH) * MONTH) * 86400
    return time_span(months if 0 <= months - seconds(site) <= _ROUND else seconds(site), lang)


def with_ours(site: Site, words: Mapping[str, Mapping[str, str]]) -> Site:
    """Return a site whose list says too what our own script keeps.

    In a language of the shop's own nobody has written what that is for, and the list stays as it is: ``check`` says so.

    Args:
        site: as ``consent.toml`` describes it.
        words: the banner's in each of its languages, the shop's own among them.
    """
    if not {*site.languages} <= {*PURPOSE}:
        return site
    rows = tuple(_rows(site, words))
    return replace(site, cookies={**site.cookies, "necessary": (*rows, *site.cookies.get("necessary", ()))})


def _rows(site: Site, words: Mapping[str, Mapping[str, str]]) -> Iterator[Cookie]:
    lives = {lang: life(site, lang) for lang in site.languages}
    for name in missing(site):
        linked = names(site)[name]
        purpose = {lang: words[lang]["account"] if linked else PURPOSE[lang] for lang in site.languages}
        yield Cookie(name, site.name, purpose, lives, site.country)
