"""What each shop asks: ``consent.toml``, one row a key."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache, partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec

from ..catalogue.ours import with_ours
from ..site import CATEGORIES, ON_LOOPBACK, Cookie, Site, Variant
from .lists import COOKIE, TRACKER, country, read_services, read_vendors, tracker, with_services
from .origins import origins
from .places import must_have_words, read_rules, rule_rows
from .rows import (
    REQUIRED,
    Row,
    SettingsError,
    WrongAt,
    address,
    by_language,
    choice,
    contact,
    day,
    defaults,
    did_you_mean,
    duration,
    each,
    read_at,
    share,
    table,
    tables,
    text,
    time_zone,
    url,
    whole,
    yes_no,
)
from .spelling.listed import host
from .theme import LAYOUTS, must_be_fair, read_theme


def _keep(value: Any) -> int:
    seconds = duration(value)
    if not 86400 <= seconds <= 731 * 86400:
        raise ValueError('takes a time from "1 day" to "2 years"')
    return seconds


def _prove(value: Any) -> int:
    seconds = duration(value)
    if seconds > 100 * 366 * 86400:
        raise ValueError('takes a time up to "100 years"')
    return seconds


def _domain(value: Any) -> str:
    return host(value, r"[a-z0-9-]+(\.[a-z0-9-]+)+", 'takes a domain such as "shop.example", without a leading dot')


def _languages(value: Any) -> tuple[str, ...]:
    if isinstance(value, list) and value and all(isinstance(v, str) and re.fullmatch("[a-z]{2,3}", v) for v in value):
        return tuple(dict.fromkeys(value))
    raise ValueError('takes a list of language codes such as ["az", "ru", "en"], the shop\'s first language first')


def _words(value: Any) -> dict[str, dict[str, str]]:
    if not isinstance(value, dict):
        raise ValueError("takes one table a language")
    known = {key for words in snippet_words().values() for key in words}
    for lang, words in value.items():
        if not isinstance(words, dict) or not all(isinstance(text, str) and text for text in words.values()):
            raise ValueError(f"takes texts in the table {lang!r}")
        for key in words:
            if key not in known:
                raise ValueError(f"has no word {key!r} in {lang!r}{did_you_mean(key, known)}")
    return value


def _name(value: Any) -> str:
    if len(text(value)) <= 80 and value.isprintable():
        return str(value)
    raise ValueError("takes a name of at most 80 characters, all of which can be seen")


def _test_origins(value: Any) -> tuple[str, ...]:
    return origins(value) if value else ()


VARIANT = (
    Row("name", _name, REQUIRED, "Its name in the rates.", "short"),
    Row("weight", whole(1, 1000), 1, "Its share of the shoppers, relative to the other variants.", 2),
    Row("layout", choice(*LAYOUTS), None, "Another layout than the theme's.", "box"),
    Row("words", _words, {}, "Other words, by language.", {"en": {"title": "Cookies?"}}),
)

RULE = rule_rows(_words)

AUTHORITY = (
    Row("name", text, REQUIRED, "The data protection authority a shopper can complain to.", "The Authority"),
    Row("url", url, REQUIRED, "Its address.", "https://authority.example"),
)

SITE = (
    Row("name", text, REQUIRED, "The shop's name, as shoppers know it.", "Shop"),
    Row(
        "origins",
        origins,
        REQUIRED,
        "Exact origins of the shop's pages; nobody else may post a decision.",
        ["https://shop.example", "https://www.shop.example"],
    ),
    Row(
        "test_origins",
        _test_origins,
        [],
        "Origins of pages for tests, where an address may answer: ?consent=refused. They may post decisions too.",
        ["https://staging.shop.example"],
    ),
    Row(
        "cookie_domain",
        _domain,
        None,
        "Parent domain to share the answer between subdomains; one host alone if left out.",
        "shop.example",
    ),
    Row(
        "host_cookie",
        yes_no,
        False,
        "Name the cookie __Host-consent, which no sibling host can set; needs https.",
        False,
    ),
    Row("policy_url", url, REQUIRED, "Where the privacy policy is.", "https://shop.example/privacy"),
    Row("policy_updated", day, REQUIRED, "The date of the privacy policy.", date(2025, 12, 20)),
    Row("revision", whole(1, 1_000_000), 1, "Number of the question; a higher one is asked of everybody again.", 2),
    Row("changed", by_language, {}, "What changed with this revision, in each language.", {"en": "New: Hotjar."}),
    Row("languages", _languages, ["en"], "Languages of the banner, the shop's first one first.", ["en"]),
    Row("keep", _keep, "6 months", "How long an answer holds before the shopper is asked again.", "1 year"),
    Row("prove", _prove, "3 years", "How long the log is kept as proof after the answer has expired.", "5 years"),
    Row("gpc", yes_no, True, "Heed Global Privacy Control: marketing is refused unless the shopper says yes.", False),
    Row(
        "country",
        country,
        None,
        "The shop's own country (ISO 3166-1): data that stays there goes nowhere. If left out, that of the cookies "
        "whose provider begins with the shop's name.",
        "AZ",
    ),
    Row(
        "contact",
        contact,
        None,
        "Where a shopper writes about personal data: an e-mail address or the address of a page.",
        "privacy@shop.example",
    ),
    Row(
        "webhook",
        address,
        None,
        "Address that is posted what this site decides, and its alarms, in place of CONSENT_WEBHOOK.",
        "https://crm.shop.example/hooks/consent",
    ),
    Row("authority", table(AUTHORITY), None, "The authority for complaints."),
    Row("theme", read_theme, {}, "Layout, colours, corners and font of the banner."),
    Row(
        "words",
        _words,
        {},
        "Words of the banner that differ from the built-in ones, by language.",
        {"en": {"title": "Cookies at the Shop"}},
    ),
    Row(
        "services",
        read_services,
        [],
        "Services of the catalogue that the shop uses: their cookies, trackers and vendors are listed by themselves.",
        ["ga4", "youtube"],
    ),
    Row("cookies", each(dict.fromkeys(CATEGORIES, tables(COOKIE))), {}, "The cookie list, without what we keep."),
    Row(
        "vendors",
        read_vendors,
        {},
        "Vendors to tell about the choice.",
    ),
    Row(
        "trackers",
        tables(TRACKER, tracker),
        [],
        "Unmarked trackers to hold back.",
    ),
    Row("variants", tables(VARIANT, Variant), [], "Ways of asking that are compared."),
    Row("rules", read_rules(RULE), [], "Places where a category is not asked for, but on until objection, or off."),
    Row("watch", share, "0%", "Share of page views that report names the lists do not allow.", "1%"),
    Row("timezone", time_zone, "UTC", "Time zone in which the days of the rates begin and end.", "Asia/Baku"),
    Row("accounts", yes_no, False, "One answer for an account of the shop, on all devices that are logged in.", True),
    Row("buckets", whole(1, 4096), 24, "Parts that a site's keys are spread over; fixed once decisions are kept.", 48),
)


@cache
def snippet_words() -> dict[str, dict[str, str]]:
    """Return the banner's built-in words by language; Norwegian pages say ``nb`` as often as ``no``."""
    text = files("consent_server.banner").joinpath("static/words.json").read_bytes()
    known = {key: words for key, words in msgspec.json.decode(text).items() if isinstance(words, dict)}
    return {**known, "nb": known["no"]}


