"""The cookie that keeps an answer: what it holds, what a page makes of it, and how one is planted."""

from __future__ import annotations

import json
from typing import Any

from playwright.sync_api import BrowserContext, Page

from consent_server.decision import Consent
from consent_server.tokens import token

from .conftest import Shop, until

NO = {"functional": False, "analytics": False, "marketing": False}
YES = dict.fromkeys(NO, True)
TAG = '<script type="text/plain" data-consent="analytics">window.ran = 1</script>'
REFUSE = "consent.decide({ functional: false, analytics: false, marketing: false })"
ACCEPT = "consent.decide({ functional: true, analytics: true, marketing: true })"
DELIVERED = "!!window.consent?.token"
WITHOUT_EVENTS = "Object.defineProperty(window, 'cookieStore', { value: undefined })"
"""What Safari before 18.4 has, and every browser in a page under http."""


def cookies(context: BrowserContext, name: str = "consent") -> list[tuple[str, str, str]]:
    """Return domain, path and value of each cookie of a name."""
    return sorted(
        (str(each["domain"]), str(each["path"]), str(each["value"]))
        for each in context.cookies()
        if each["name"] == name
    )


def choice(page: Page) -> Any:
    return page.evaluate("consent.choice")


def issued(shop: Shop, *allow: str, at: int, site: str = "shop") -> str:
    """Return the token of an answer given at a moment in seconds."""
    names = {"sub": "s" * 22, "jti": f"decided-at-{at}-{'-'.join(allow)}"} if allow else {}
    consent = Consent(site=site, allow=sorted(allow), rev=1, notice="n" * 22, at=at, exp=at + 10**8, **names)
    return token(consent, shop.app.extensions["consent"].keys.sign(consent))


def bodies(shop: Shop) -> list[dict[str, Any]]:
    """Return the decisions that were posted, in order."""
    return [json.loads(body) for path, body in shop.posts if path == "decisions"]


def withdraw(page: Page) -> None:
    """Refuse in a page in which something has run, which ends with the page; wait for the next."""
    page.evaluate(f"window.here = 1; {REFUSE}")
    until(page, f"!window.here && {DELIVERED}")
