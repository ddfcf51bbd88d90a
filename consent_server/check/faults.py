"""What is wrong with a configuration, each fault with what to type against it; and the tag for a sound one."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from shlex import quote
from urllib.parse import urlsplit

from ..audit.lives import seconds_of
from ..catalogue import ours, service, unkept
from ..catalogue.addresses import covers
from ..settings.environment import ENVIRONMENT, Settings, read_environment
from ..settings.hints.names import left_empty
from ..settings.hints.secret import said_in, to_have_one, to_make_one
from ..settings.rows import SettingsError
from ..settings.theme import SEEN, hardly_seen
from ..site import CATEGORIES, OPTIONAL, ConsentError, Site

LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault and its cure, a sentence each; ``grave`` if the server must not go on like this."""

    fault: str
    cure: str
    grave: bool = True


def environment(environ: Mapping[str, str], folder: Path) -> tuple[Settings, list[Fault]]:
    """Return the settings, without those that are wrong, and what is wrong with them; ``folder`` may hold a secret."""
    rest, found = dict(environ), []
    while True:
        try:
            settings = read_environment(rest)
            break
        except SettingsError as error:
            for spelling in (error.name, f"{error.name}_FILE"):
                rest.pop(spelling, None)
            # A log that is there goes on with its own secret alone.
            new = f"correct it; or, for a shop that nobody has answered yet, {to_make_one(folder)}"
            cures = {row.name: f"set it: {row.help}" for row in ENVIRONMENT} | {"CONSENT_SECRET": new}
            found.append(
                Fault(str(error), cures.get(error.name or "", f"type: unset {error.name}; and set what was meant"))
            )
    for name in left_empty(environ, [row.name for row in ENVIRONMENT]):
        found.append(
            Fault(
                f"{name} is set, and empty, which counts as left out.", f"give it a value, or type: unset {name}", False
            )
        )
    if not settings.secret and not any("CONSENT_SECRET" in fault.fault for fault in found):
        found.append(Fault("CONSENT_SECRET is not set, so no token can be signed.", to_have_one(folder)))
    if settings.digest and settings.marketers in (None, "none"):
        found.append(
            Fault(
                "The weekly digest has no link to the marketers' page, as CONSENT_MARKETERS names no host of it.",
                "set CONSENT_MARKETERS to the host on which the page is to answer, such as rates.shop.example",
                False,
            )
        )
    return settings, found


def secret(settings: Settings, folder: Path, environ: Mapping[str, str]) -> Iterator[Fault]:
    """Find a secret that others know: that of a demo in ``folder``, or one that everybody may read."""
    for kept in folder.glob("consent-demo*/secret"):
        if said_in(kept) in settings.secret:
            cure = f"{to_make_one(folder)}; where shoppers have answered already, type: consent-server keys rotate"
            yield Fault(f"CONSENT_SECRET is the one of the demo in {kept.parent.name}.", cure)
    path = environ.get("CONSENT_SECRET_FILE")
    if path and _is_open(Path(path)):
        yield Fault(f"{path} can be read by others than its owner.", f"type: chmod 600 {quote(path)}")


def _is_open(path: Path) -> bool:
    """Return whether others may read a file who need not, as its owner is who reads it: us, as far as that is known.

    A group may be how root gives it to the server, and what containers mount is theirs to guard.
    """
    try:
        found = path.stat()
    except OSError:
        return False
    others = 0o007 if found.st_uid == 0 else 0o077
    return found.st_uid == os.geteuid() and bool(found.st_mode & others) and not path.is_relative_to("/run/secrets")


