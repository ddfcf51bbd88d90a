"""What a site serves: the built scripts with its settings and words in them, and the notices that they show."""

from __future__ import annotations

import gzip
import hashlib
import re
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cache, cached_property
from html import escape
from importlib.resources import files

import brotli
import msgspec

from ..settings.shops import make_site, snippet_words
from ..settings.theme import read_theme
from ..site import CATEGORIES, ConsentError, Cookie, Notice, Site
from ..site.rules import Rule
from . import lists, ruled
from .cookie_list import cookie_list, first_layer_values, fragment
from .notices import compose

LAYERS = ("details", "mine", "proof", "withdraw", "list", "release", "delivery")


_HINT = "//# allFunctionsCalledOnLoad\n"
"""How a script begins that a browser is to compile as a whole."""


class NotShowable(ConsentError):
    """A notice that no banner can show."""

    problem = "not-showable"


@dataclass(frozen=True)
class Script:
    """A script as it is served: plain, gzip, brotli.

    Compressed when it is first asked for, and once: brotli takes 30 ms for each, and a site in many languages has
    hundreds of them.
    """

    plain: bytes
    hash: str

    @classmethod
    def of(cls, text: str) -> Script:
        """Name ``text`` by its hash."""
        plain = text.encode()
        return cls(plain, hashlib.sha256(plain).hexdigest()[:16])

    @cached_property
    def gzip(self) -> bytes:
        """It in gzip, the same bytes whenever they are made."""
        return gzip.compress(self.plain, 9, mtime=0)

    @cached_property
    def br(self) -> bytes:
        """It in brotli, in whichever mode is shorter: a mode is a guess at what is likely to come next."""
        tries: list[bytes] = [brotli.compress(self.plain, mode) for mode in (brotli.MODE_TEXT, brotli.MODE_FONT)]
        return min(tries, key=len)


@dataclass(frozen=True)
class SiteScripts:
    """All that a site serves: its scripts and, by language and variant, the notices that they show."""

    consent: Script
    layers: Mapping[str, Mapping[str, Script]]
    """What is fetched when it is wanted, by name and language: ``details``; ``mine``, a shopper's own choices, and
    ``proof``, where they are in the log; ``withdraw``; ``list``, the cookie list in a page; and what speaks none:
    ``release``, ``watch``, and ``delivery``, which brings an answer to the server."""
    notices: Mapping[str, tuple[Notice, ...]]
    fragments: Mapping[str, Script]
    """The cookie list as HTML, by language."""


def build_scripts(site: Site) -> SiteScripts:
    """Put a site's settings and words into the built scripts, and name what they ask."""
    # Only a shop that names vendors or trackers gets what tells and stops them, and only one with rules what picks one.
    name = "consent.rules" if site.rules else "consent.full" if site.must_be_first else "consent"
    sources = {name: _built(f"{name}.js")} | {
        each: _built(f"{each}.rules.js" if site.rules and each in ruled.LAYERS else f"{each}.js") for each in LAYERS
    }
    wanted = {**_wanted()}  # that one is of all shops
    if any(rule.kinds for rule in site.rules):
        wanted |= {each: [*wanted[each], *more] for each, more in ruled.LAYERS.items()}
    if site.accounts:
        wanted |= {"withdraw": [*wanted["withdraw"], *wanted["accounts"], "details"]}
    # A shopper's own choices are not among what is shown before an answer, nor is what watches a page.
    shown = {f"{each}.js": Script.of(sources[each]).hash for each in (name, "details")}
    words = {lang: {**snippet_words().get(lang, {}), **site.words.get(lang, {})} for lang in site.languages}
    notices = {lang: tuple(_notices(site, lang, words[lang], shown)) for lang in site.languages}
    settings: dict[str, Callable[[str], object]] = {
        "details": lambda lang: lists.details(site, notices[lang][0], words[lang], wanted["details"]),
        "mine": lambda lang: lists.mine(site, words[lang], wanted["mine"]),
        "proof": lambda lang: {"words": {key: words[lang][key] for key in wanted["proof"]}},
        "withdraw": lambda lang: lists.withdraw(site, lang, words[lang], wanted["withdraw"]),
        "list": lambda lang: lists.listed(site, lang, words[lang], wanted["list"]),
    }
    layers = {
        each: {lang: Script.of(_filled(sources[each], f"__{each.upper()}__", of(lang))) for lang in site.languages}
        for each, of in settings.items()
    } | {each: dict.fromkeys(site.languages, Script.of(sources[each])) for each in ("release", "delivery")}
    # One version for them all: each hash in the gate would cost every shopper eight bytes.
    version = Script.of("".join(script.hash for each in layers.values() for script in each.values())).hash[:8]
    source = sources[name].replace("...__BRIDGES__", _bridges(site), 1)
    gate = _filled(source, "__SITE__", lists.gate(site, version, notices, wanted["first"]))
    # By a hash of its own: a shop that does not watch has the same gate as if there were no such layer.
    watch = Script.of(_filled(_built("watch.js"), "__WATCH__", lists.watch(site)))
    return SiteScripts(
        consent=Script.of(_with_its_own(gate, site, watch.hash)),
        layers={
            each: {lang: replace(script, hash=version) for lang, script in by_lang.items()}
            for each, by_lang in layers.items()
        }
        | {"watch": dict.fromkeys(site.languages, watch)},
        notices=notices,
        fragments={lang: Script.of(fragment(cookie_list(site, lang, words[lang]))) for lang in site.languages},
    )


