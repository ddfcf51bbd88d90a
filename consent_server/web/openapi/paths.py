"""Each call, what it takes and what it answers."""

from __future__ import annotations

from typing import Any, get_args

from ...banner.scripts import LAYERS
from ...rates.happened.leaks import Kind, State
from .calls import body, call, says
from .components import parameter
from .schema import CATEGORY, DATE, LANGUAGE, TEXT, WHOLE, Schema, nullable, one, ref, some, thing

BY_TOKEN: list[dict[str, list[str]]] = [{"bearer": []}, {"cookie": []}]
BY_MARKETER: list[dict[str, list[str]]] = [{"bearer": []}, {"session": []}]

_SCRIPT: dict[str, dict[str, Any]] = {
    "200": {"description": "The script", "content": {"text/javascript": {"schema": TEXT}}},
    "304": {"description": "As it was"},
}
_SEALS = {"schema": thing({"site": TEXT, "seals": some(thing({"day": DATE, "token": TEXT}))})}
_PROOF = thing({"site": TEXT, "checkpoint": TEXT, "sealed": some({}), "unsealed": some(TEXT), "older": WHOLE})
_LINES = {"schema": TEXT}
_LANG = parameter(
    "query",
    "lang",
    {"type": "string", "pattern": "^([a-z]{2,3})?$"},
    description="One of the shop's languages; else what Accept-Language asks for, or the shop's first.",
)
_NAME = {"type": "array", "prefixItems": [one(*get_args(Kind)), TEXT], "minItems": 2, "maxItems": 2}
_SEEN = thing({"state": one(*get_args(State)), "seen": some(_NAME)})
_ANY: Schema = {"type": "object"}
_ACCOUNT = {"type": ["string", "null"], "minLength": 1, "maxLength": 200}
_COOKIE = nullable("string") | {"maxLength": 4096}

