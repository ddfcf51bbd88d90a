"""Settings, one row each: the environment says how the server runs, ``consent.toml`` what each shop asks.

Validation, help, the README's tables and the tests all read the rows.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache, partial
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from ..decision import CATEGORIES, OPTIONAL, ConsentError, Cookie, Site, Variant
from .origins import origins

REQUIRED = object()
"""The default of a row that has none."""


class SettingsError(ConsentError):
    """A setting is missing or wrong; the message names it and says what is accepted."""

    problem = "settings"


@dataclass(frozen=True, slots=True)
class Row:
    """One setting: its name, how it is read, what it is when left out, and one sentence about it.

    ``read`` takes what was written and returns the value, or raises ValueError with what is accepted.
    """

    name: str
    read: Callable[[Any], Any]
    default: Any
    help: str


# What people may write


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("takes a text that is not empty")
    return value


def _whole(low: int, high: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        if isinstance(value, bool) or not re.fullmatch(r"\d{1,10}", str(value)) or not low <= int(value) <= high:
            raise ValueError(f"takes a whole number from {low} to {high}")
        return int(value)

    return read


def _yes_no(value: Any) -> bool:
    if value is True or str(value).lower() in ("1", "true", "yes", "on"):
        return True
    if value is False or str(value).lower() in ("0", "false", "no", "off"):
        return False
    raise ValueError("takes true or false")


_DAYS = {"day": 1, "week": 7, "month": 30.4375, "year": 365.25}
_SECONDS = {"s": 1, "m": 60, "h": 3600, "second": 1, "minute": 60, "hour": 3600}


def duration(value: Any) -> int:
    """Return the seconds of a time as people write it: ``6 months``, ``13 months``, ``12 h``, ``90 s``.

    Raises:
        ValueError: it is not written like that.
    """
    match = re.fullmatch(r"\s*(\d{1,6})\s*([a-z]+?)s?\s*", str(value).lower())
    if match and match[2] in _DAYS:
        return round(int(match[1]) * _DAYS[match[2]]) * 86400
    if match and match[2] in _SECONDS:
        return int(match[1]) * _SECONDS[match[2]]
    raise ValueError('takes a time such as "6 months", "1 year", "30 days", "12 hours" or "90 s"')


def _keep(value: Any) -> int:
    seconds = duration(value)
    if not 86400 <= seconds <= 731 * 86400:
        raise ValueError('takes a time from "1 day" to "2 years"')
    return seconds


def _day(value: Any) -> date:
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError("takes a date such as 2025-12-20") from None


def address(value: Any) -> str:
    """Return the address of something on the web.

    Raises:
        ValueError: it is not one, or of another kind: ``file:`` for instance would be this machine's own.
    """
    if isinstance(value, str) and re.fullmatch(r"\S+", value):
        parts = urlsplit(value)
        if parts.scheme in ("http", "https") and parts.netloc:
            return value
    raise ValueError('takes an address such as "https://shop.example"')


def _url(value: Any) -> str:
    if isinstance(value, str) and re.match("/(?!/)", value):
        return value
    try:
        return address(value)
    except ValueError as error:
        raise ValueError(f'{error}, or a path such as "/privacy"') from None


def _domain(value: Any) -> str:
    if isinstance(value, str) and re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", value):
        return value
    raise ValueError('takes a domain such as "shop.example", without a leading dot')


def _languages(value: Any) -> tuple[str, ...]:
    if isinstance(value, list) and value and all(isinstance(v, str) and re.fullmatch("[a-z]{2,3}", v) for v in value):
        return tuple(dict.fromkeys(value))
    raise ValueError('takes a list of language codes such as ["az", "ru", "en"], the shop\'s first language first')


def _by_language(value: Any) -> dict[str, str]:
    if isinstance(value, dict) and all(isinstance(text, str) and text for text in value.values()):
        return dict(value)
    raise ValueError('takes a text for each language, such as {az = "…", en = "…"}')


def _words(value: Any) -> dict[str, dict[str, str]]:
    if not isinstance(value, dict):
        raise ValueError("takes one table a language")
    known = {key for words in snippet_words().values() for key in words}
    for lang, words in value.items():
        if not isinstance(words, dict) or not all(isinstance(text, str) and text for text in words.values()):
            raise ValueError(f"takes texts in the table {lang!r}")
        for key in words:
            if key not in known:
                raise ValueError(f"has no word {key!r} in {lang!r}{_nearest(key, known)}")
    return value


def _category(value: Any) -> str:
    if value not in OPTIONAL:
        raise ValueError(f"takes one of {', '.join(OPTIONAL)}")
    return str(value)


def _choice(*names: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if value not in names:
            raise ValueError(f"takes one of {', '.join(names)}")
        return str(value)

    return read


def _pattern(value: Any) -> str:
    if isinstance(value, str) and re.fullmatch(r"(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)+(:\d+)?(/[^\s*]*\*?)?", value):
        return value
    raise ValueError('takes a host such as "www.clarity.ms" or "*.hotjar.com", with a path if need be')


def _cookie_name(value: Any) -> str:
    if isinstance(value, str) and re.fullmatch(r"[^\s;,=*]+\*?|\*[^\s;,=*]+", value):
        return value
    raise ValueError('takes a cookie\'s name such as "_ga", or a pattern such as "_ga_*"')


def _table(rows: tuple[Row, ...]) -> Callable[[Any], dict[str, Any]]:
    def read(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise ValueError("takes a table")
        return _read(rows, value)

    return read


def _tables(rows: tuple[Row, ...]) -> Callable[[Any], list[dict[str, Any]]]:
    def read(value: Any) -> list[dict[str, Any]]:
        if not isinstance(value, list):
            raise ValueError("takes tables in double brackets")
        return [_nested(f"[{n}]", _table(rows), item) for n, item in enumerate(value)]

    return read


def _each(readers: Mapping[str, Callable[[Any], Any]]) -> Callable[[Any], dict[str, Any]]:
    """Return a reader of a table of tables, each read in its own way."""

    def read(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise ValueError(f"takes tables for {', '.join(readers)}")
        for key in value:
            if key not in readers:
                raise ValueError(f"has no {key!r}{_nearest(key, readers)}; there are {', '.join(readers)}")
        return {key: _nested(key, readers[key], item) for key, item in value.items()}

    return read


class _At(ValueError):
    """Something is wrong further down; ``path`` says where."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(message)
        self.path = path


