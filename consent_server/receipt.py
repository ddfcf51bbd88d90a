"""The receipt: what a shopper was asked and answered, for keeps (ISO/IEC TS 27560 in the terms of the W3C DPV)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from .decision import Notice, Site


def receipt(
    site: Site, notice: Notice, consent: Mapping[str, Any], history: list[dict[str, Any]], text: str, at: float
) -> dict[str, Any]:
    """Return a consent receipt: the fields of ISO/IEC TS 27560 in the terms of the W3C Data Privacy Vocabulary.

    Args:
        site: the shop.
        notice: what was asked.
        consent: the payload of the token.
        history: the shopper's decisions.
        text: the token, by which anybody can check the answer.
        at: seconds since 1970.

    The person gets the content, not a pointer to it: the words, the cookies, the answer, the rights.
    """
    content = notice.content
    granted = set(consent["allow"])

    def process(category: str) -> dict[str, Any]:
        status = "ConsentGiven" if category in granted else "ConsentRefused"
        return {
            "@type": "dpv:Process",
            "dcterms:title": content["words"].get(category, category),
            "dcterms:description": content["words"].get(f"{category}_for", ""),
            "dpv:hasPurpose": {"@id": PURPOSES[category]},
            "dpv:hasLegalBasis": {"@id": "dpv:Consent" if category != "necessary" else "dpv:ServiceProvision"},
            **({"dpv:hasConsentStatus": {"@id": f"dpv:{status}"}} if category != "necessary" else {}),
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

    return {
        "@context": CONTEXT,
        "@type": "dpv:ConsentRecord",
        "dcterms:conformsTo": "ISO/IEC TS 27560:2023",
        "dcterms:identifier": consent.get("jti", ""),
        "dcterms:issued": _iso(at),
        "dcterms:language": content["lang"],
        "dpv:hasDataSubject": {"@type": "dpv:DataSubject", "dcterms:identifier": consent.get("sub", "")},
        "dpv:hasDataController": {
            "@type": "dpv:DataController",
            "dcterms:title": content["name"],
            "dpv:hasContact": site.contact or "",
        },
        "dpv:hasNotice": {
            "@type": "dpv:ConsentNotice",
            "dcterms:identifier": notice.hash,
            "dcterms:title": content["words"].get("title", ""),
            "dcterms:description": content["words"].get("text", ""),
            "dcterms:hasVersion": str(content["revision"]),
            "dcterms:source": content["policy_url"],
            "dcterms:modified": content["policy_updated"],
        },
        "dpv:hasProcess": [process(category) for category in content["categories"]],
        "dpv:hasConsentStatus": {"@id": "dpv:ConsentGiven" if granted else "dpv:ConsentRefused"},
        "dpv:isIndicatedAtTime": _iso(consent["at"]),
        "dpv:hasDuration": _iso(consent["exp"]),
        "dpv:hasRight": [
            {"@type": "dpv:DataSubjectRight", "dcterms:title": right, "dpv:isExercisedAt": where}
            for right, where in (
                ("withdrawal", "the shop's cookie settings"),
                ("access", f"/v1/{site.id}/me"),
                ("erasure", f"/v1/{site.id}/me"),
                ("complaint", str(site.authority.get("url", ""))),
            )
        ],
        "dpv:hasActivityStatus": [
            {
                "@type": "dpv:ConsentStatus",
                "dcterms:date": _iso(event["at"]),
                "dcterms:type": event["kind"],
                "dcterms:description": ", ".join(event["allow"]) or "necessary",
                "dpv:isIndicatedBy": event["how"],
                "dcterms:references": event["notice"],
            }
            for event in history
        ],
        "dcterms:hasPart": text,
    }


CONTEXT = {"dpv": "https://w3id.org/dpv#", "dcterms": "http://purl.org/dc/terms/"}

PURPOSES = {
    "necessary": "dpv:ServiceProvision",
    "functional": "dpv:ServicePersonalisation",
    "analytics": "dpv:ServiceUsageAnalytics",
    "marketing": "dpv:PersonalisedAdvertising",
}


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