def site(shop: Site) -> Iterator[Fault]:
    """Find what is wrong with a shop as it is described."""
    for origin in shop.origins:
        host = urlsplit(origin).hostname or ""
        if origin.startswith("http://") and host not in LOOPBACK:
            yield Fault(
                f"{shop.id}: {origin} is not under https, so anybody on the way can read and change the answer.",
                f'write "https://{host}" in origins, and have the shop answer there',
            )
        if shop.host_cookie and origin.startswith("http://"):
            yield Fault(
                f"{shop.id}: browsers take the cookie __Host-consent under https alone, so {origin} keeps no answer.",
                f"have {origin} answer under https, or leave host_cookie out",
                grave=host not in LOOPBACK,
            )
        domain = shop.cookie_domain
        if domain and host != domain and not host.endswith(f".{domain}"):
            yield Fault(
                f"{shop.id}: browsers refuse the cookie of {domain} on {origin}.",
                f"take a parent domain of every origin as cookie_domain, or leave it out, or leave {origin} out",
            )
    yield from _ours(shop)
    if _sets_unnamed(shop):
        yield Fault(
            f"{shop.id}: the cookie list names no optional cookie, though vendors or trackers are configured.",
            f"name what they set in tables [[sites.{shop.id}.cookies.analytics]] and so on",
            grave=False,
        )
    for where, ratio in hardly_seen(shop.theme):
        yield Fault(
            f"{shop.id}: {where} has a contrast of {ratio:.1f}:1 with the background, so its buttons are hardly seen.",
            f"give both buttons of [sites.{shop.id}.{where.removesuffix('.accept.background')}] another background; "
            f"at least {SEEN}:1",
            grave=False,
        )
    yield from _parted(shop)
    yield from _overlapping(shop)


def _sets_unnamed(shop: Site) -> bool:
    """Return whether there is who may set what waits for a yes, and the list names none of it.

    A service that keeps nothing stands in the list as well; that is no cookie, and what it asks for sets none.
    """
    told, theirs = unkept.rows(shop.services, shop.languages), unkept.patterns(shop.services)
    names = any(row not in told.get(category, ()) for category in OPTIONAL for row in shop.cookies.get(category, ()))
    return not names and bool(shop.vendors or any(pattern not in theirs for pattern, _ in shop.held_trackers))


def _parted(shop: Site) -> Iterator[Fault]:
    """Find what nothing holds any more because the catalogue has parted it from a service that the shop names."""
    if "hubspot" in shop.services and "hubspot-forms" not in shop.services:
        forms = service("hubspot-forms")
        free = [each for each in forms.patterns if not any(covers(own, each) for own, _ in shop.trackers)]
        if free:
            yield Fault(
                f"{shop.id}: nothing holds {' and '.join(free)}: HubSpot's forms are a service of their own.",
                'add "hubspot-forms" to services, if a page has one of its forms; or list those addresses in '
                f"[[sites.{shop.id}.trackers]]",
                grave=False,
            )


def _ours(shop: Site) -> Iterator[Fault]:
    """Find what the cookie list does not say of what our own script keeps, or says wrongly."""
    lacking = [lang for lang in shop.languages if lang not in ours.PURPOSE]
    if missing := ours.missing(shop):
        yield Fault(
            f"{shop.id}: the cookie list leaves out {' and '.join(f'`{name}`' for name in missing)}, which the banner "
            f"keeps{f'; what for is not written in {lacking[0]!r} here' if lacking else ''}.",
            f"add a table [[sites.{shop.id}.cookies.necessary]] for each, with life = "
            f'"{ours.life(shop, shop.languages[0])}"',
            grave=False,
        )
    for cookie in (each for cookies in shop.cookies.values() for each in cookies if each.name == shop.cookie):
        said = cookie.life[shop.languages[0]]
        if (seconds_of(said) or math.inf) * 1.1 + 86400 < ours.seconds(shop):
            yield Fault(
                f"{shop.id}: the cookie list says that `{cookie.name}` is kept for {said}; it lives three months "
                f"longer than an answer holds, {ours.life(shop, shop.languages[0])}.",
                f'write life = "{ours.life(shop, shop.languages[0])}" in that table of consent.toml'
                if lacking
                else "leave that table out of consent.toml: the list has such a row by itself",
                grave=False,
            )


