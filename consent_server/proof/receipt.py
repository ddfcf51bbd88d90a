"""The receipt: what a shopper was asked and answered, for keeps (ISO/IEC TS 27560 in the terms of the W3C DPV)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from ..decision import Consent, Entry
from ..site import Notice, Site
from .standing import Standing

CONTEXT = {"dpv": "https://w3id.org/dpv#", "dcterms": "http://purl.org/dc/terms/"}

SIGNATURE = "dcterms:provenance"
"""Where in a receipt the signed text ``{typ: receipt, sha256, …}`` stands."""

SEAL = "dcterms:relation"
"""Where the newest seal stands that the log had then."""

PURPOSES = {
    "necessary": "dpv:ServiceProvision",
    "functional": "dpv:ServicePersonalisation",
    "analytics": "dpv:ServiceUsageAnalytics",
    "marketing": "dpv:PersonalisedAdvertising",
}

STATUSES = {
    "changed": "ConsentInvalidated",
    "withdrawn": "ConsentWithdrawn",
    "erased": "ConsentRevoked",
    "unknown": "ConsentUnknown",
}
"""Of an answer that is not the newest."""


def history(entries: Sequence[Entry], notices: Mapping[str, Notice]) -> list[dict[str, Any]]:
    """Return a shopper's decisions in plain words, oldest first. ``notices``: by hash, those that they answer."""
    return [
        {
            "at": entry.at // 1000,
            "id": entry.id,
            "kind": entry.kind,
            "allow": entry.allowed(),
            "how": entry.how,
            "lang": notices[entry.notice].lang,
            "variant": notices[entry.notice].variant,
            "notice": entry.notice,
            "revision": notices[entry.notice].revision,
            "device": entry.device,
            "country": entry.country,
            **({"rule": notices[entry.notice].rule} if notices[entry.notice].rule else {}),
        }
        for entry in entries
    ]


def receipt(
    site: Site,
    notice: Notice,
    consent: Consent,
    events: Sequence[Mapping[str, Any]],
    token: str,
    at: float,
    seal: str = "",
    stands: Standing | None = None,
    base: str = "",
) -> dict[str, Any]:
    """Return a consent receipt, JSON-LD. The person gets the content, not a pointer to it.

    Args:
        site: the shop.
        notice: what was asked.
        consent: what the token says.
        events: the shopper's ``history``.
        token: the token itself, by which anybody can check the answer.
        at: when the receipt is made, seconds since 1970.
        seal: the newest one that the log had then. Whoever holds the receipt sees if the log before it is changed.
        stands: what became of the answer. If it is not the newest any more, the receipt says so, and since when.
        base: where the server is reached, such as ``https://shop.example/consent``: a receipt is read elsewhere.
    """
    content = notice.content
    contact = _whole(site.contact or "", site)
    return {
        "@context": CONTEXT,
        "@type": "dpv:ConsentRecord",
        "dcterms:conformsTo": "ISO/IEC TS 27560:2023",
        "dcterms:identifier": consent.sub or "",  # one record a shopper, whatever was decided since
        "dcterms:issued": _iso(at),
        "dcterms:language": content["lang"],
        "dpv:hasDataSubject": {"@type": "dpv:DataSubject", "dcterms:identifier": consent.sub or ""},
        "dpv:hasDataController": {
            "@type": "dpv:DataController",
            "dcterms:title": content["name"],
            "dpv:hasContact": contact,
        },
        "dpv:hasNotice": _notice(notice, site),
        "dpv:hasProcess": [_process(category, content, consent, stands) for category in content["categories"]],
        "dpv:hasConsentStatus": {"@id": f"dpv:{_status(bool(consent.allow), stands)}"},
        **_became(consent, stands),
        # The token of a refusal says its hour alone: two shoppers who refuse in it hold the same one.
        "dpv:isIndicatedAtTime": _iso(consent.at) + ("" if consent.sub else "/PT1H"),
        "dpv:hasDuration": _iso(consent.exp),
        "dpv:hasRight": _rights(site, contact, f"{base}/v1/{site.id}/me"),
        "dpv:hasActivityStatus": [_event(event) for event in events],
        "dcterms:references": token,
        **({SEAL: seal} if seal else {}),
    }


