"""Trackers that a shop hands on under its own name: known by what their own scripts ask for, path and query together.

A shop's own addresses are as short as theirs: a Turkish page is ``/tr/``, a list of countries ``/flags``. So a path
that might be anybody's counts with its tracker's query, body or script alone. A host is nobody's by its name:
``metrics.``, ``data.`` and ``sgtm.`` are suspected by the paths that are asked for there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from urllib.parse import parse_qsl

from ..hosts import parts_of
from ..observed import Sighting

_Said = Mapping[str, str]

_TAG_ID = re.compile(r"(?:G|GT|GTM|UA|AW|DC|MC)-[A-Z0-9-]{4,}", re.IGNORECASE)
"""How Google numbers what its tags belong to."""

_SURE_ID = re.compile(
    r"(?!G\w*-X+$)(?:GT?-(?=\d*[A-Z])[A-Z0-9]{6,12}|GTM-(?=\d*[A-Z])[A-Z0-9]{4,9})|UA-\d{4,10}-\d{1,4}|AW-\d{8,12}|DC-\d{6,12}"
)
"""The same to the letter, where nothing else tells: goods may be ``G-1234``, and ``GTM-XXXXXXX`` is an example."""


def _any(_: _Said) -> bool:
    return True


def _has(*names: str) -> Callable[[_Said], bool]:
    return lambda said: said.keys() >= {*names}


def _of_google(said: _Said) -> bool:
    return any(_TAG_ID.fullmatch(said.get(name, "")) for name in ("id", "tid"))


def _of_measurement(said: _Said) -> bool:
    return "tid" in said or said.keys() >= {"v", "cid"}


def _of_posthog(said: _Said) -> bool:
    return "ip" in said or len(said.keys() & {"_", "v", "ver", "compression"}) > 1


def _of_mixpanel(said: _Said) -> bool:
    return "_" in said and bool(said.keys() & {"verbose", "ip"})


def _of_metrica(said: _Said) -> bool:
    return bool(said.keys() & {"page-url", "browser-info", "wmode"})


_WAYS: tuple[tuple[re.Pattern[str], Callable[[_Said], bool]], ...] = tuple(
    (re.compile(path), is_its)
    for path, is_its in (
        (r"/(?:g|j|r|ccm)/collect$", _any),
        (r"/collect$", _of_measurement),
        (r"/gtag/js$|/gtm\.js$", _any),
        (r"/(?:analytics|gtag)\.js$", _of_google),
        (r"/fbevents\.js$", _any),
        (r"/tr/?$", _has("id", "ev")),
        (r"/metrika/(?:tag|watch)(?:_\w+)?\.js$", _any),
        (r"/(?:watch|clmap|webvisor)/\d{4,}(?:/1)?$", _of_metrica),
        (r"/(?:matomo|piwik)\.(?:php|js)$", _any),
        (r"/i/v0/e/?$|/array/[\w-]+/config(?:\.js)?$|/static/array(?:\.[\w.]+)?\.js$", _any),
        (r"/(?:e|decide|flags)/?$", _of_posthog),
        (r"/s/?$", _has("_", "ver")),
        (r"/clarity\.js$|/bat\.js$|/hotjar-\d+\.js$|/pixel/events\.js$|/insight(?:\.beta)?(?:_\w+)?\.min\.js$", _any),
        (r"/action/\d+$", _has("ti", "evt")),
        (r"/b/ss/[\w,.-]+/\d|/com\.snowplowanalytics\.snowplow/tp2$", _any),
        (r"/(?:track|engage|groups)/?$", _of_mixpanel),
        (r"/2/httpapi$|/cdn-cgi/(?:rum$|zaraz/)|/_vercel/(?:speed-)?insights/|/shopify/monorail/", _any),
        (r"/api/\d+/(?:envelope|store)/?$", _has("sentry_key")),
        (r"/api/v2/pixel(?:/\w+)?/?$", _any),
        (r"/collect/?$", _has("pid", "fmt")),
        (r"/plausible(?:\.[\w.-]+)?\.js$|/umami\.js$", _any),
    )
)
"""Paths, and what has to be in the query there."""

_NUMBER = re.compile(r"\d{8,}")
_SNOWPLOW = re.compile(r"(?:web|mob|pc|srv|app|tv|cnsl|iot) [a-z]+-\d[\w.-]*")


def _is_anywhere(said: _Said) -> bool:
    """Return whether a request tells by its fields alone whose it is, wherever it goes."""
    return bool(
        _SURE_ID.fullmatch(tid := said.get("tid", ""))
        or (
            said.get("v") in ("1", "2")
            and ("cid" in said or tid.upper().startswith(("G", "U")))
            and _TAG_ID.fullmatch(tid)
        )
        or said.keys() >= {"idsite", "rec"}
        or said.keys() >= {"page-url", "browser-info"}
        or (said.keys() >= {"ev", "dl", "ts"} and _NUMBER.fullmatch(said.get("id", "")))
        or ("e" in said and _SNOWPLOW.fullmatch(f"{said.get('p')} {said.get('tv')}"))
    )


_COLLECTORS = re.compile(r"(?:s?gtm|s?metrics|stats?|analytics|track(?:ing|er)?|data|collect(?:or)?|tags?|pixel)\.")
_COLLECT = re.compile(r"/(?:collect|decide|api/event|api/send|(?:analytics|gtag)\.js)/?$")
"""Hosts that are named for what they do, and paths that are a tracker's there whatever the query."""