PATHS: dict[str, dict[str, Any]] = {
    "/v1/consent.d.ts": {
        "get": call(
            "The types of window.consent, its queue and its events, for TypeScript",
            {**_SCRIPT, "200": {**_SCRIPT["200"], "content": {"application/typescript": {"schema": TEXT}}}},
        ),
    },
    "/v1/{site_id}/consent.js": {
        "get": call("The gate, the first layer and the site's settings", _SCRIPT, "UnknownSite", takes="site_id"),
    },
    "/v1/{site_id}/{name}.{lang}.{digest}.js": {
        "get": call(
            "What consent.js fetches when it is wanted, in one language: the preferences, a shopper's own choices",
            _SCRIPT,
            "UnknownSite",
            description="consent.js knows the addresses. An outdated or unknown one gets what there is today.",
            takes="site_id",
            parameters=[
                parameter("path", "name", TEXT | one(*LAYERS, "watch")),
                parameter("path", "lang", LANGUAGE, example="az"),
                parameter("path", "digest", {"type": "string", "pattern": "^[A-Za-z0-9_-]+$"}),
            ],
        ),
    },
    "/v1/{site_id}/notice": {
        "get": call(
            "What is asked, for other front ends",
            {
                "200": {
                    **says("The notice", ref("Notice"))["200"],
                    "links": {
                        "decide": {
                            "operationId": "decide",
                            "parameters": {"path.site_id": "$response.body#/site"},
                            "requestBody": {"notice": "$response.body#/notice"},
                            "description": "Its hash is what a decision answers.",
                        }
                    },
                }
            },
            "NoSuchNotice",
            takes="site_id",
            parameters=[
                _LANG,
                parameter("query", "variant", TEXT),
                parameter("query", "rule", TEXT),
            ],
        ),
    },
    "/v1/{site_id}/place": {
        "get": call(
            "The rule for the caller's place, by the name that its notices have",
            says("The rule", ref("Place")),
            *("ForeignOrigin", "UnknownSite"),
            takes="site_id origin",
        ),
    },
    "/v1/{site_id}/cookies": {
        "get": call(
            "The cookie list as a piece of HTML, for a page to include on its server",
            {
                "200": {
                    "description": "The list",
                    "content": {"text/html": {"schema": TEXT}},
                },
                "304": {"description": "As it was"},
            },
            "NoSuchNotice",
            takes="site_id",
            parameters=[_LANG],
        ),
    },
    "/v1/{site_id}/decisions": {
        "post": call(
            "Take a decision",
            says("Kept", ref("Acknowledged"), "201")
            | says("Kept before; without the token if it names somebody and was long ago", ref("Acknowledged")),
            *("Malformed", "ForeignOrigin", "UnknownSite", "Conflict"),
            *("TooLarge", "NotTaken", "TooMany", "NotKept"),
            takes="site_id origin",
            operationId="decide",
            requestBody={"required": True, **body(ref("Decision"))},
        ),
    },
    "/v1/{site_id}/keep": {
        "post": call(
            "Have the browser keep the answer that it holds, where a script's cookie would not last",
            {
                "204": {
                    "description": "Done; on another host than the shop's own there is nothing to do",
                }
            },
            *("NoToken", "ForeignOrigin", "UnknownSite"),
            description="Called twice by pages of the shop's own host in WebKit: the first answer sets a guard, the "
            "second the token with that guard before it. Neither counts without the other, and no page's later "
            "answer is touched.",
            takes="site_id origin",
            security=BY_TOKEN,
        ),
    },
    "/v1/{site_id}/shown": {
        "post": call(
            "Count one banner that was shown",
            {"204": {"description": "Counted"}},
            *("Malformed", "ForeignOrigin", "UnknownSite", "TooLarge", "UnknownNotice", "TooMany", "StoreAway"),
            takes="site_id origin",
            requestBody=body(ref("Showing")),
        ),
    },
    "/v1/{site_id}/seen": {
        "post": call(
            "Report names that a page of the shop saw and that its lists do not allow in the present state",
            {"204": {"description": "Counted, if the shop watches"}},
            *("Malformed", "ForeignOrigin", "UnknownSite", "TooLarge", "TooMany", "StoreAway"),
            description="Names alone. Digits, addresses and long words are counted as `*`.",
            takes="site_id origin",
            requestBody={"required": True, **body(_SEEN)},
        ),
    },
    "/v1/{site_id}/reports": {
        "post": call(
            "Take reports of a Content-Security-Policy-Report-Only, by `report-uri` or `report-to`",
            {"204": {"description": "Hosts that the lists do not allow are counted"}},
            *("Malformed", "ForeignOrigin", "UnknownSite", "TooLarge", "TooMany", "StoreAway"),
            description="Whatever its content type says: browsers send application/csp-report or "
            "application/reports+json. Nothing but the blocked host is kept.",
            takes="site_id origin",
            requestBody={"required": True, "content": {"application/json": {"schema": {"anyOf": [_ANY, some(_ANY)]}}}},
        ),
    },
    "/v1/{site_id}/me": {
        "get": call(
            "All that is held about the caller",
            says("What is held", ref("Held")),
            *("NoToken", "ForeignOrigin", "UnknownSite", "TooMany", "StoreAway"),
            takes="site_id origin",
            security=BY_TOKEN,
        ),
        "delete": call(
            "Erase all that is held about the caller",
            says("Erased, or nothing was held", ref("Erasure")),
            *("NoToken", "ForeignOrigin", "UnknownSite", "TooMany", "StoreAway"),
            takes="site_id origin",
            security=BY_TOKEN,
        ),
    },
    "/v1/{site_id}/me/receipt": {
        "get": call(
            "The caller's consent receipt, signed",
            says("The receipt", ref("Receipt"), mimetype="application/ld+json"),
            *("NoToken", "ForeignOrigin", "UnknownSite", "UnknownNotice", "TooMany", "StoreAway"),
            takes="site_id origin",
            security=BY_TOKEN,
        ),
    },
    "/v1/{site_id}/me/proof": {
        "get": call(
            "The way from the caller's sealed decisions to their days' seals and to the log's checkpoint (RFC 9162)",
            says("The proof", _PROOF),
            *("NoToken", "ForeignOrigin", "UnknownSite", "BadQuestion", "TooMany", "StoreAway"),
            takes="site_id origin",
            security=BY_TOKEN,
            parameters=[parameter("query", "to", {"anyOf": [DATE, {"const": ""}]})],
        ),
    },
    "/v1/{site_id}/seals": {
        "get": call(
            "The seals of days, a checkpoint over all of them (C2SP tlog-checkpoint), or the key that signs it",
            {"200": {"description": "As `format` says", "content": {"application/json": _SEALS, "text/plain": _LINES}}},
            *("BadQuestion", "NoSeals", "TooMany", "StoreAway"),
            takes="site_id",
            parameters=[
                parameter("query", "format", one("", "json", "checkpoint", "key")),
                *(parameter("query", name, {"anyOf": [DATE, {"const": ""}]}) for name in ("from", "to")),
                parameter("query", "old", {"type": "string", "pattern": "^[0-9]{0,9}$"}),
            ],
        ),
    },
    "/v1/{site_id}/allows/{category}": {
        "get": call(
            "Whether the token allows a category, by the status alone",
            {"204": {"description": "Allowed"}},
            *("NotAllowed", "UnknownSite"),
            takes="site_id",
            parameters=[parameter("path", "category", CATEGORY)],
            security=BY_TOKEN,
        ),
    },
    "/v1/{site_id}/account": {
        "post": call(
            "Link what a device has answered to an account of the shop, or tell what the account's answer is",
            says("What counts now, and what to send on to the browser", ref("AccountAnswer")),
            *("Malformed", "NoKey", "NotForPages", "NoAccounts", "TooLarge", "TooMany", "StoreAway"),
            description="For the shop's back end alone, with a key of its own. The account is hashed at once, and "
            "neither kept nor logged; null: nobody is logged in.",
            takes="site_id",
            requestBody={
                "required": True,
                "content": {
                    "application/json": {
                        "schema": thing(
                            {"account": _ACCOUNT, "token": _COOKIE, "ask_own": _COOKIE, "ask_account": _COOKIE},
                            *("token", "ask_own", "ask_account"),
                        )
                    }
                },
            },
            security=[{"bearer": []}],
        ),
        "delete": call(
            "Forget the answer of an account",
            {"204": {"description": "There is none any more"}},
            *("Malformed", "NoKey", "NotForPages", "NoAccounts", "TooLarge", "TooMany", "StoreAway"),
            takes="site_id",
            requestBody={
                "required": True,
                "content": {"application/json": {"schema": thing({"account": _ACCOUNT | {"type": "string"}})}},
            },
            security=[{"bearer": []}],
        ),
    },
    "/v1/keys.json": {
        "get": call("The public keys, newest first", says("JWK set", ref("Keys"), mimetype="application/jwk-set+json")),
    },
    **{
        f"/v1/{{site_id}}/{name}": {
            "get": call(
                summary,
                says("Rates", schema, mimetype=mimetype),
                *("BadQuestion", "NotKnown", "NotYours", "UnknownSite", "StoreAway"),
                takes="site_id from to by language variant device country rule goal against against_from against_to",
                security=BY_MARKETER,
            ),
        }
        for name, summary, schema, mimetype in (
            ("rates", "The rates, for a marketer's session or API key", ref("Rates"), "application/json"),
            ("rates.csv", "The rates, for a spreadsheet", TEXT, "text/csv"),
        )
    },
    "/.well-known/gpc.json": {
        "get": call(
            "That Global Privacy Control is heeded",
            says("Support", thing({"gpc": {"type": "boolean"}, "lastUpdate": DATE}, closed=False)),
        ),
    },
    "/healthz": {
        "get": call("This process answers", says("It does", thing({"status": {"const": "ok"}}, closed=False))),
    },
    "/readyz": {
        "get": call(
            "Decisions can be taken",
            says(
                "They can",
                thing(
                    {"status": {"const": "ready"}, "scheme": one("http", "https"), "warnings": some(TEXT)}, closed=False
                ),
            ),
            "NotReady",
        ),
    },
    "/metrics": {
        "get": call(
            "Measurements for Prometheus",
            says("Measurements", TEXT, mimetype="text/plain"),
            "NotYours",
            security=[{"bearer": []}, {}],
        ),
    },
    "/openapi.json": {
        "get": call(
            "This description",
            says("OpenAPI 3.1", {"type": "object", "required": ["openapi", "info", "paths"], "properties": {}}),
        ),
    },
}
"""Each call, by address and method."""