def _notices(site: Site, lang: str, words: Mapping[str, str], shown: Mapping[str, str]) -> Iterator[Notice]:
    """Yield what is asked in a language, by rule and variant; ``shown``: the hashes of the scripts that show it."""
    bare, values = ruled.without_rules(site, words), first_layer_values(site, lang, words)
    for rule in site.all_rules:
        for variant in site.all_variants:
            said = ruled.words_of(rule, lang, {**words, **variant.words.get(lang, {})})
            yield compose(site, lang, variant, bare, shown, values, rule, said)


def _with_its_own(gate: str, site: Site, watch: str) -> str:
    """Return the gate with what few sites have besides; ``watch``: the hash of the layer that watches a page."""
    if site.accounts:  # first, so that the gate finds what there is to be in the cookie
        first = _filled(_built("account.js"), "__ACCOUNT__", lists.account(site))
        gate = _HINT + first + gate.removeprefix(_HINT)
    if site.watch:
        gate += _filled(_built("watching.js"), "__WATCHING__", lists.watching(site, watch))
    if site.answered_by_address:
        gate += _filled(_built("testing.js"), "__TESTING__", site.answered_by_address)
    return gate


@cache
def types() -> Script:
    """Return the types of what a shop's own scripts may use, for TypeScript; the same for every site."""
    return Script.of(_built("consent.d.ts"))


@cache
def _wanted() -> dict[str, list[str]]:
    """Return the names of the words that each layer needs."""
    return {key: names for key, names in msgspec.json.decode(_built("words.json")).items() if isinstance(names, list)}


def _built(name: str) -> str:
    return files(__package__).joinpath("static", name).read_text("utf-8")


def _bridges(site: Site) -> str:
    """Return what tells those vendors of a site that have code of their own, in place of a spread in ``vendors.js``."""
    code: dict[str, str] = msgspec.json.decode(_built("bridges.json"))
    return ",".join(f"{name}:{code[name]}" for name in site.vendors if name in code)


def _filled(built: str, mark: str, content: object) -> str:
    """Return a built script with its mark replaced, as JavaScript writes what JSON does, in fewer bytes.

    ``<`` is escaped so that it can stand inline in a page.
    """
    text = msgspec.json.encode(content).decode().replace("<", "\\u003c")
    text = re.sub(r'(?<=[{,])"([a-z_]+|\d)":', r"\1:", text)  # in JSON only a key is closed before a colon
    before, found, after = built.partition(mark)
    if not found:
        raise ConsentError(f"The built script has no {mark}; build the scripts again.")
    return before + text + after


def replay(notice: Notice) -> tuple[str, bool]:
    """Return a page that shows a notice as a banner, and whether by the very scripts that showed it then.

    Nothing of the notice runs in it: its words are escaped, and the page's policy lets one script run and no address.

    Raises:
        NotShowable: it is not what a shop asks.
    """
    try:
        site, lang = _site_of(notice), notice.lang
        scripts = build_scripts(site)
    except (LookupError, TypeError, ValueError, AttributeError, ConsentError) as error:
        raise NotShowable(f"The notice {notice.hash} is not what a shop asks; it can be printed only.") from error
    gate = scripts.consent.plain.decode()
    policy = (
        f"default-src 'none'; script-src 'sha256-{b64encode(hashlib.sha256(gate.encode()).digest()).decode()}'; "
        "style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    )
    return (
        f'<!doctype html><html lang="{escape(lang)}"><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">'
        f"<title>{escape(notice.hash)}</title>"
        f"<pre>{escape(msgspec.json.format(msgspec.json.encode(notice.content)).decode())}</pre>"
        f'<script data-base="about:blank" data-place="{_SOMEWHERE}">{gate}</script></html>\n',
        scripts.notices[lang][0].content["scripts"] == notice.content["scripts"],
    )


_SOMEWHERE = "AQ"
"""Where a notice is shown again that was for the places of a rule."""


def _site_of(notice: Notice) -> Site:
    """Return a shop that asks just this."""
    content, lang = notice.content, notice.lang
    kinds = dict.fromkeys(set(CATEGORIES) - {*content["categories"]}, "off")
    kinds |= dict.fromkeys(content.get("objection", ()), "objection")
    rules = (Rule(notice.rule, (_SOMEWHERE,), kinds, {lang: content["words"]}),) if notice.rule else ()
    return make_site(
        content["site"],
        content["name"],
        (),
        content["policy_url"],
        date.fromisoformat(content["policy_updated"]),
        languages=(lang,),
        revision=notice.revision,
        keep=notice.keep,
        gpc=False,
        theme=read_theme({**content["theme"], "layout": content["layout"]}),
        words={lang: content["words"]},
        rules=rules,
        cookies={
            category: tuple(
                Cookie(
                    cookie["name"],
                    cookie["provider"],
                    {lang: cookie["purpose"]},
                    {lang: cookie["life"]},
                    cookie.get("country"),
                    cookie.get("host"),
                    cookie.get("kind"),
                )
                for cookie in cookies
            )
            for category, cookies in content["cookies"].items()
        },
    )