@cache
def words_only_for(setting: str) -> tuple[str, ...]:
    """Return the names of the words that only ``rules`` or ``accounts`` need; else a language of one's own has none."""
    text = files("consent_server.banner").joinpath("static/words.json").read_bytes()
    return tuple(msgspec.json.decode(text)[setting])


def read_sites(path: Path) -> dict[str, Site]:
    """Return the shops of a ``consent.toml``, by id.

    Raises:
        SettingsError: the file cannot be read, or something in it is wrong; names file, key and what is accepted.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise SettingsError(
            f"{path} cannot be read ({error.strerror}): run `consent-server init` to write one, or name another "
            "with CONSENT_CONFIG."
        ) from None
    except UnicodeDecodeError:
        raise SettingsError(f"{path} is not TOML: it is no text in UTF-8.") from None
    except (ValueError, RecursionError) as error:  # a number of five thousand digits, brackets a thousand deep
        raise SettingsError(f"{path} is not TOML: {error}.") from None
    try:
        for key in document:
            if key != "sites":
                raise WrongAt(key, f"is not known{did_you_mean(key, ['sites'])}; a shop is a table [sites.ID]")
        shops = document.get("sites")
        if not isinstance(shops, dict) or not shops:
            raise WrongAt("sites", "is missing: describe at least one shop in a table [sites.ID]")
        return {name: read_at(f"sites.{name}", partial(_site, name), shop) for name, shop in shops.items()}
    except WrongAt as error:
        raise SettingsError(f"{path}: {error.path} {str(error).rstrip('.')}.") from None


def make_site(
    id: str, name: str, origins: tuple[str, ...], policy_url: str, policy_updated: date, **values: Any
) -> Site:
    """Return the shop with these values, and the default of each row that is left out."""
    return Site(id, name, origins, policy_url, policy_updated, **{**defaults(SITE), **values})


def _site(name: str, written: Any) -> Site:
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,31}", name):
        raise ValueError("is no id for a shop: it takes up to 32 of a-z, 0-9 and -")
    values = table(SITE)(written)
    languages, words = values["languages"], values["words"]
    known = {lang: {**snippet_words().get(lang, {}), **words.get(lang, {})} for lang in languages}
    spare = {*words_only_for("rules"), *(() if values["accounts"] else words_only_for("accounts"))}
    for lang in languages:
        missing = sorted({*snippet_words()["en"]} - spare - {*known[lang]})
        if missing:
            raise WrongAt("languages", f"has {lang!r}, for which words.{lang} lacks {', '.join(missing)}")
    must_have_words(values["rules"], words_only_for("rules"), languages, known)
    values["cookies"] = {
        category: tuple(
            Cookie(
                item["name"],
                item["provider"],
                _in_all(languages, f"cookies.{category}[{n}].purpose", item["purpose"]),
                _in_all(languages, f"cookies.{category}[{n}].life", item["life"]),
                item["country"],
                item["host"],
            )
            for n, item in enumerate(items)
        )
        for category, items in values["cookies"].items()
    }
    if values["services"]:
        values |= with_services(values, written.get("vendors", {}))
    if values["changed"]:
        values["changed"] = _in_all(languages, "changed", values["changed"])
    if len({variant.name for variant in values["variants"]}) != len(values["variants"]):
        raise WrongAt("variants", "has one name twice")
    if both := {*values["origins"]} & {*values["test_origins"]}:
        where = "an address may answer as it is" if ON_LOOPBACK.search(min(both)) else "no address may answer"
        raise WrongAt("test_origins", f"has {min(both)!r}, which is one of origins, where {where}")
    if values["host_cookie"] and values["cookie_domain"]:
        raise WrongAt("host_cookie", "is for one host alone: leave it out, or cookie_domain")
    must_be_fair(values["theme"])
    return with_ours(make_site(name, **values), known)


def _in_all(languages: Iterable[str], path: str, texts: str | Mapping[str, str]) -> Mapping[str, str]:
    if isinstance(texts, str):
        return dict.fromkeys(languages, texts)
    for lang in languages:
        if lang not in texts:
            raise WrongAt(path, f"has no text in {lang!r}")
    return texts