_PLAUSIBLE = re.compile(r"/js/script(?:\.[\w-]+)*\.js$")
_BODIES = (
    (re.compile(r"/api/event$"), re.compile(r'(?=.*"n":)(?=.*"u":).*"d":', re.DOTALL)),
    (re.compile(r"/api/send$"), re.compile(r'(?=.*"type":).*"payload":', re.DOTALL)),
    (re.compile(""), re.compile(r'(?=.*"n":"pageview")(?=.*"u":"https?:).*"d":"', re.DOTALL)),
    (re.compile(""), re.compile(r'(?=.*"type":"event").*"payload":\{"website":"[0-9a-f-]{36}"', re.DOTALL)),
    (re.compile(r"/v1/(?:[tpigasb]|track|page|identify|batch)$"), re.compile('"(?:anonymousId|writeKey|messageId)":"')),
    (re.compile(r"/(?:track|engage)/?$"), re.compile(r'"token":"[0-9a-f]{32}"|^data=(?:eyJ|W3s|%5B%7B%22event)')),
    (re.compile(""), re.compile(r'(?=.*"api_key":"[0-9a-f]{32}").*"events":\[', re.DOTALL)),
    (re.compile(""), re.compile(r'"dsn":"https://[0-9a-f]{32}@')),
    (re.compile(r"/monorail/"), re.compile(r'"schema_id":"')),
    (re.compile(""), re.compile(r'"schema":"iglu:com\.snowplowanalytics|"api_key":"phc_')),
)
"""Paths of Plausible, Umami, Segment, Mixpanel and others, any where the body tells enough, and what is sent there."""


def forwarded(seen: Sighting, all_: Iterable[Sighting]) -> bool:
    """Return whether a request of the shop's own looks like a tracker's.

    Args:
        seen: the request.
        all_: what else was seen in that state: a script with an everyday name counts with the calls it makes.
    """
    parts = parts_of(seen.url or seen.name)
    said = dict(parse_qsl(parts.query, keep_blank_values=True))
    if any(path.search(parts.path) and is_its(said) for path, is_its in _WAYS):
        return True
    form = dict(parse_qsl(seen.body)) if "=" in seen.body else {}
    if _is_anywhere({**form, **said}) or (seen.script and _SURE_ID.fullmatch(said.get("id", ""))):
        return True
    if _tells(seen) or (_COLLECTORS.match(seen.host) and _COLLECT.search(parts.path)):
        return True
    events = "/api/event"
    if _PLAUSIBLE.search(parts.path):
        return any(each.host == seen.host and parts_of(each.name).path.endswith(events) for each in all_)
    if parts.path.endswith(events):
        return any(each.host == seen.host and _PLAUSIBLE.search(parts_of(each.name).path) for each in all_)
    return False


def _tells(seen: Sighting) -> bool:
    path, body = parts_of(seen.name).path, re.sub(r"(?<=[:,{}\[])\s+|\s+(?=[:,}\]])", "", seen.body)
    return any(pattern.search(path) and said.search(body) for pattern, said in _BODIES)
