"""What a site serves: the built scripts with its settings and words in them, and the notices that they show."""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from html import escape
from importlib.resources import files
from typing import Any

import brotli
import msgspec

from ..decision import OPTIONAL, ConsentError, Cookie, Notice, Site, Variant
from ..settings.shops import BUTTON, COLOURS, snippet_words


@dataclass(frozen=True)
class Script:
    """A script as it is served: plain, gzip, brotli; made once, at the start."""

    plain: bytes
    gzip: bytes
    br: bytes
    hash: str

    @classmethod
    def of(cls, text: str) -> Script:
        """Compress ``text`` and name it by its hash."""
        plain = text.encode()
        digest = hashlib.sha256(plain).hexdigest()[:16]
        return cls(plain, gzip.compress(plain, 9, mtime=0), brotli.compress(plain, brotli.MODE_TEXT), digest)


@dataclass(frozen=True)
class Asked:
    """All that a site asks: its scripts and, by language and variant, its notices."""

    consent: Script
    layers: Mapping[str, Mapping[str, Script]]
    """What is fetched when it is wanted, by name and language: ``details``, and ``mine``, a shopper's own choices."""
    notices: Mapping[str, tuple[Notice, ...]]


def prepare(site: Site) -> Asked:
    """Put a site's settings and words into the built scripts, and name what they ask."""
    static = files(__package__).joinpath("static")
    # Only a shop that names vendors or trackers gets what tells and stops them.
    name = "consent.full.js" if site.vendors or site.trackers else "consent.js"
    gate = static.joinpath(name).read_text(encoding="utf-8")
    details, mine = (static.joinpath(f"{name}.js").read_text(encoding="utf-8") for name in ("details", "mine"))
    lists = msgspec.json.decode(static.joinpath("words.json").read_bytes())
    # A shopper's own choices are not among what is shown before an answer.
    built = {name: Script.of(gate).hash, "details.js": Script.of(details).hash}
    words = {lang: {**snippet_words().get(lang, {}), **site.words.get(lang, {})} for lang in site.languages}
    notices = {
        lang: tuple(Notice.compose(site, lang, variant, words[lang], built) for variant in site.asked)
        for lang in site.languages
    }
    layers = {
        "details": {
            lang: Script.of(_filled(details, "__DETAILS__", _details(site, asked, words[lang], lists["details"])))
            for lang, (asked, *_) in notices.items()
        },
        "mine": {
            lang: Script.of(_filled(mine, "__MINE__", _mine(site, words[lang], lists["mine"])))
            for lang in site.languages
        },
    }
    # One version for them all: each hash in the gate would cost every shopper eight bytes.
    version = Script.of("".join(script.hash for each in layers.values() for script in each.values())).hash[:8]
    layers = {
        name: {lang: replace(script, hash=version) for lang, script in each.items()} for name, each in layers.items()
    }
    return Asked(Script.of(_filled(gate, "__SITE__", _gate(site, version, notices, lists["first"]))), layers, notices)


def _filled(built: str, mark: str, content: object) -> str:
    """Return a built script with its mark replaced; ``<`` is escaped so that it can stand inline in a page."""
    text = msgspec.json.encode(content).decode().replace("<", "\\u003c")
    before, found, after = built.partition(mark)
    if not found:
        raise ConsentError(f"The built script has no {mark}; build the scripts again.")
    return before + text + after


def _gate(
    site: Site, version: str, notices: Mapping[str, Sequence[Notice]], first: Sequence[str]
) -> dict[str, object]:
    """Return the settings that the gate needs, ``SiteConfig`` in ``types.d.ts``."""
    layouts = [variant.layout or site.theme.get("layout", "bar") for variant in site.asked]
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
        "domain": site.cookie_domain or "",
        "gpc": int(site.gpc),
        "layers": version,
        "css": _layouts(layouts) + _css(site.theme),
        "clear": [[cookie.name for cookie in site.cookies.get(category, ())] for category in OPTIONAL],
        "ways": ways,
        **({"vendors": dict(_vendors(site.vendors))} if site.vendors else {}),
        **({"trackers": list(tracker_patterns(site.trackers))} if site.trackers else {}),
    }


def _vendors(vendors: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, dict[str, object]]]:
    """Return each vendor that is told, as ``vendors.js`` calls it, and what else it is told."""
    for name, options in vendors.items():
        if name == "google":
            wait = {"wait_for_update": options.get("wait", 500)} if options.get("mode") == "advanced" else {}
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
    """Return each category with a regular expression of its trackers' hosts and paths."""
    sources: dict[str, list[str]] = {}
    for pattern, category in trackers:
        host, _, path = pattern.partition("/")
        below = r"([^/]*\.)?" if host.startswith("*.") else ""
        port = "" if ":" in host else r"(:\d+)?"
        end = "" if not path or path.endswith("*") else "$"
        source = f"{below}{_literal(host.removeprefix('*.'))}{port}/{_literal(path.removesuffix('*'))}{end}"
        sources.setdefault(category, []).append(source)
    for category, each in sources.items():
        yield {"match": f"^({'|'.join(each)})", "category": category}


