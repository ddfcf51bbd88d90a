"""The settings and words that each built script has put into it; `snippet/src/settings.d.ts` has their types."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from ..catalogue import service, services
from ..catalogue.addresses import covers
from ..site import CATEGORIES, OPTIONAL, Notice, Site, Variant
from . import ruled, style
from .cookie_list import cookie_list, facts, with_storage
from .regional import country_name, dates, isolated, separator


def gate(site: Site, version: str, notices: Mapping[str, Sequence[Notice]], first: Sequence[str]) -> dict[str, object]:
    """Return the settings that the gate needs, ``SiteConfig`` in ``settings.d.ts``."""
    layouts = [variant.layout or site.theme["layout"] for variant in site.all_variants]
    ways = [
        {
            "below": share,
            "variant": variant.name,
            "layout": layout,
            "notices": {lang: _first_layer(each[i], first) for lang, each in notices.items()},
        }
        for i, ((variant, share), layout) in enumerate(zip(_shares(site), layouts, strict=True))
    ]
    return {
        "site": site.id,
        "revision": site.revision,
        "keep": site.keep,
        "policy": site.policy_url,
        "cookie": site.cookie,
        "domain": site.cookie_domain or "",
        "gpc": int(site.gpc),
        "layers": version,
        "css": style.layouts(layouts) + style.theme(site.theme),
        # What begins as the last, no category allows: the layer that it is for says what became of an account's answer.
        "clear": [
            *(_beginnings(site, category) for category in OPTIONAL),
            *([["ask-account=applied", "ask-account=conflict"]] if site.accounts else []),
        ],
        "ways": ways,
        **({"vendors": dict(_vendors(site.vendors))} if site.vendors else {}),
        **({"trackers": list(tracker_patterns(_held(site)))} if site.held_trackers else {}),
        **({"rules": ruled.rules(site, notices, first)} if site.rules else {}),
    }


def _beginnings(site: Site, category: str) -> list[str]:
    """Return what the names of what can be removed begin with: enough to see whether some of it is there."""
    return list(dict.fromkeys(name.partition("*")[0] for name, _ in site.removable(category)))


def _names(site: Site) -> dict[str, list[str]]:
    """Return each category's names as ``clear.js`` takes them: with the place, if they are meant in that one alone.

    A comma stands between them, which no name has.
    """
    return {
        category: [f"{name},{kind}" if kind else name for name, kind in site.removable(category)]
        for category in CATEGORIES
    }


def _held(site: Site) -> Iterator[tuple[str, str]]:
    """Return the trackers that wait. A pattern that several services have, as Google's, waits for either of them.

    ``trackers.js`` and ``withdraw.js`` know that by the ``|``. What a shop itself writes twice waits for both.
    """
    having = Counter(pattern for name in {*site.services} for pattern in service(name).patterns)
    shared = {pattern for pattern, many in having.items() if many > 1} - site.own_patterns
    waits: dict[str, list[str]] = {}
    for pattern, category in site.held_trackers:
        waits.setdefault(pattern, []).append(category)
    for pattern, categories in waits.items():
        yield from ((pattern, each) for each in (["|".join(categories)] if pattern in shared else categories))


def _vendors(vendors: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, dict[str, object]]]:
    """Return each vendor that is told, as ``vendors.js`` calls it, and what else it is told."""
    for name, options in vendors.items():
        if name == "google":
            wait = {"wait_for_update": options["wait"]} if options.get("mode") == "advanced" else {}
            region = {"region": options["region"]} if options.get("region") else {}
            switches = {"redact": "ads_data_redaction", "passthrough": "url_passthrough"}
            yield (
                name,
                {
                    "defaults": wait | region,
                    "switches": [switch for key, switch in switches.items() if options.get(key)],
                },
            )
        elif name == "microsoft":
            yield from ((product, {}) for product in ("uet", "clarity") if options.get(product))
        elif name == "matomo":
            kind = "CookieConsent" if options.get("mode") == "cookie" else "Consent"
            yield name, {"require": f"require{kind}", "give": f"set{kind}Given", "forget": f"forget{kind}Given"}
        else:
            yield name, {}


def tracker_patterns(trackers: Iterable[tuple[str, str]]) -> Iterator[dict[str, str]]:
    """Return each category with one regular expression of its trackers' hosts and paths.

    It allows for what a browser leaves in a host: a port that is not the scheme's own, and a dot at its end. Patterns
    with nothing but a host stand together, as most are that, and the gate is to be small.
    """
    sources: dict[str, dict[str, list[str]]] = {}
    for pattern, category in trackers:
        host, _, path = pattern.partition("/")
        host, _, port = host.partition(":")
        after = r"\.?" + (f":{port}" if port else r"(:\d+)?") + "/" + _path(path.removesuffix("*"))
        end = "" if not path or path.endswith("*") else "$"
        sources.setdefault(category, {}).setdefault(after + end, []).append(host)
    for category, by_end in sources.items():
        match = "|".join(_hosts(hosts) + end for end, hosts in by_end.items())
        yield {"match": f"^({match})", "category": category}


def known_addresses(site: Site) -> list[list[dict[str, str]]]:
    """Return the same of all that a site lists: first its trackers, then what its services may ask for, held or not.

    What is a tracker's path says more than its host, which several services share: Tag Manager's has Analytics' script.
    So what another service has to wait with is that service's alone, and listed as nothing (``""``) where the site does
    not name it; only what its own services name as closely, or closer, is theirs too.
    """
    return [list(tracker_patterns(site.trackers)), *_asked_by(site.services)]


def known_hosts(site: Site) -> list[list[dict[str, str]]]:
    """Return the hosts of those addresses, whatever is asked for there: for who is told a host and no more."""
    asked = [(host, each.category) for each in map(service, site.services) for host in each.hosts]
    return [[*tracker_patterns((pattern.partition("/")[0], kind) for pattern, kind in (*site.trackers, *asked))]]


@cache
def _asked_by(names: tuple[str, ...]) -> list[list[dict[str, str]]]:
    hosts = [(host, each.category) for each in map(service, names) for host in each.hosts]
    others = [
        pattern
        for name, each in services().items()
        if name not in names
        for pattern in each.patterns
        if any(covers(host, pattern) or covers(pattern, host) for host, _ in hosts)
    ]
    close = [row for row in hosts if any(covers(pattern, row[0]) for pattern in others)]
    wide = [row for row in hosts if row not in close]
    foreign = [(pattern, "") for pattern in others if any(covers(host, pattern) for host, _ in wide)]
    return [list(tracker_patterns(rows)) for rows in (close, foreign, wide)]


def categories_at(target: str, known: Iterable[Sequence[Mapping[str, str]]]) -> list[str]:
    """Return the categories of an address, host and path, in the first of ``known_addresses`` that has it; or none.

    Whatever is there may be asked for once one of them is allowed.
    """
    found = ([each["category"] for each in patterns if re.match(each["match"], target)] for patterns in known)
    return [category for category in next(filter(None, found), []) if category]


def _hosts(hosts: Iterable[str]) -> str:
    """Return a regular expression of hosts, ``*.`` before those whose subdomains count too."""
    wide = "|".join(_literal(host[2:]) for host in hosts if host.startswith("*."))
    exact = [_literal(host) for host in hosts if not host.startswith("*.")]
    return "(" + "|".join([*([rf"([^/]*\.)?({wide})"] if wide else []), *exact]) + ")"


def _literal(text: str) -> str:
    """Return a regular expression, of JavaScript, that matches ``text``."""
    return re.sub(r"[^\w:/-]", r"\\\g<0>", text)


def _path(text: str) -> str:
    """Return likewise of a path, in which one browser encodes ``|`` and ``^`` and another does not."""
    said = _literal(text.replace("%7C", "|").replace("%5E", "^"))
    return said.replace(r"\|", r"(\||%7C)").replace(r"\^", r"(\^|%5E)")


def _first_layer(notice: Notice, first: Iterable[str]) -> list[str]:
    """Return what the first layer asks, ``FirstLayer`` in ``settings.d.ts``: a list, as names cost bytes."""
    return [notice.hash, *(notice.content["words"][key] for key in first)]


def _shares(site: Site) -> Iterator[tuple[Variant, float]]:
    """Return each way of asking with the share of draws below which the gate takes it."""
    whole = sum(variant.weight for variant in site.all_variants)
    below = 0
    for variant in site.all_variants:
        below += variant.weight
        yield variant, round(below / whole, 4)


def details(site: Site, asked: Notice, words: Mapping[str, str], wanted: Iterable[str]) -> dict[str, object]:
    """Return what the details need, ``DetailsConfig`` in ``settings.d.ts``."""
    return {
        "lang": asked.lang,
        "dates": dates(asked.lang),
        "comma": separator(asked.lang),
        "words": {key: words[key] for key in wanted},
        "cookies": {
            category: [_in_words(cookie, asked.lang) for cookie in cookies]
            for category, cookies in asked.content["cookies"].items()
        },
        "facts": " ".join([*facts(site, asked.lang, words), *([words["account"]] if site.accounts else [])]),
        "updated": site.policy_updated.isoformat(),
        "changed": site.changed.get(asked.lang),
        "providers": [
            {"match": each["match"], "name": each["category"]}
            for each in tracker_patterns(
                (pattern, f"{known.name} ({known.provider})")
                for known in map(service, site.services)
                for pattern in known.patterns
            )
        ],
    }


def _in_words(cookie: Mapping[str, str], lang: str) -> dict[str, str]:
    """Return a line of a notice's cookie list with the name of the country in place of its code."""
    named = {"country": country_name(cookie["country"], lang)} if "country" in cookie else {}
    names = {
        "name": isolated(with_storage(cookie["name"], cookie.get("kind")), lang),
        "provider": isolated(cookie["provider"], lang),
    }
    return names | {key: cookie[key] for key in ("purpose", "life")} | named


