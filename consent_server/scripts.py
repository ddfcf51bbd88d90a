"""What a site serves: the built scripts with its settings and words in them, and the notices that they show."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from html import escape
from importlib.resources import files
from typing import Any

import brotli
import msgspec

from .decision import ConsentError, Cookie, Notice, Site
from .settings import BUTTON, COLOURS, snippet_words


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
        lang: Script.of(
            _filled(details, "__DETAILS__", _details(site, notices[lang][0], words[lang], lists["details"]))
        )
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
        "vendors": site.vendors,
        "trackers": site.trackers,
        "clear": {
            category: [cookie.name for cookie in cookies]
            for category, cookies in site.cookies.items()
            if category != "necessary" and cookies
        },
        "variants": list(_shares(site)),
    }
    return {
        "site": site.id,
        "rev": site.revision,
        "keep": site.keep,
        "policy": site.policy_url,
        **{key: value for key, value in optional.items() if value},
        "langs": langs,
    }


def _shares(site: Site) -> Iterator[list[object]]:
    """Return each variant with the share of draws below which the gate takes it, and its layout if it has one."""
    whole = sum(variant.weight for variant in site.variants)
    below = 0
    for variant in site.variants:
        below += variant.weight
        yield [variant.name, round(below / whole, 4), *([variant.layout] if variant.layout else [])]


def _css(theme: Mapping[str, Any]) -> str:
    """Return a theme as custom properties of the banner: both buttons share theirs, so that they cannot differ.

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
    plain = {f"--{name}": theme[name] for name in ("background", "text", "radius", "font") if name in theme}
    return plain | {f"--button-{name}": value for name, value in theme.get("accept", {}).items()}


def _rule(selector: str, properties: Mapping[str, str]) -> str:
    return f"{selector}{{{';'.join(f'{k}:{v}!important' for k, v in properties.items())}}}" if properties else ""


def _details(site: Site, asked: Notice, words: Mapping[str, str], wanted: Iterable[str]) -> dict[str, Any]:
    return {
        "lang": asked.lang,
        "name": site.name,
        "policy_updated": site.policy_updated.isoformat(),
        "contact": site.contact,
        "authority": site.authority or None,
        "words": {key: words[key] for key in wanted},
        "cookies": asked.content["cookies"],
    }


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
