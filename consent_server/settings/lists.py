"""What a shop sets, asks and tells, as it lists it: cookies, vendors, trackers, and the services that bring theirs."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from ..catalogue import MissingWords, for_site, services
from ..catalogue.addresses import covers
from ..catalogue.unkept import countries
from ..catalogue.unkept import rows as rows_of_unkept
from ..site import CATEGORIES, OPTIONAL, Cookie
from .rows import REQUIRED, Row, WrongAt, by_language, choice, did_you_mean, each, table, text, whole, yes_no
from .spelling.listed import host, pattern


def _cookie_name(value: Any) -> str:
    # Entries of storage may be named in any way; a comma is mostly between two names that should be two rows.
    is_text = isinstance(value, str) and value.isprintable() and value == value.strip()
    if is_text and re.fullmatch(r"[^,*]+\*?|\*[^,*]+", value):
        return str(value)
    raise ValueError('takes a cookie\'s name such as "_ga", or a pattern such as "_ga_*"')


def _regions(value: Any) -> list[str]:
    texts = value if isinstance(value, list) else [None]
    if all(isinstance(text, str) and re.fullmatch(r"[A-Z]{2}(-[A-Z0-9]{1,3})?", text) for text in texts):
        return list(texts)
    raise ValueError('takes a list of regions such as ["AZ", "US-CA"] (ISO 3166-2)')


def country(value: Any) -> str:
    """Return the code of a country."""
    if isinstance(value, str) and re.fullmatch("[A-Z]{2}", value):
        return value
    raise ValueError('takes the code of a country such as "US" (ISO 3166-1)')


def _host(value: Any) -> str:
    return host(value, r"[a-z0-9_-]+(\.[a-z0-9_-]+)+", 'takes a host such as "youtube.com"')


def _life(value: Any) -> str | dict[str, str]:
    return by_language(value) if isinstance(value, dict) else text(value)


COOKIE = (
    Row("name", _cookie_name, REQUIRED, "Its name, or a pattern such as _ga_*; storage entries count too.", "_ga_*"),
    Row("provider", text, REQUIRED, "Who sets it; the shop itself, if it begins with the shop's name.", "Google"),
    Row("purpose", by_language, REQUIRED, "What for, in each language.", {"en": "Tells visits from each other."}),
    Row("life", _life, REQUIRED, "How long it lives: one text, or one for each language.", {"en": "13 months"}),
    Row("country", country, None, "Where the data goes (ISO 3166-1).", "US"),
    Row(
        "host", _host, None, "Where it lies, if not with the shop's pages, which can then not remove it.", "ads.example"
    ),
)


def tracker(match: str, category: str) -> tuple[str, str]:
    """Return a row of the trackers as a site has it."""
    return match, category


TRACKER = (
    Row(
        "match",
        pattern,
        REQUIRED,
        "Host, or *.host, with a path but no query if need be, of an unmarked tracker.",
        "*.hotjar.com",
    ),
    Row(
        "category",
        choice(*CATEGORIES),
        REQUIRED,
        "What must be allowed before it may be loaded; necessary: it is known and harmless, and nothing holds it.",
        "analytics",
    ),
)

VENDORS: Mapping[str, tuple[Row, ...]] = {
    "google": (
        Row(
            "mode",
            choice("basic", "advanced"),
            "basic",
            "basic: tags wait; advanced: they ping without cookies.",
            "advanced",
        ),
        Row("wait", whole(0, 5000), 500, "Milliseconds that Google's tags wait for the choice (wait_for_update).", 800),
        Row("region", _regions, [], "Regions that the denied default is for; everywhere if left out.", ["AZ", "US-CA"]),
        Row(
            "redact",
            yes_no,
            False,
            "While marketing is refused, no identifier of an ad's click is sent to Google (ads_data_redaction).",
            True,
        ),
        Row(
            "passthrough",
            yes_no,
            False,
            "Without cookies, what an ad's click said goes along in the links of the page (url_passthrough).",
            True,
        ),
    ),
    "microsoft": (
        Row("uet", yes_no, False, "Microsoft Advertising's Universal Event Tracking.", True),
        Row("clarity", yes_no, False, "Microsoft Clarity.", True),
    ),
    "meta": (),
    "matomo": (
        Row("mode", choice("full", "cookie"), "full", "full: nothing is sent; cookie: only cookies wait.", "cookie"),
    ),
    **dict.fromkeys(("hubspot", "pinterest", "piwikpro", "posthog", "shopify", "tiktok", "wordpress"), ()),
}


def read_services(value: Any) -> tuple[str, ...]:
    """Return ids of services of the catalogue.

    Raises:
        ValueError: it is no list of them.
    """
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise ValueError('takes a list of services of the catalogue such as ["ga4", "hotjar"]')
    for name in value:
        if name not in services():
            near = did_you_mean(name, services())
            raise ValueError(f"has {name!r}, which the catalogue lacks{near}; `consent-server services` lists them")
    return tuple(dict.fromkeys(value))


def read_vendors(value: Any) -> dict[str, Any]:
    """Return the vendors to tell, each default filled in.

    Raises:
        ValueError: something about them is wrong.
    """
    for name in value if isinstance(value, dict) else ():
        known = {"snap": "snapchat"}.get(name, name)
        if isinstance(known, str) and name not in VENDORS and known in services():
            raise ValueError(f"has {name!r}, {_instead(known)}")
    return each({name: table(rows) for name, rows in VENDORS.items()})(value)


def _instead(service: str) -> str:
    """Return what to write in place of a table that has the name of a service and not of a vendor."""
    brought, found = f"services = [{json.dumps(service)}]", services()[service]
    if found.vendors:
        tables = " and ".join(f"[vendors.{vendor}]" for vendor in found.vendors)
        return f"which is told by {tables}; {brought} brings that too"
    then = "its tag waits until it is allowed" if found.category in OPTIONAL else "it is listed, and no tag waits"
    return f"which has no call for consent: write {brought}, and {then}"


def with_services(values: Mapping[str, Any], vendors: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the lists of a shop with what its services bring.

    A line of the shop's own wins: a cookie of that name and host, a setting of that vendor, a pattern that covers the
    service's. What lies on another host is another cookie, as short as half of their names are.

    Args:
        values: the shop's, read.
        vendors: the shop's as they are written.

    Raises:
        WrongAt: a service has no words in a language of the shop.
    """
    try:
        needed = for_site(values["services"], values["languages"])
    except MissingWords as error:
        why = f"has {error.service!r}, which has no words in {error.lang!r}: leave out the one or the other"
        raise WrongAt("services", f"{why}, or list its cookies in your own words") from None
    own = {(cookie.name, cookie.host) for cookies in values["cookies"].values() for cookie in cookies}
    lists: dict[str, tuple[Cookie, ...]] = dict(values["cookies"])
    unkept = rows_of_unkept(values["services"], values["languages"])
    for category, cookies in (*needed.cookies.items(), *unkept.items()):
        lists[category] = (*lists.get(category, ()), *(each for each in cookies if (each.name, each.host) not in own))
    told = {name: {**options, **vendors.get(name, {})} for name, options in {**vendors, **needed.vendors}.items()}
    trackers = values["trackers"]
    known = [row for row in needed.trackers if not any(covers(pattern, row[0]) for pattern, _ in trackers)]
    return {
        "cookies": lists,
        "vendors": read_vendors(told),
        "trackers": (*trackers, *known),
        "own_patterns": frozenset(pattern for pattern, _ in trackers),
        "reached": countries(values["services"]),
    }