def _nested(key: str, read: Callable[[Any], Any], value: Any) -> Any:
    try:
        return read(value)
    except _At as error:
        raise _At(f"{key}{'' if error.path.startswith('[') else '.'}{error.path}", str(error)) from None
    except ValueError as error:
        raise _At(key, str(error)) from None


def _read(rows: Iterable[Row], table: Mapping[str, Any]) -> dict[str, Any]:
    names = [row.name for row in rows]
    for key in table:
        if key not in names:
            raise _At(key, f"is not known{_nearest(key, names)}; known are {', '.join(names)}")
    for row in rows:
        if row.default is REQUIRED and row.name not in table:
            raise _At(row.name, f"is missing: {row.help}")
    return {row.name: _nested(row.name, row.read, table[row.name]) for row in rows if row.name in table}


def _nearest(key: str, names: Iterable[str]) -> str:
    near = difflib.get_close_matches(key, names, 1)
    return f", did you mean {near[0]!r}?" if near else ""


# consent.toml

_COLOUR = re.compile(r"#[0-9a-f]{6}|#[0-9a-f]{3}", re.IGNORECASE)


def _colour(value: Any) -> str:
    if isinstance(value, str) and _COLOUR.fullmatch(value):
        return value.lower() if len(value) == 7 else "#" + "".join(digit * 2 for digit in value[1:].lower())
    raise ValueError('takes a colour such as "#0b5fff"')


