"""Each call, what it takes and what it answers."""

from __future__ import annotations

from typing import Any, get_args

from ...banner.scripts import LAYERS
from ...rates.leaks import Kind, State
from ..problems import STATUS
from .components import REFUSALS, parameter
from .schema import CATEGORY, DATE, LANGUAGE, TEXT, WHOLE, Schema, one, ref, some, thing

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


def _call(summary: str, answers: dict[str, Any], *refusals: str, takes: str = "", **more: object) -> dict[str, Any]:
    """Return a call.

    Args:
        summary: what it is for.
        answers: what it answers with when it does not refuse, by status.
        refusals: some of REFUSALS, in the order of their statuses.
        takes: names of PARAMETERS.
        more: what else is said of it; its own ``parameters`` follow those that it shares.
    """
    parameters = [{"$ref": f"#/components/parameters/{name}"} for name in takes.split()]
    own = more.pop("parameters", [])
    if isinstance(own, list) and (parameters or own):
        more["parameters"] = parameters + own
    refused = {str(STATUS[REFUSALS[name][1]]): {"$ref": f"#/components/responses/{name}"} for name in refusals}
    return {"summary": summary, **more, "responses": answers | refused}


def _says(description: str, schema: Schema, status: str = "200", mimetype: str = "application/json") -> dict[str, Any]:
    return {status: {"description": description, "content": {mimetype: {"schema": schema}}}}


def _body(schema: Schema) -> dict[str, Any]:
    return {"content": {mimetype: {"schema": schema} for mimetype in ("text/plain", "application/json")}}


