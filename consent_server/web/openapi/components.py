"""What several calls of /openapi.json share: bodies (JSON Schema 2020-12), parameters and refusals."""

from __future__ import annotations

from typing import Any

from ...decision import DEVICES, DIMENSIONS, HOW, KINDS, LONGEST_HOW
from ...proof.standing import STANDINGS
from ...rates.compare import GOALS
from ...rates.filters import FILTERS
from ...rates.period import AGAINST
from ...site import OPTIONAL
from ...site.rules import KINDS as KINDS_OF_RULES
from ..problems import RETRY_SECONDS, STATUS
from .headers import of_refusal
from .rates import RATES
from .schema import (
    ALLOWED,
    CATEGORY,
    DATE,
    LANGUAGE,
    NOTICE_HASH,
    SECONDS,
    TEXT,
    WHOLE,
    Schema,
    each,
    nullable,
    one,
    ref,
    some,
    thing,
)

SCHEMAS: dict[str, Schema] = {
    "Problem": thing(
        {
            "type": TEXT | {"description": "/problems/KIND"},
            "title": TEXT,
            "status": WHOLE,
            "detail": TEXT | {"description": "One sentence for people."},
        }
    ),
    "Decision": thing(
        {
            "id": {
                "type": "string",
                "pattern": "^[A-Za-z0-9_-]{16,64}$",
                "description": "Made afresh for each decision: 409 where the same shopper, by `previous`, has sent "
                "another answer under it.",
            },
            "allow": some(CATEGORY),
            "notice": TEXT | {"description": "Hash of the notice that is answered."},
            "lang": nullable("string") | {"description": "The notice's language, if anything."},
            "variant": nullable("string"),
            "how": {
                "type": "string",
                "maxLength": LONGEST_HOW,
                "description": "accept, refuse, save, preferences or script; any other way of asking counts as script.",
                "default": "script",
            },
            "previous": nullable("string") | {"description": "The token that this decision follows, expired or not."},
        },
        *("lang", "variant", "how", "previous"),
    ),
    "Acknowledged": thing({"token": TEXT, "allow": ALLOWED, "at": SECONDS, "expires": SECONDS}, "token"),
    "AccountAnswer": thing(
        {
            "token": nullable("string") | {"description": "Of the answer that counts; null if there is none."},
            "allow": {"anyOf": [ALLOWED, {"type": "null"}]},
            "at": nullable("integer"),
            "expires": nullable("integer"),
            "applied": one("device", "account", "none")
            | {"description": "Whether that is what the device has, or what the account brings."},
            "conflict": {
                "type": "boolean",
                "description": "Both had an answer, and not the same; the shopper is told.",
            },
            "refused": nullable("string") | {"description": "Why the token that came counts as none."},
            "set_cookies": some(TEXT) | {"description": "Values of Set-Cookie for the browser."},
        }
    ),
    "Showing": thing(
        {
            "notice": nullable("string"),
            "lang": nullable("string"),
            "variant": nullable("string"),
            "signal": {
                "enum": ["gpc", None],
                "description": "What privacy signal the browser sends: such showings are counted by themselves too.",
            },
            "rule": nullable("string") | {"description": "By which rule it asked, of a shop with rules by place."},
        },
        *("notice", "lang", "variant", "signal", "rule"),
    ),
    "Notice": thing(
        {
            "notice": NOTICE_HASH,
            "site": TEXT,
            "name": TEXT,
            "revision": WHOLE,
            "lang": LANGUAGE,
            "variant": TEXT,
            "keep": WHOLE | {"description": "Seconds that the answer holds."},
            "policy_url": TEXT,
            "policy_updated": DATE,
            "categories": some(CATEGORY),
            "cookies": each(some(ref("Cookie"))),
            "words": each(TEXT),
            "rule": TEXT | {"description": "For which places it is, where the shop has a rule for them."},
            "objection": some(one(*OPTIONAL)) | {"description": "What is on there until somebody objects."},
        },
        *("rule", "objection"),
        closed=False,
    ),
    "Place": thing({"rule": TEXT, "categories": each(one(*KINDS_OF_RULES))}),
    "Cookie": thing(
        {"name": TEXT, "provider": TEXT, "purpose": TEXT, "life": TEXT, "country": TEXT, "host": TEXT, "kind": TEXT},
        *("country", "host", "kind"),
    ),
    "Consent": thing(
        {
            "typ": {"const": "consent"},
            "site": TEXT,
            "allow": ALLOWED,
            "rev": WHOLE,
            "notice": NOTICE_HASH,
            "at": SECONDS,
            "exp": SECONDS,
            "sub": TEXT,
            "jti": TEXT,
        },
        *("sub", "jti"),
    ),
    "Held": thing(
        {
            "site": TEXT,
            "token": ref("Consent"),
            "standing": thing({"now": one(*STANDINGS), "at": nullable("integer")}),
            "history": some(
                thing(
                    {
                        "at": SECONDS,
                        "id": TEXT,
                        "kind": one(*KINDS),
                        "allow": ALLOWED,
                        "how": one(*HOW),
                        "lang": LANGUAGE,
                        "variant": TEXT,
                        "notice": NOTICE_HASH,
                        "revision": WHOLE,
                        "device": one(*DEVICES),
                        "country": TEXT,
                        "rule": TEXT,
                    },
                    "rule",
                )
            ),
        }
    ),
    "Erasure": thing(
        {
            "typ": one("erasure", "nothing-held"),
            "site": TEXT,
            "erased": WHOLE | {"description": "How many decisions."},
            "at": SECONDS,
            "receipt": TEXT | {"description": "That so many were erased, and when, signed."},
            "detail": TEXT | {"description": "That nothing was held: nothing was erased, or it was before, at `at`."},
        },
        *("at", "receipt", "detail"),
    ),
    "Receipt": {
        "type": "object",
        "required": ["@context", "@type", "dcterms:identifier", "dcterms:references", "dcterms:provenance"],
        "properties": {
            "dcterms:references": TEXT | {"description": "The token."},
            "dcterms:provenance": TEXT | {"description": "The receipt's SHA-256, signed."},
        },
    },
    "Keys": thing(
        {
            "keys": {"minItems": 1}
            | some(
                thing(
                    {
                        "kty": {"const": "OKP"},
                        "crv": {"const": "Ed25519"},
                        "alg": {"const": "EdDSA"},
                        "use": {"const": "sig"},
                        "kid": TEXT,
                        "x": TEXT | {"description": "The 32 bytes of the key, base64url."},
                    }
                )
            ),
            "root": TEXT | {"description": "The `kid` of the newest one, whose endorsements are followed."},
            "endorsements": some(
                TEXT | {"description": "What one key signs of another: `{typ, by, kid, x, is, back?}`."}
            ),
        }
    ),
    **RATES,
}
"""The bodies of requests and answers, by name."""