def _length(value: Any) -> str:
    if isinstance(value, str) and re.fullmatch(r"\d{1,3}(\.\d{1,3})?(px|rem|em)", value):
        return value
    raise ValueError('takes a length such as "8px" or "1rem"')


def _font(value: Any) -> str:
    if isinstance(value, str) and re.fullmatch(r"[\w\s,'\"-]{1,200}", value):
        return value
    raise ValueError('takes a list of font families such as "Inter, sans-serif"')


def _regions(value: Any) -> list[str]:
    texts = value if isinstance(value, list) else [None]
    if all(isinstance(text, str) and re.fullmatch(r"[A-Z]{2}(-[A-Z0-9]{1,3})?", text) for text in texts):
        return list(texts)
    raise ValueError('takes a list of regions such as ["AZ", "US-CA"] (ISO 3166-2)')


def _life(value: Any) -> str | dict[str, str]:
    return _by_language(value) if isinstance(value, dict) else _text(value)


LAYOUTS = ("bar", "box", "centre")

BUTTON = (
    Row("background", _colour, "#1b1f24", "Colour of the button."),
    Row("text", _colour, "#ffffff", "Colour of its words; at least 4.5:1 against the background (WCAG 2.2, 1.4.3)."),
    Row("size", _length, "16px", "Size of its words."),
)

COLOURS = (
    Row("background", _colour, "#ffffff", "Colour behind the banner's text."),
    Row("text", _colour, "#1b1f24", "Colour of the banner's text; at least 4.5:1 against the background."),
    Row("accept", _table(BUTTON), {}, "The button that accepts."),
    Row("refuse", _table(BUTTON), {}, "The button that refuses; must look like the one that accepts."),
)

THEME = (
    Row("layout", _choice(*LAYOUTS), "bar", "Where the banner stands: bar (below), box (corner) or centre."),
    *COLOURS,
    Row("radius", _length, "8px", "Roundness of corners."),
    Row("font", _font, "inherit", "Font families; the page's own if left out."),
    Row("dark", _table(COLOURS), {}, "The same colours for shoppers who prefer dark."),
)

COOKIE = (
    Row("name", _cookie_name, REQUIRED, "The cookie's name, or a pattern such as _ga_*; storage entries count too."),
    Row("provider", _text, REQUIRED, "Who sets it."),
    Row("purpose", _by_language, REQUIRED, "What for, in each language."),
    Row("life", _life, REQUIRED, "How long it lives."),
)

TRACKER = (
    Row("match", _pattern, REQUIRED, "Host, or *.host, with a path if need be, of an unmarked tracker."),
    Row("category", _category, REQUIRED, "The category that must be allowed before it may be loaded."),
)

VARIANT = (
    Row("name", _text, REQUIRED, "Its name in the rates."),
    Row("weight", _whole(1, 1000), 1, "Its share of the shoppers, relative to the other variants."),
    Row("layout", _choice(*LAYOUTS), None, "Another layout than the theme's."),
    Row("words", _words, {}, "Other words, by language."),
)

VENDORS: Mapping[str, tuple[Row, ...]] = {
    "google": (
        Row("mode", _choice("basic", "advanced"), "basic", "basic: tags wait; advanced: they ping without cookies."),
        Row("wait", _whole(0, 5000), 500, "Milliseconds that Google's tags wait for the choice (wait_for_update)."),
        Row("region", _regions, [], "Regions that the denied default is for; everywhere if left out."),
        Row("redact", _yes_no, False, "ads_data_redaction."),
        Row("passthrough", _yes_no, False, "url_passthrough."),
    ),
    "microsoft": (
        Row("uet", _yes_no, False, "Microsoft Advertising's Universal Event Tracking."),
        Row("clarity", _yes_no, False, "Microsoft Clarity."),
    ),
    "meta": (),
    "matomo": (Row("mode", _choice("full", "cookie"), "full", "full: nothing is sent; cookie: only cookies wait."),),
}