PATHS: dict[str, dict[str, Any]] = {
    "/v1/consent.d.ts": {
        "get": _call(
            "The types of window.consent, its queue and its events, for TypeScript",
            {**_SCRIPT, "200": {**_SCRIPT["200"], "content": {"application/typescript": {"schema": TEXT}}}},
        ),
    },
    "/v1/{site_id}/consent.js": {
        "get": _call("The gate, the first layer and the site's settings", _SCRIPT, "UnknownSite", takes="site_id"),
    },
    "/v1/{site_id}/{name}.{lang}.{digest}.js": {
        "get": _call(
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
        "get": _call(
            "What is asked, for other front ends",
            {
                "200": {
                    **_says("The notice", ref("Notice"))["200"],
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
        "get": _call(
            "The rule for the caller's place, by the name that its notices have",
            _says("The rule", ref("Place")),
            *("ForeignOrigin", "UnknownSite"),
            takes="site_id origin",
        ),
    },
    "/v1/{site_id}/cookies": {
        "get": _call(
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
        "post": _call(
            "Take a decision",
            _says("Kept", ref("Acknowledged"), "201")
            | _says("Kept before; without the token if it names somebody and was long ago", ref("Acknowledged")),
            *("Malformed", "ForeignOrigin", "UnknownSite", "Conflict"),
            *("TooLarge", "NotTaken", "TooMany", "StoreAway"),
            takes="site_id origin",
            operationId="decide",
            requestBody={"required": True, **_body(ref("Decision"))},
        ),
    },
    "/v1/{site_id}/keep": {
        "post": _call(
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
        "post": _call(
            "Count one banner that was shown",
            {"204": {"description": "Counted"}},
            *("Malformed", "ForeignOrigin", "UnknownSite", "TooLarge", "UnknownNotice", "TooMany", "StoreAway"),
            takes="site_id origin",
            requestBody=_body(ref("Showing")),
        ),
    },
    "/v1/{site_id}/seen": {
        "post": _call(
            "Report names that a page of the shop saw and that its lists do not allow in the present state",
            {"204": {"description": "Counted, if the shop watches"}},
            *("Malformed", "ForeignOrigin", "UnknownSite", "TooLarge", "TooMany", "StoreAway"),
            description="Names alone. Digits, addresses and long words are counted as `*`.",
            takes="site_id origin",
            requestBody={"required": True, **_body(_SEEN)},
        ),
    },
    "/v1/{site_id}/reports": {
        "post": _call(
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
        "get": _call(
            "All that is held about the caller",
            _says("What is held", ref("Held")),
            *("NoToken", "ForeignOrigin", "UnknownSite", "StoreAway"),
            takes="site_id origin",
            security=BY_TOKEN,
        ),
        "delete": _call(
            "Erase all that is held about the caller",
            _says("Erased, or nothing was held", ref("Erasure")),
            *("NoToken", "ForeignOrigin", "UnknownSite", "StoreAway"),
            takes="site_id origin",
            security=BY_TOKEN,
        ),
    },
    "/v1/{site_id}/me/receipt": {
        "get": _call(
            "The caller's consent receipt, signed",
            _says("The receipt", ref("Receipt"), mimetype="application/ld+json"),
            *("NoToken", "ForeignOrigin", "UnknownSite", "UnknownNotice", "StoreAway"),
            takes="site_id origin",
            security=BY_TOKEN,
        ),
    },
    "/v1/{site_id}/me/proof": {
        "get": _call(
            "The way from the caller's sealed decisions to their days' seals and to the log's checkpoint (RFC 9162)",
            _says("The proof", _PROOF),
            *("NoToken", "ForeignOrigin", "UnknownSite", "BadQuestion", "TooMany", "StoreAway"),
            takes="site_id origin",
            security=BY_TOKEN,
            parameters=[parameter("query", "to", {"anyOf": [DATE, {"const": ""}]})],
        ),
    },
    "/v1/{site_id}/seals": {
        "get": _call(
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
        "get": _call(
            "Whether the token allows a category, by the status alone",
            {"204": {"description": "Allowed"}},
            *("NotAllowed", "UnknownSite"),
            takes="site_id",
            parameters=[parameter("path", "category", CATEGORY)],
            security=BY_TOKEN,
        ),
    },
    "/v1/keys.json": {
        "get": _call(
            "The public keys, newest first", _says("JWK set", ref("Keys"), mimetype="application/jwk-set+json")
        ),
    },
    **{
        f"/v1/{{site_id}}/{name}": {
            "get": _call(
                summary,
                _says("Rates", schema, mimetype=mimetype),
                *("BadQuestion", "NotKnown", "NotYours", "UnknownSite", "StoreAway"),
                takes="site_id from to by language variant device country against against_from against_to",
                security=BY_MARKETER,
            ),
        }
        for name, summary, schema, mimetype in (
            ("rates", "The rates, for a marketer's session or API key", ref("Rates"), "application/json"),
            ("rates.csv", "The rates, for a spreadsheet", TEXT, "text/csv"),
        )
    },
    "/.well-known/gpc.json": {
        "get": _call(
            "That Global Privacy Control is heeded",
            _says("Support", thing({"gpc": {"type": "boolean"}, "lastUpdate": DATE}, closed=False)),
        ),
    },
    "/healthz": {
        "get": _call("This process answers", _says("It does", thing({"status": {"const": "ok"}}, closed=False))),
    },
    "/readyz": {
        "get": _call(
            "Decisions can be taken",
            _says(
                "They can",
                thing(
                    {"status": {"const": "ready"}, "scheme": one("http", "https"), "warnings": some(TEXT)}, closed=False
                ),
            ),
            "NotReady",
        ),
    },
    "/metrics": {
        "get": _call(
            "Measurements for Prometheus",
            _says("Measurements", TEXT, mimetype="text/plain"),
            "NotYours",
            security=[{"bearer": []}, {}],
        ),
    },
    "/openapi.json": {
        "get": _call(
            "This description",
            _says("OpenAPI 3.1", {"type": "object", "required": ["openapi", "info", "paths"], "properties": {}}),
        ),
    },
}
"""Each call, by address and method."""
