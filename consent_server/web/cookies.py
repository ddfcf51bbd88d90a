"""The answer's cookies on the shop's own host, which a browser sends here too.

Nothing here sets the cookie that holds the answer: a response may come when a later answer is in it, and no page is
left that could tell. What a response may set is a second copy, for browsers that end a script's cookie after seven
days. It takes two, one after the other, which count only together: a guard, which is drawn anew each time, then the
token with that guard before it. Each answer that a page writes removes the guard, and no response brings that one
again. So a response that is late, however late, sets half a pair that says nothing.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable
from typing import Annotated
from urllib.parse import unquote

import msgspec
from flask import Response, request

from ..decision import Consent, Decision
from ..site import GRACE, Site
from ..tokens import BadToken
from ..tokens.reader import waits
from .request import Environ

LATE_SECONDS = 60
"""A decision that is older when it comes did not come with the click: a later page delivered it."""

HOUR = 3600


class _Waiting(msgspec.Struct):
    """A decision as the cookie holds it until it is delivered; ``at``: seconds, by the shopper's clock."""

    at: Annotated[int, msgspec.Meta(ge=0, lt=2**53)]
    allow: list[str] = []
    id: str | None = None


_waiting = msgspec.json.Decoder(list[_Waiting])


def newest(site: Site, verify: Callable[[str], Consent]) -> tuple[str, Consent]:
    """Return the token of the newest answer that the browser sent, and what it says.

    A browser may hold several, of scopes that the shop used before.

    Raises:
        BadToken: there is none, or none is valid.
    """
    found, wrong = [], BadToken(f"Send the token as `Authorization: Bearer TOKEN`, or in the cookie `{site.cookie}`.")
    for text in request.cookies.getlist(site.cookie):
        try:
            found.append((text, verify(text)))
        except BadToken as error:
            wrong = error
    if not found:
        raise wrong
    return max(found, key=lambda each: each[1].order)


def is_waiting(site: Site) -> bool:
    """Return whether the browser sent an answer that is on its way here, and newer than any that it sent signed."""
    return any(waits(text, site.id) for text in request.cookies.getlist(site.cookie))


def is_on_own_host(origin: str | None) -> bool:
    """Return whether the page that asks is of the host at which it reaches this server."""
    return origin == f"{request.scheme}://{request.headers.get('Host')}"


def outlast(response: Response, site: Site, text: str, consent: Consent) -> None:
    """Have the browser keep a token that it sent for as long as it holds: the guard first, with that the token."""
    if site.host_cookie:
        return  # another host could set such a pair, and is to set nothing
    guard = request.cookies.get("ask-guard", "")
    # Nobody is numbered for refusing: the guard of all refusals is one.
    if re.fullmatch(r"[A-Za-z0-9_-]{11}" if consent.allow else "0", guard):
        name, value = "ask-kept", f"{guard}.{text}"
    else:
        name, value = "ask-guard", secrets.token_urlsafe(8) if consent.allow else "0"
    response.set_cookie(
        name,
        value,
        max_age=consent.exp - int(time.time()) + GRACE,
        domain=site.cookie_domain,
        secure=request.is_secure,
        samesite="Lax",
    )


def has_waited(site: Site, decision: Decision, environ: Environ) -> bool:
    """Return whether a decision waited for delivery: a browser on the server's host sends the cookie."""
    cookies = environ.get("HTTP_COOKIE", "")
    if "consent=~" not in cookies:
        return False
    for text in re.findall(rf"(?:^|; ?){site.cookie}=~([^;]*)", cookies):
        try:
            waiting = _waiting.decode(unquote(text))
        except (msgspec.DecodeError, RecursionError):
            continue
        if any(_is_late(each, decision) for each in waiting):
            return True
    return False


def _is_late(waiting: _Waiting, decision: Decision) -> bool:
    age = time.time() - waiting.at
    if waiting.id is None:  # a refusal, which says the hour
        return not waiting.allow and not decision.allow and age > HOUR + LATE_SECONDS
    return waiting.id == decision.id and age > LATE_SECONDS