AUTHORITY = (
    Row("name", _text, REQUIRED, "The data protection authority a shopper can complain to."),
    Row("url", _url, REQUIRED, "Its address."),
)

SITE = (
    Row("name", _text, REQUIRED, "The shop's name, as shoppers know it."),
    Row("origins", origins, REQUIRED, "Exact origins of the shop's pages; nobody else may post a decision."),
    Row("cookie_domain", _domain, None, "Parent domain to share the answer between subdomains."),
    Row("host_cookie", _yes_no, False, "Name the cookie __Host-consent, which no sibling host can set; needs https."),
    Row("policy_url", _url, REQUIRED, "Where the privacy policy is."),
    Row("policy_updated", _day, REQUIRED, "The date of the privacy policy."),
    Row("revision", _whole(1, 1_000_000), 1, "Number of the question; a higher one is asked of everybody again."),
    Row("changed", _by_language, {}, "What changed with this revision, in each language."),
    Row("languages", _languages, ["en"], "Languages of the banner, the shop's first one first."),
    Row("keep", _keep, "6 months", "How long an answer holds before the shopper is asked again."),
    Row("prove", duration, "3 years", "How long the log is kept as proof after the answer has expired."),
    Row("gpc", _yes_no, True, "Heed Global Privacy Control: marketing is refused unless the shopper says yes."),
    Row("contact", _text, None, "Where a shopper writes about personal data: an e-mail address or a page."),
    Row("authority", _table(AUTHORITY), {}, "The authority for complaints."),
    Row("theme", _table(THEME), {}, "Layout, colours, corners and font of the banner."),
    Row("words", _words, {}, "Words of the banner that differ from the built-in ones, by language."),
    Row("cookies", _each(dict.fromkeys(CATEGORIES, _tables(COOKIE))), {}, "The cookie list, by category."),
    Row(
        "vendors",
        _each({name: _table(rows) for name, rows in VENDORS.items()}),
        {},
        "Vendors to tell about the choice.",
    ),
    Row("trackers", _tables(TRACKER), [], "Unmarked trackers to hold back."),
    Row("variants", _tables(VARIANT), [], "Ways of asking that are compared."),
    Row("buckets", _whole(1, 4096), 24, "Parts that a site's keys are spread over; fixed once decisions are kept."),
)


@cache
def snippet_words() -> dict[str, dict[str, str]]:
    """Return the banner's built-in words by language."""
    text = files("consent_server.banner").joinpath("static/words.json").read_bytes()
    return {key: words for key, words in msgspec.json.decode(text).items() if isinstance(words, dict)}