def parameter(where: str, name: str, schema: Schema, **more: object) -> dict[str, Any]:
    """Return a parameter that stands in the ``path``, the ``query`` or a ``header``."""
    return {"name": name, "in": where, **({"required": True} if where == "path" else {}), "schema": schema, **more}


PARAMETERS = {
    "site_id": parameter(
        "path",
        "site_id",
        {"type": "string", "pattern": "^[a-z0-9][a-z0-9-]{0,31}$"},
        description="Id of a shop in consent.toml.",
        example="smartmarket",
    ),
    "origin": parameter(
        "header",
        "Origin",
        TEXT,
        description="One of the shop's origins; left out by callers that are no browser.",
        example="https://smartmarket.az",
    ),
    "from": parameter(
        "query", "from", {"anyOf": [DATE, {"const": ""}]}, description="First day; 29 days before the last if left out."
    ),
    "to": parameter("query", "to", {"anyOf": [DATE, {"const": ""}]}, description="Last day; today if left out."),
    "goal": parameter("query", "goal", one(*GOALS, ""), description="What `trend` is of, besides the four rates."),
    "against": parameter(
        "query", "against", one(*AGAINST, ""), description="What `change` is from: as many days before, or a year ago."
    ),
    **{
        name: parameter("query", name, {"anyOf": [DATE, {"const": ""}]}, description="Or from days of one's own.")
        for name in ("against_from", "against_to")
    },
    **{
        name: parameter("query", name, TEXT, description=f"Only this {name}. A country goes with no other part.")
        for name in FILTERS
    },
    "by": parameter("query", "by", one(*DIMENSIONS, "") | {"default": "day"}),
}
"""What several calls take."""