def mine(site: Site, words: Mapping[str, str], wanted: Iterable[str]) -> dict[str, object]:
    """Return what a shopper's own choices need, ``MineConfig`` in ``settings.d.ts``."""
    return {"words": {key: words[key] for key in wanted}, "contact": site.contact, "authority": site.authority}


def withdraw(site: Site, lang: str, words: Mapping[str, str], wanted: Iterable[str]) -> dict[str, object]:
    """Return what a withdrawal needs, ``WithdrawConfig`` in ``settings.d.ts``."""
    return {"lang": lang, "words": {key: words[key] for key in wanted}, "names": _names(site)}


def listed(site: Site, lang: str, words: Mapping[str, str], wanted: Iterable[str]) -> dict[str, object]:
    """Return what the cookie list in a page needs, ``ListConfig`` in ``settings.d.ts``."""
    content, radius = cookie_list(site, lang, words), site.theme["radius"]
    if site.rules:
        of = [category for category in CATEGORIES if site.cookies.get(category)]
        content["tables"] = [{**each, "category": name} for each, name in zip(content["tables"], of, strict=True)]
    said = {key: words[key] for key in wanted}
    return {**content, "dates": dates(lang), "comma": separator(lang), "radius": radius, "words": said}


def account(site: Site) -> dict[str, object]:
    """Return what puts an account's answer in place, ``AccountConfig`` in ``settings.d.ts``."""
    return {"cookie": site.cookie, "domain": site.cookie_domain or "", "keep": site.keep}


def watch(site: Site) -> dict[str, object]:
    """Return what a page view that is watched needs, ``WatchConfig`` in ``settings.d.ts``."""
    addresses = [each for each in known_addresses(site) if each]
    return {"names": _names(site), "cookie": site.cookie, "addresses": addresses, "domains": site.domains}


def watching(site: Site, digest: str) -> dict[str, object]:
    """Return what draws the page views that are watched, ``WatchingConfig`` in ``settings.d.ts``."""
    layer = f"watch.{site.languages[0]}.{digest}.js"
    return {"share": site.watch, "path": f"/v1/{site.id}/", "layer": layer}