def read_sites(path: Path) -> dict[str, Site]:
    """Return the shops of a ``consent.toml``, by id.

    Raises:
        SettingsError: the file cannot be read, or something in it is wrong; names file, key and what is accepted.
    """
    try:
        text = path.read_text(encoding="utf-8")
        document = tomllib.loads(text)
    except OSError as error:
        raise SettingsError(
            f"{path} cannot be read ({error.strerror}): run `consent-server init` to write one, or name another "
            "with CONSENT_CONFIG."
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not TOML: {error}.") from None
    try:
        for key in document:
            if key != "sites":
                raise _At(key, f"is not known{_nearest(key, ['sites'])}; a shop is a table [sites.ID]")
        tables = document.get("sites")
        if not isinstance(tables, dict) or not tables:
            raise _At("sites", "is missing: describe at least one shop in a table [sites.ID]")
        return {name: _nested(f"sites.{name}", partial(_site, name), table) for name, table in tables.items()}
    except _At as error:
        raise SettingsError(f"{path}: {error.path} {str(error).rstrip('.')}.") from None


def _site(name: str, table: Any) -> Site:
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,31}", name):
        raise ValueError("is no id for a shop: it takes up to 32 of a-z, 0-9 and -")
    values = _table(SITE)(table)
    languages = values.get("languages", ("en",))
    words = values.get("words", {})
    for lang in languages:
        missing = sorted(set(snippet_words()["en"]) - set(snippet_words().get(lang, {})) - set(words.get(lang, {})))
        if missing:
            raise _At("languages", f"has {lang!r}, for which words.{lang} lacks {', '.join(missing)}")
    cookies = {
        category: tuple(
            Cookie(
                item["name"],
                item["provider"],
                _in_all(languages, f"cookies.{category}[{n}].purpose", item["purpose"]),
                _in_all(languages, f"cookies.{category}[{n}].life", item["life"]),
            )
            for n, item in enumerate(items)
        )
        for category, items in values.pop("cookies", {}).items()
    }
    if "changed" in values:
        values["changed"] = _in_all(languages, "changed", values["changed"])
    variants = tuple(Variant(**item) for item in values.pop("variants", []))
    if len({variant.name for variant in variants}) != len(variants):
        raise _At("variants", "has one name twice")
    trackers = tuple((item["match"], item["category"]) for item in values.pop("trackers", []))
    if values.get("host_cookie") and values.get("cookie_domain"):
        raise _At("host_cookie", "is for one host alone: leave it out, or cookie_domain")
    _equal_buttons(values.get("theme", {}))
    values["languages"] = languages
    return Site(id=name, cookies=cookies, variants=variants, trackers=trackers, **values)


def _in_all(languages: Iterable[str], path: str, texts: str | Mapping[str, str]) -> Mapping[str, str]:
    if isinstance(texts, str):
        return dict.fromkeys(languages, texts)
    for lang in languages:
        if lang not in texts:
            raise _At(path, f"has no text in {lang!r}")
    return texts


def _equal_buttons(theme: Mapping[str, Any]) -> None:
    """Refuse a theme in which refusing looks less than accepting, or in which words are hard to read."""
    light = {row.name: theme.get(row.name, row.default) for row in COLOURS}
    sides = [("theme", light)]
    if theme.get("dark"):
        sides.append(("theme.dark", {**light, **theme["dark"]}))
    for where, colours in sides:
        accept, refuse = (
            {row.name: colours[side].get(row.name, row.default) for row in BUTTON} for side in ("accept", "refuse")
        )
        for name, value in refuse.items():
            if value != accept[name]:
                raise _At(
                    f"{where}.refuse.{name}",
                    f"is {value} while accept has {accept[name]}: refusing must look like accepting",
                )
        for path, front, back in (
            (f"{where}.text", colours["text"], colours["background"]),
            (f"{where}.accept.text", accept["text"], accept["background"]),
        ):
            if contrast(front, back) < 4.5:
                raise _At(path, f"has a contrast of {contrast(front, back):.1f}:1 with its background; at least 4.5:1")


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours ``#rrggbb``, 1 to 21 (WCAG 2.2, relative luminance)."""

    def luminance(colour: str) -> float:
        channels = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
        red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


# The environment


def _secrets(value: str) -> tuple[str, ...]:
    secrets = tuple(part.strip() for part in value.split(",") if part.strip())
    if not secrets or any(len(secret) < 32 for secret in secrets):
        raise ValueError("takes secrets of at least 32 characters, the newest first, separated by commas")
    return secrets


def _redis_url(value: str) -> str:
    if re.match(r"(rediss?|unix)(\+(sentinel|cluster))?://.", value):
        return value
    raise ValueError("takes redis://, rediss:// or unix://, each also as redis+sentinel:// or redis+cluster://")


def _prefix(value: str) -> str:
    if re.fullmatch(r"(/[A-Za-z0-9._~-]+)*/?", value):
        return value.rstrip("/")
    raise ValueError("takes a path such as /consent")