def places(shop: Site, settings: Settings) -> Iterator[Fault]:
    """Find headers that no rule by place can be picked by where the tag does not say where the shopper is."""
    if shop.rules and not settings.country_header:
        yield Fault(
            f"{shop.id}: its rules by place count only where the tag has data-place: no header tells the country.",
            "set COUNTRY_HEADER to the header of your proxy, such as CF-IPCountry, or write data-place into the tag",
            grave=False,
        )
    parts = [place for rule in shop.rules for place in rule.where if "-" in place]
    if parts and settings.country_header and not settings.region_header:
        yield Fault(
            f"{shop.id}: its rule for {parts[0]} counts only where the tag has data-place: no header tells the region.",
            "set REGION_HEADER to the header of your proxy, such as CF-Region-Code, or write data-place into the tag",
            grave=False,
        )


def _overlapping(shop: Site) -> Iterator[Fault]:
    """Find names of two categories that mean the same: what the one would remove stays for the other."""
    entries = [(name, category, kind) for category in CATEGORIES for name, kind in shop.removable(category)]
    ours = [(name, CATEGORIES[0], None) for name in (shop.cookie, "ask-*")]
    entries += [each for each in ours if each not in entries]
    for (one, kept, kind), (other, category, another) in combinations(entries, 2):
        if kind and another:
            continue  # both are the catalogue's, and it has a test for that
        for name, of, also in ((one, kept, category), (other, category, kept)):
            if name[0] == "*" and "ask-*" in (one, other):
                continue  # it was not written with ours in mind, and ours are never removed
            if kept != category and of != CATEGORIES[0] and _overlap(one, other):
                stays = "whatever is answered" if also == CATEGORIES[0] else f"while {also} is allowed"
                yield Fault(
                    f"{shop.id}: {name} ({of}) overlaps {other if name == one else one} ({also}); "
                    f"what both mean stays {stays}.",
                    f"narrow {name}, or give both one category",
                    grave=False,
                )
                break


def _overlap(one: str, other: str) -> bool:
    """Return whether some name is meant by both, each a name, or one with ``*`` for anything in it."""
    (head, star, tail), (other_head, other_star, other_tail) = one.partition("*"), other.partition("*")
    if star and other_star:
        heads, tails = sorted((head, other_head), key=len), sorted((tail, other_tail), key=len)
        return heads[1].startswith(heads[0]) and tails[1].endswith(tails[0])
    if not star and not other_star:
        return one == other
    name, head, tail = (one, other_head, other_tail) if other_star else (other, head, tail)
    return len(name) >= len(head + tail) and name.startswith(head) and name.endswith(tail)


def kept_by_safari(shop: Site, url: str) -> Iterator[Fault]:
    """Find origins on another host than the server's ``url``: there only a script can set the answer's cookie."""
    host = urlsplit(url).hostname
    for origin in shop.origins:
        if urlsplit(origin).hostname != host:
            yield Fault(
                f"{shop.id}: on {origin} Safari keeps the answer for 7 days only, then the shopper is asked again.",
                f"have the shop's web server pass {origin}/consent/ on to this server, and set CONSENT_PREFIX=/consent",
                grave=False,
            )


# The tag


def tag(shop: Site, url: str) -> str:
    """Return the tag that the pages of this shop need."""
    return shop.tag(url)


def where(shop: Site) -> str:
    """Return where that tag has its place, in a sentence."""
    if shop.held_trackers:
        return "as the first script in <head>, before anything that loads a tracker"
    if shop.vendors:
        return "in <head>, before the tags of the vendors"
    return "anywhere in <head>"


def unread(error: ConsentError) -> Fault:
    """Return the fault that ``consent.toml`` is wrong."""
    return Fault(str(error), "correct it there; `consent-server init` writes one to start from")
