"""Middleware for a shop's own back end: its cookies wait for the answer too, and go when that is taken back.

For WSGI (Flask, Django) and ASGI (FastAPI, Django)::

    from consent_server.enforce import Enforcement
    from consent_server.tokens import Verifier

    verifier = Verifier.from_url("https://consent.example/v1/keys.json", site="smartmarket")
    enforcement = Enforcement.from_config("consent.toml", verifier)
    app.wsgi_app = enforcement.wsgi(app.wsgi_app)

It loads what checking a token and reading ``consent.toml`` need, and no server.
"""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .decision import Consent
from .net.set_cookie import parse_set_cookie
from .settings.rows import SettingsError
from .settings.shops import read_sites
from .site import CATEGORIES, UnknownCategory, glob
from .tokens import BadToken, Verifier
from .tokens.verifier import newest

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

Headers = list[tuple[str, str]]
ASGIMessage = dict[str, Any]
ASGIApp = Callable[[Any, Any, Callable[[Any], Awaitable[None]]], Awaitable[None]]

MOST_EXPIRED = 24
"""``Set-Cookie`` headers that expire something, in one response: proxies take so many bytes of headers and no more."""

log = logging.getLogger(__name__)

_STARTS = ("http.response.start", "websocket.accept", "websocket.http.response.start")
_NAME = re.compile(r"[!-:<>-~]+")
_PATH = re.compile(r"(?:/[\w.~-]+)+/?", re.ASCII)
_DOMAIN = re.compile(r"(?:[a-z0-9-]+\.)+[a-z][a-z0-9-]*")
_SECURE = re.compile(r"__(?:host|secure|http)-", re.IGNORECASE)
_KEPT = re.compile(r"\b(?:public|s-maxage|max-age=0*[1-9])")
_NOT_SHARED = re.compile(r"\b(?:private(?!=)|no-store)\b")