ENVIRONMENT = (
    Row("CONSENT_SECRET", _secrets, (), "Secret that tokens are signed with; several, the newest first, to change it."),
    Row("REDIS_URL", _redis_url, None, "Where Redis or Valkey is; an embedded Valkey if left out."),
    Row("CONSENT_CONFIG", Path, Path("consent.toml"), "The file that describes the shops."),
    Row("CONSENT_DATA", Path, Path("consent-data"), "Folder of the embedded Valkey."),
    Row("HOST", _text, "127.0.0.1", "Address to listen on."),
    Row("PORT", _whole(0, 65535), 8000, "Port to listen on; 0 takes a free one."),
    Row("WEB_CONCURRENCY", _whole(1, 256), 1, "Worker processes."),
    Row("CONSENT_THREADS", _whole(1, 64), 16, "Threads of each worker; they share writes to disk."),
    Row("CONSENT_PREFIX", _prefix, "", "Path under which the server is reached, such as /consent."),
    Row("TRUSTED_PROXIES", _whole(0, 10), 0, "Proxies in front whose X-Forwarded-For, -Proto and -Host are believed."),
    Row("COUNTRY_HEADER", _text, None, "Header in which a proxy tells the shopper's country in two letters."),
    Row("CLIENT_LIMIT", _whole(1, 1_000_000), 600, "Decisions a minute from one address, shared ones included."),
    Row("SITE_LIMIT", _whole(1, 1_000_000_000), 300_000, "Decisions a minute of one shop, for each worker."),
    Row("REDIS_TIMEOUT", _whole(50, 10_000), 500, "Milliseconds after which Redis counts as away."),
    Row("REDIS_REPLICAS", _whole(0, 5), 0, "Replicas that must have a decision before it is acknowledged (WAIT)."),
    Row("CONSENT_METRICS_TOKEN", _text, None, "Bearer token for /metrics; without one only this machine may read it."),
    Row("CONSENT_WEBHOOK", address, None, "Address that is posted to when a rate leaves its usual range."),
    Row("CONSENT_DEMO", _yes_no, False, "Set by `consent-server demo`: serves the storefront at /demo/."),
)

_SECRET = ("CONSENT_SECRET", "REDIS_URL", "CONSENT_METRICS_TOKEN")
"""Rows whose value, or the password in it, is never repeated in a message."""


@dataclass(frozen=True)
class Settings:
    """How the server runs: one attribute for each row of ENVIRONMENT, in lower case without ``CONSENT_``."""

    secret: tuple[str, ...] = ()
    redis_url: str | None = None
    config: Path = Path("consent.toml")
    data: Path = Path("consent-data")
    host: str = "127.0.0.1"
    port: int = 8000
    web_concurrency: int = 1
    threads: int = 16
    prefix: str = ""
    trusted_proxies: int = 0
    country_header: str | None = None
    client_limit: int = 600
    site_limit: int = 300_000
    redis_timeout: int = 500
    redis_replicas: int = 0
    metrics_token: str | None = None
    webhook: str | None = None
    demo: bool = False


def read_environment(environ: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings of the environment; each may also be a file's name in ``NAME_FILE``.

    Raises:
        SettingsError: a value is wrong or its file cannot be read; says what is accepted.
    """
    values: dict[str, Any] = {}
    for row in ENVIRONMENT:
        text = environ.get(row.name)
        path = environ.get(f"{row.name}_FILE")
        if text and path:
            raise SettingsError(f"{row.name} and {row.name}_FILE are both set; set one.")
        if path:
            try:
                text = Path(path).read_text(encoding="utf-8").strip()
            except OSError as error:
                raise SettingsError(f"{row.name}_FILE names {path}, which cannot be read: {error.strerror}.") from None
        if text:
            try:
                values[row.name.removeprefix("CONSENT_").lower()] = row.read(text)
            except ValueError as error:
                shown = "" if row.name in _SECRET else f" is {text!r} but"
                raise SettingsError(f"{row.name}{shown} {error}.") from None
    return Settings(**values)
