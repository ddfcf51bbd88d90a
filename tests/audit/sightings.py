"""Sightings as a browser tells them, and what is judged of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from consent_server.audit.browsing.documents import Documents
from consent_server.audit.findings import Finding, Judge
from consent_server.audit.observed import ConsentCall, Observed, Sighting
from consent_server.settings.shops import make_site
from consent_server.site import Cookie, Site

SHOP = "https://shop.example"
PAGE = f"{SHOP}/"


def site(**changes: Any) -> Site:
    made = make_site("shop", "Shop", (SHOP,), f"{SHOP}/privacy", date(2025, 12, 20))
    return replace(made, **changes)


def listed(name: str, life: str = "1 year", host: str | None = None) -> Cookie:
    return Cookie(name, "Shop", {"en": "What for"}, {"en": life}, host=host)


def seen(kind: str, name: str, host: str = "shop.example", **rest: Any) -> Sighting:
    return Sighting(kind, name, host, **{"page": PAGE, "initiator": PAGE, "at": 1.0, **rest})


def asked(address: str, **rest: Any) -> Sighting:
    """Return a request; an address without a host is one of the shop's."""
    url = address if "://" in address else SHOP + address
    return seen("request", url.partition("?")[0], url.split("/")[2], url=url, **rest)


def judged(*sightings: Sighting, of: Site | None = None, state: str = "before", **rest: Any) -> list[Finding]:
    return Judge("shop.example", of, [Observed(state, [*sightings], **rest)]).findings()


TAG = {"ours": [{"src": f"{SHOP}/v1/shop/consent.js", "site": "shop", "async": False, "late": False}], "works": True}
TAG |= {"choice": None, "banner": True}


def shown(documents: Documents, at: float, *urls: str, page: str = PAGE) -> None:
    """Lead a tab to a page, at a moment, by way of these addresses."""
    loader = f"{at}"
    for url in urls:
        event = {"loaderId": loader, "requestId": loader, "wallTime": at, "timestamp": at, "request": {"url": url}}
        documents.asked(event, page)
    documents.answered({"requestId": loader, "timestamp": at})
    documents.committed({"id": "main", "loaderId": loader, "url": urls[-1]}, page)


def call(kind: str, at: float = 1.0, **said: Any) -> ConsentCall:
    return ConsentCall(at, PAGE, ["consent", kind, said])


def ours(src: str, site_id: str) -> dict[str, Any]:
    return {"src": f"{src}/v1/{site_id}/consent.js", "site": site_id, "async": False, "late": False}