class Enforcement:
    """Drops cookies that the shopper does not allow from the responses of a back end, and expires those left over.

    A cookie is dropped while none of the categories that name it is allowed. What names no category, or ``necessary``,
    passes: it is in no list that says whether it may be set. Without a valid token of this site (none, forged, expired,
    another site's, an answer on its way, or to what was asked before) nothing optional is allowed. Cookies that the
    browser sends are expired only where a valid token says no: an outage ends nobody's yes.

    Args:
        verifier: checks the tokens of the shop's site.
        cookies: names by category, or patterns such as ``_ga_*``.
        cookie: the name of the cookie that holds the answer.
        domains: domains that the shop sets cookies for, besides the host of a request and those above it.
        revision: the site's ``revision``; an older answer is none, as in the page.

    Raises:
        UnknownCategory: ``cookies`` has one that is none of the four.
        ValueError: names are a text and not a list of texts.
    """

    def __init__(
        self,
        verifier: Verifier,
        cookies: Mapping[str, Iterable[str]],
        *,
        cookie: str = "consent",
        domains: Iterable[str] = (),
        revision: int = 0,
    ) -> None:
        self._verifier, self._cookie, self._domains = verifier, cookie, tuple(domains)
        self._revision = revision
        self._listed: list[tuple[str, re.Pattern[str], str]] = []
        for category, names in cookies.items():
            if category not in CATEGORIES:
                raise UnknownCategory(f"{category!r} is not a category; there are {', '.join(CATEGORIES)}.")
            if isinstance(names, str):
                raise ValueError(f"The names of {category} are a list such as [{names!r}].")
            self._listed += [(name, re.compile(glob(name)), category) for name in names]
        self._find = lru_cache(maxsize=4096)(self._look_up)
        self._counting = threading.Lock()
        self._dropped: Counter[str] = Counter()
        self._expired: Counter[str] = Counter()

    @classmethod
    def from_config(cls, path: Path | str, verifier: Verifier) -> Enforcement:
        """Return one with the cookie list and the revision that the verifier's site has in a ``consent.toml``.

        Raises:
            SettingsError: the file cannot be read, something in it is wrong, or it has no such site.
        """
        site = read_sites(Path(path)).get(verifier.site)
        if site is None:
            raise SettingsError(f"{path} has no site {verifier.site!r}.")
        names = {
            category: [name for name, kind in site.removable(category) if kind in (None, "cookie")]
            for category in site.cookies
        }
        # Behind a proxy that does not pass on what the browser asked for, they alone say where cookies may lie.
        domains = [domain for domain in site.domains if _DOMAIN.fullmatch(domain)]
        return cls(verifier, names, cookie=site.cookie, domains=domains, revision=site.revision)

    def counts(self) -> dict[str, dict[str, int]]:
        """Return how often what was done since the start: ``dropped`` and ``expired``, by the list's own names.

        Each process counts for itself, and ``expired`` once for each response that asked the browser for it.
        """
        with self._counting:
            return {"dropped": dict(self._dropped), "expired": dict(self._expired)}

    def wsgi(self, app: WSGIApplication) -> WSGIApplication:
        """Return a WSGI app that answers as ``app`` does, without the cookies that the shopper does not allow."""

        def enforced(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
            exchange = _Exchange(environ.get("HTTP_COOKIE", ""), environ.get("HTTP_HOST", ""), path)

            def start(status: str, headers: Headers, exc_info: Any = None) -> Callable[[bytes], object]:
                if self._concerns(exchange, headers):
                    headers = [*self._obey(exchange, headers, self._consent(exchange))]
                return start_response(status, headers, exc_info) if exc_info else start_response(status, headers)

            return app(environ, start)

        return enforced

    def asgi(self, app: ASGIApp) -> ASGIApp:
        """Return an ASGI app that answers as ``app`` does, without the cookies that the shopper does not allow."""

        async def enforced(scope: Any, receive: Any, send: Callable[[Any], Awaitable[None]]) -> None:
            if scope["type"] not in ("http", "websocket"):
                await app(scope, receive, send)
                return
            sent = [(name.lower(), value.decode("latin-1")) for name, value in scope["headers"]]
            cookies = "; ".join(value for name, value in sent if name == b"cookie")
            exchange = _Exchange(cookies, next((value for name, value in sent if name == b"host"), ""), scope["path"])

            async def obedient(message: ASGIMessage) -> None:
                if message["type"] in _STARTS:
                    # It may be an iterator, which can be read once.
                    message = {**message, "headers": [*(message.get("headers") or ())]}
                    headers = [(k.decode("latin-1"), v.decode("latin-1")) for k, v in message["headers"]]
                    if self._concerns(exchange, headers):
                        # Keys may have to be fetched, for which nobody else should wait.
                        consent = await _aside(self._consent, exchange)
                        kept = self._obey(exchange, headers, consent)
                        message = {**message, "headers": [(k.encode("latin-1"), v.encode("latin-1")) for k, v in kept]}
                await send(message)

            await app(scope, receive, obedient)

        return enforced

    def _look_up(self, name: str) -> tuple[str, frozenset[str]] | None:
        """Return the list's own name for a cookie and the categories that have it, None for one that no list has."""
        found = [(listed, category) for listed, pattern, category in self._listed if pattern.fullmatch(name)]
        return (found[0][0], frozenset(category for _, category in found)) if found else None

    def _is_optional(self, name: str) -> bool:
        found = self._find(name)
        return found is not None and "necessary" not in found[1]

    def _concerns(self, exchange: _Exchange, headers: Headers) -> bool:
        """Return whether the answer matters, so that it is worth a look at the signature."""
        lines = [parse_set_cookie(value) for key, value in headers if key.lower() == "set-cookie"]
        return any(map(self._is_optional, [*exchange.sent, *(cookie.name for cookie in lines if cookie)]))

    def _consent(self, exchange: _Exchange) -> Consent | None:
        """Return the newest valid answer that the browser sent, if it is to what the shop asks now and none waits."""
        try:
            found = newest(exchange.sent.get(self._cookie, ()), self._verifier.site, self._verifier.verify)
        except BadToken:
            return None
        return found if found.rev >= self._revision else None

    def _obey(self, exchange: _Exchange, headers: Headers, consent: Consent | None) -> Iterator[tuple[str, str]]:
        """Yield the headers that may go, and those that expire what the shopper does not allow."""
        for key, value in headers:
            if key.lower() != "set-cookie" or not self._drops(value, consent):
                yield key, value
        caching = ", ".join(value.lower() for key, value in headers if key.lower() == "cache-control")
        if consent is None or (_KEPT.search(caching) and not _NOT_SHARED.search(caching)):
            return  # a cache would hand it on to others
        refused = [name for name in exchange.sent if _NAME.fullmatch(name) and self._refuses(name, consent)]
        for name in refused:
            self._count(self._expired, name)
        for line in exchange.expiring(refused, self._domains):
            yield "Set-Cookie", line

    def _refuses(self, name: str, consent: Consent | None) -> bool:
        found = self._find(name)
        return found is not None and not any(
            category == "necessary" or (consent is not None and consent.allows(category)) for category in found[1]
        )

    def _drops(self, line: str, consent: Consent | None) -> bool:
        cookie = parse_set_cookie(line)
        if cookie is None or cookie.removes or not self._refuses(cookie.name, consent):
            return False
        self._count(self._dropped, cookie.name)
        return True

    def _count(self, counter: Counter[str], name: str) -> None:
        found = self._find(name)
        if found is None:
            return
        listed, categories = found
        with self._counting:
            counter[listed] += 1
            first = counter is self._dropped and counter[listed] == 1
        if first:
            log.warning("the cookie %s is dropped where %s is not allowed", listed, " or ".join(sorted(categories)))
            if name != listed:
                log.info("the first of %s that was dropped is %s", listed, name)


class _Exchange:
    """What a request brings: its cookies by name, and where it is, so that they can be expired."""

    def __init__(self, cookies: str, host: str, path: str) -> None:
        self.sent: dict[str, list[str]] = {}
        for pair in cookies.split(";"):
            name, _, value = pair.strip().partition("=")
            self.sent.setdefault(name.strip(), []).append(value.strip())
        self._host, self._path = host.lower().partition(":")[0], path

    def expiring(self, names: Sequence[str], domains: Sequence[str]) -> Iterator[str]:
        """Yield lines that expire cookies of these names wherever a request such as this one may have got them from.

        A browser does not say of which domain and path a cookie is. Most are of the root path, which has two thirds of
        a response that is too small for all, and the domains that are only guessed have two thirds of the rest for it.
        What a response has no place for has its turn with a later one.
        """
        (root, *below), (likely, guessed) = self._paths(), self._domains(domains)
        kinds = [(paths, hosts) for paths in ([root], below) for hosts in (likely, guessed)]
        sizes = [len(paths) * len(hosts) * len(names) for paths, hosts in kinds]
        room = MOST_EXPIRED
        for number, (paths, hosts) in enumerate(kinds):
            some = _some(sizes[number], room - min(sum(sizes[number + 1 :]), -(-room // 3)))
            room -= len(some)
            for each in some:
                rest, which = divmod(each, len(names))
                path, host = divmod(rest, len(hosts))
                name, domain = names[which], hosts[host]
                yield (
                    f"{name}=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path={paths[path]}"
                    f"{f'; Domain={domain}' if domain else ''}{'; Secure' if _SECURE.match(name) else ''}"
                )

    def _domains(self, domains: Sequence[str]) -> tuple[list[str], list[str]]:
        """Return where cookies of a request probably lie, and where else they may.

        That is its own host, it and the domains above it, down to two labels, and those that the shop names. Of these
        only the ones above it count, if any is: a browser takes no others from there. If none is, a proxy hides what
        the browser asked, and all but the first are guessed.
        """
        labels = self._host.split(".")
        hosts = [".".join(labels[n:]) for n in range(len(labels) - 1)] if _DOMAIN.fullmatch(self._host) else []
        above = [domain for domain in domains if f".{self._host}".endswith(f".{domain}")]
        likely = dict.fromkeys(("", *hosts, *(above or domains[:1])))
        return [*likely], [] if above else [domain for domain in dict.fromkeys(domains) if domain not in likely]

    def _paths(self) -> Iterable[str]:
        """Return the root and the folders above the request, each with and without a slash at its end."""
        parts = self._path.split("/") if _PATH.fullmatch(self._path) else []
        folders = ["/".join(parts[: n + 1]) for n in range(1, len(parts)) if parts[n]]
        return dict.fromkeys(("/", *(each + end for each in folders for end in ("", "/"))))


def _some(many: int, most: int) -> Sequence[int]:
    """Return numbers below ``many``, at most so many, from anywhere on: nobody knows what an earlier response had."""
    start = secrets.randbelow(many) if many > most else 0
    return [(start + number) % many for number in range(min(many, most))]


async def _aside(work: Callable[[_Exchange], Consent | None], exchange: _Exchange) -> Consent | None:
    """Return what ``work`` returns, in a thread. A server that runs its apps in trio waits for it instead."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return work(exchange)
    return await asyncio.to_thread(work, exchange)