def _notice(notice: Notice, site: Site) -> dict[str, Any]:
    content = notice.content
    return {
        "@type": "dpv:ConsentNotice",
        "dcterms:identifier": notice.hash,
        "dcterms:title": content["words"].get("title", ""),
        "dcterms:description": content["words"].get("text", ""),
        "dcterms:hasVersion": str(content["revision"]),
        "dcterms:source": _whole(content["policy_url"], site),
        "dcterms:modified": content["policy_updated"],
        **({"dcterms:coverage": notice.rule} if notice.rule else {}),
    }


def _process(category: str, content: Mapping[str, Any], consent: Consent, stands: Standing | None) -> dict[str, Any]:
    """Return what a category is for, by which right, and what it leaves on the device."""
    return {
        "@type": "dpv:Process",
        "dcterms:title": content["words"].get(category, category),
        "dcterms:description": content["words"].get(f"{category}_for", ""),
        "dpv:hasPurpose": {"@id": PURPOSES[category]},
        **_basis(category, content, consent, stands),
        "dpv:hasPersonalData": [
            {
                "@type": "dpv:PersonalData",
                "dcterms:title": cookie["name"],
                "dcterms:description": cookie["purpose"],
                "dpv:hasRecipient": cookie["provider"],
                "dpv:hasStorageCondition": cookie["life"],
            }
            for cookie in content["cookies"][category]
        ],
    }


def _basis(category: str, content: Mapping[str, Any], consent: Consent, stands: Standing | None) -> dict[str, Any]:
    granted = category in consent.allow
    if category in content.get("objection", ()):
        # Its basis is the shop's to say: the receipt says that it was no consent.
        return {"dcterms:accessRights": "not objected to" if granted else "objected to", **_became(consent, stands)}
    if category == "necessary":
        return {"dpv:hasLegalBasis": {"@id": "dpv:ServiceProvision"}}
    return {
        "dpv:hasLegalBasis": {"@id": "dpv:Consent"},
        "dpv:hasConsentStatus": {"@id": f"dpv:{_status(granted, stands if granted else None)}"},
    }


def _rights(site: Site, contact: str, me: str) -> list[dict[str, Any]]:
    authority = site.authority or {}
    return [
        {"@type": "dpv:DataSubjectRight", "dcterms:title": right, "dpv:isExercisedAt": where}
        for right, where in (
            ("withdrawal", "the shop's cookie settings"),
            ("access", me),
            ("erasure", me),
            ("complaint to the shop", contact),
            (f"complaint to {authority.get('name', 'the authority')}", authority.get("url", "")),
        )
    ]


def _event(event: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "@type": "dpv:ConsentStatus",
        "dcterms:date": _iso(event["at"]),
        "dcterms:type": event["kind"],
        "dcterms:description": ", ".join(event["allow"]) or "necessary",
        "dpv:isIndicatedBy": event["how"],
        "dcterms:references": event["notice"],
    }


def _whole(address: str, site: Site) -> str:
    """Return an address with the shop's host, where it is a path of it."""
    return f"{site.origins[0]}{address}" if address.startswith("/") else address


def _status(granted: bool, stands: Standing | None) -> str:
    if stands and stands.now != "newest":
        return STATUSES[stands.now]
    return "ConsentGiven" if granted else "ConsentRefused"


def _became(consent: Consent, stands: Standing | None) -> dict[str, str]:
    """Return in words what an answer became, and from when until when it was the newest; nothing where it still is."""
    if stands is None or stands.now == "newest":
        return {}
    return {"dcterms:valid": f"{stands.now}: {_iso(consent.at)}/{_iso(stands.at) if stands.at else '..'}"}


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def digest(content: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a receipt without its signature, in hexadecimal: compact JSON, keys sorted, UTF-8."""
    unsigned = {key: value for key, value in content.items() if key != SIGNATURE}
    return hashlib.sha256(msgspec.json.encode(unsigned, order="sorted")).hexdigest()
