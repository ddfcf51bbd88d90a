"""What a site serves: the built scripts with its settings and words in them, and the notices that they show."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import brotli
import msgspec

from .decision import CATEGORIES, ConsentError, Notice, Site
from .settings import snippet_words


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
    """All that a site asks: its two scripts and, by language and variant, its notices."""

    consent: Script
    details: Mapping[str, Script]
    notices: Mapping[str, tuple[Notice, ...]]


def prepare(site: Site) -> Asked:
    """Put a site's settings and words into the built scripts, and name what they ask."""
    static = files(__package__).joinpath("static")
    # Only a shop that names vendors or trackers gets what tells and stops them.
    name = "consent.full.js" if site.vendors or site.trackers else "consent.js"
    gate = static.joinpath(name).read_text(encoding="utf-8")
    details = static.joinpath("details.js").read_text(encoding="utf-8")
    lists = msgspec.json.decode(static.joinpath("words.json").read_bytes())
    built = {name: Script.of(gate).hash, "details.js": Script.of(details).hash}
    words = {lang: {**snippet_words().get(lang, {}), **site.words.get(lang, {})} for lang in site.languages}
    notices = {
        lang: tuple(Notice.compose(site, lang, variant, words[lang], built) for variant in site.asked)
        for lang in site.languages
    }
    second = {
        lang: Script.of(_filled(details, "__DETAILS__", _details(site, lang, words[lang], lists["details"])))
        for lang in site.languages
    }
    langs = {}
    for lang in site.languages:
        changed = {"changed": site.changed[lang]} if site.changed else {}
        langs[lang] = {
            "notice": [notice.hash for notice in notices[lang]],
            "details": second[lang].hash,
            "words": {**{key: words[lang][key] for key in lists["first"]}, **changed},
        }
        if any(variant.words.get(lang) for variant in site.variants):
            langs[lang]["variants"] = [dict(variant.words.get(lang, {})) for variant in site.variants]
    return Asked(Script.of(_filled(gate, "__SITE__", _gate(site, langs))), second, notices)


def _filled(built: str, mark: str, content: object) -> str:
    """Return a built script with its mark replaced; ``<`` is escaped so that it can stand inline in a page."""
    text = msgspec.json.encode(content).decode().replace("<", "\\u003c")
    before, found, after = built.partition(f'"{mark}"')
    if not found:
        raise ConsentError(f"The built script has no {mark}; build the scripts again.")
    return before + text + after


def _gate(site: Site, langs: object) -> dict[str, Any]:
    """Return the settings that the gate needs; what is empty or as usual is left out to save bytes."""
    optional = {
        "domain": site.cookie_domain,
        "gpc": site.gpc,
        "layout": None if site.theme.get("layout") == "bar" else site.theme.get("layout"),
        "css": _css(site.theme),
        "dark": _css(site.theme.get("dark", {})),
        "vendors": site.vendors,
        "trackers": site.trackers,
        "clear": {
            category: [cookie.name for cookie in cookies]
            for category, cookies in site.cookies.items()
            if category != "necessary" and cookies
        },
        "variants": [
            [variant.name, variant.weight, *([variant.layout] if variant.layout else [])] for variant in site.variants
        ],
    }
    return {
        "site": site.id,
        "rev": site.revision,
        "keep": site.keep,
        "policy": site.policy_url,
        **{key: value for key, value in optional.items() if value},
        "langs": langs,
    }


def _css(theme: Mapping[str, Any]) -> dict[str, str]:
    """Return the custom properties of a theme: both buttons share theirs, so that they cannot differ."""
    plain = {f"--{name}": theme[name] for name in ("background", "text", "radius", "font") if name in theme}
    return plain | {f"--button-{name}": value for name, value in theme.get("accept", {}).items()}


def _details(site: Site, lang: str, words: Mapping[str, str], wanted: Iterable[str]) -> dict[str, Any]:
    return {
        "lang": lang,
        "name": site.name,
        "policy_updated": site.policy_updated.isoformat(),
        "contact": site.contact,
        "authority": site.authority or None,
        "words": {key: words[key] for key in wanted},
        "cookies": {
            category: [
                {
                    "name": cookie.name,
                    "provider": cookie.provider,
                    "purpose": cookie.purpose[lang],
                    "life": cookie.life[lang],
                }
                for cookie in site.cookies.get(category, ())
            ]
            for category in CATEGORIES
        },
    }