def _literal(text: str) -> str:
    """Return a regular expression, of JavaScript, that matches ``text``."""
    return re.sub(r"[^\w:/-]", r"\\\g<0>", text)


def _first_layer(notice: Notice, first: Iterable[str]) -> dict[str, str]:
    """Return what the first layer asks, ``FirstLayer`` in ``types.d.ts``."""
    return {"hash": notice.hash, **{key: notice.content["words"][key] for key in first}}


def _shares(site: Site) -> Iterator[tuple[Variant, float]]:
    """Return each way of asking with the share of draws below which the gate takes it."""
    whole = sum(variant.weight for variant in site.asked)
    below = 0
    for variant in site.asked:
        below += variant.weight
        yield variant, round(below / whole, 4)


def _layouts(names: Iterable[str]) -> str:
    """Return the style of layouts other than the bar, which banner.css is."""
    layouts = msgspec.json.decode(files(__package__).joinpath("static/layouts.json").read_bytes())
    return "".join(layouts.get(name, "") for name in sorted(set(names)))


def _css(theme: Mapping[str, Any]) -> str:
    """Return a theme as properties of the banner: both buttons share theirs, so that they cannot differ.

    The banner's own colours for the dark stand under a stronger selector, so colours of the shop's replace them only
    where the shop has said how it looks in the dark.
    """
    light = _rule("#ask", _properties(theme))
    if not theme.get("dark"):
        return light
    defaults = {row.name: row.default for row in COLOURS if row.default} | {
        "accept": {row.name: row.default for row in BUTTON}
    }
    dark = _rule("#ask#ask", _properties(defaults) | _properties(theme) | _properties(theme["dark"]))
    return f"{light}@media(prefers-color-scheme:dark){{{dark}}}"


def _properties(theme: Mapping[str, Any]) -> dict[str, str]:
    plain = {f"--{name}": theme[name] for name in ("background", "text", "radius") if name in theme}
    font = {"font-family": theme["font"]} if "font" in theme else {}
    return plain | font | {f"--button-{name}": value for name, value in theme.get("accept", {}).items()}


def _rule(selector: str, properties: Mapping[str, str]) -> str:
    return f"{selector}{{{';'.join(f'{k}:{v}' for k, v in properties.items())}}}" if properties else ""


def _details(site: Site, asked: Notice, words: Mapping[str, str], wanted: Iterable[str]) -> dict[str, object]:
    """Return what the details need, ``DetailsConfig`` in ``types.d.ts``."""
    return {
        "lang": asked.lang,
        "words": {key: words[key] for key in wanted},
        "cookies": asked.content["cookies"],
        "updated": site.policy_updated.isoformat(),
        "changed": site.changed.get(asked.lang),
    }


def _mine(site: Site, words: Mapping[str, str], wanted: Iterable[str]) -> dict[str, object]:
    """Return what a shopper's own choices need, ``MineConfig`` in ``types.d.ts``."""
    return {"words": {key: words[key] for key in wanted}, "contact": site.contact, "authority": site.authority or None}


def replay(notice: Notice) -> tuple[str, bool]:
    """Return a page that shows a notice as a banner, and whether by the very scripts that showed it then."""
    content = notice.content
    lang = notice.lang
    site = Site(
        id=content["site"],
        name=content["name"],
        origins=(),
        policy_url=content["policy_url"],
        policy_updated=date.fromisoformat(content["policy_updated"]),
        languages=(lang,),
        revision=notice.revision,
        keep=notice.keep,
        gpc=False,
        theme={**content["theme"], "layout": content["layout"]},
        words={lang: content["words"]},
        cookies={
            category: tuple(
                Cookie(cookie["name"], cookie["provider"], {lang: cookie["purpose"]}, {lang: cookie["life"]})
                for cookie in cookies
            )
            for category, cookies in content["cookies"].items()
        },
    )
    asked = prepare(site)
    return (
        f'<!doctype html><html lang="{lang}"><meta charset="utf-8">'
        f"<title>{escape(notice.hash)}</title>"
        f"<pre>{escape(msgspec.json.format(msgspec.json.encode(content)).decode())}</pre>"
        f'<script data-base="about:blank">{asked.consent.plain.decode()}</script></html>\n',
        asked.notices[lang][0].content["scripts"] == content["scripts"],
    )