REFUSALS = {
    "Malformed": ("The body is not what is described here.", "malformed"),
    "BadQuestion": ("There is no answer to that.", "bad-question"),
    "NoToken": ("No token of this server and site that holds.", "bad-token", "foreign-token", "expired-token"),
    "NotKnown": ("Neither an API key nor a session says who asks.", "not-known"),
    "ForeignOrigin": ("A page of another origin, or a known bot's decision.", "foreign-origin", "known-bot"),
    "NoKey": (
        "No key that links accounts of this shop, or a token that is none of its.",
        *("not-known", "bad-token", "foreign-token"),
    ),
    "NotForPages": ("A page calls what is for back ends.", "not-for-pages"),
    "NotAllowed": ("The shopper does not allow it, or there is no token that says so.", "not-allowed"),
    "NotYours": ("It belongs to others.", "not-yours"),
    "UnknownSite": ("No such shop, or no such address.", "unknown-site", "not-found"),
    "NoAccounts": ("No such shop, or it links no accounts.", "no-accounts", "unknown-site", "not-found"),
    "NoSuchNotice": ("No such shop, language, variant or rule.", "unknown-site", "no-such-notice", "not-found"),
    "NoSeals": ("No such shop, or it has fewer seals than that.", "no-seals", "unknown-site", "not-found"),
    "Conflict": (
        "The id was used for another answer, or `previous` is not the shopper's latest token.",
        *("other-content", "previous-replaced"),
    ),
    "TooLarge": (
        "The body has over 4096 bytes, 16384 of a back end's or 65536 of a browser's own report.",
        "too-large",
    ),
    "NotTaken": (
        "A category, a notice or a previous token that this site does not know.",
        *("unknown-category", "unknown-notice", "previous-refused"),
    ),
    "UnknownNotice": ("This site never asked that.", "unknown-notice"),
    "TooMany": ("Too often for one minute, or over 2,000 times by one shopper.", "too-many"),
    "StoreAway": (
        "Redis is away, full, or holds what is not ours.",
        *("store-away", "forged-notice", "unproven", "wrong-layout"),
    ),
    "NotKept": (
        "Redis is away, full, holds what is not ours, or has another time of day than we.",
        *("store-away", "forged-notice", "unproven", "wrong-layout", "clocks-apart"),
    ),
    "NotReady": ("Redis is away, or another version wrote what is in it.", "store-away", "wrong-layout"),
}
"""Each answer that is a refusal: what it says, and the kinds of problem that it may be."""


def _refusal(description: str, *kinds: str) -> dict[str, Any]:
    status = STATUS[kinds[0]]
    kind = {"properties": {"type": one(*(f"/problems/{kind}" for kind in kinds))}}
    return {
        "description": description,
        "headers": of_refusal(status, status in RETRY_SECONDS),
        "content": {"application/problem+json": {"schema": {"allOf": [ref("Problem"), kind]}}},
    }


RESPONSES = {name: _refusal(*row) for name, row in REFUSALS.items()}
"""The same, as OpenAPI says it."""
