"""The headers of each answer: what every answer has, and what depends on where it is from and what it says."""

from __future__ import annotations

from typing import Any


def _header(description: str, **schema: object) -> dict[str, Any]:
    return {"description": description, "schema": schema or {"type": "string"}}


_DESCRIBED = {
    "Access-Control-Allow-Origin": _header("`*`, or the shop's origin that asks."),
    "Access-Control-Expose-Headers": _header("`Date`, by which a page finds that its clock is wrong."),
    "Cache-Control": _header("How long it may be kept, and by whom."),
    "Content-Disposition": _header("A name for the file."),
    "Content-Encoding": _header("How it is compressed.", enum=["br", "gzip"]),
    "Content-Language": _header("The language of what it says.", type="string", pattern="^[a-z]{2,3}$"),
    "Content-Security-Policy": _header("It is no page: nothing in it is loaded or framed."),
    "Cross-Origin-Resource-Policy": _header("Pages of other origins may load it."),
    "ETag": _header("Changes with the content."),
    "Referrer-Policy": _header("`no-referrer`."),
    "Retry-After": _header("Seconds.", type="integer"),
    "Set-Cookie": _header("What the browser is to keep."),
    "Strict-Transport-Security": _header("On a host of its own, under https."),
    "Vary": _header("By which of the request's headers it differs."),
    "WWW-Authenticate": _header("`Bearer`."),
    "X-Content-Type-Options": _header("`nosniff`."),
    "X-Request-ID": _header("The request's name in the server's log."),
}

_NOT_ALWAYS = {
    *("Access-Control-Allow-Origin", "Access-Control-Expose-Headers", "Cache-Control", "Content-Encoding"),
    *("Content-Language", "Cross-Origin-Resource-Policy", "Set-Cookie", "Strict-Transport-Security", "Vary"),
}
_ALWAYS_SOMEWHERE = {*_DESCRIBED} - _NOT_ALWAYS | {"Cache-Control", "Content-Language", "Vary"}


def _component(name: str, always: bool) -> str:
    return f"{'Always' if always and name in _NOT_ALWAYS else ''}{name.replace('-', '')}"


HEADERS = {_component(name, False): _DESCRIBED[name] for name in sorted(_NOT_ALWAYS)} | {
    _component(name, True): _DESCRIBED[name] | {"required": True} for name in sorted(_ALWAYS_SOMEWHERE)
}
"""The components that answers refer to."""

_ALWAYS = dict.fromkeys(("Content-Security-Policy", "Referrer-Policy", "X-Content-Type-Options"), True)
_READ_BY_PAGES = dict.fromkeys(("Access-Control-Allow-Origin", "Access-Control-Expose-Headers", "Vary"), False)


def _refs(names: dict[str, bool]) -> dict[str, Any]:
    """Return references to the components of these headers; the value says whether one is always there."""
    return {
        name: {"$ref": f"#/components/headers/{_component(name, always)}"} for name, always in sorted(names.items())
    }


def _of_answer(path: str, status: str, answer: dict[str, Any]) -> dict[str, bool]:
    names = _ALWAYS | {"Strict-Transport-Security": False}
    if path.startswith("/v1/") or path == "/openapi.json":
        names |= _READ_BY_PAGES
    kinds = {*answer.get("content", ())}
    if status in ("200", "201"):
        names["Cache-Control"] = True
    else:
        names["Cache-Control"] = False
    if kinds & {"application/typescript", "text/html", "text/javascript"} or status == "304":
        names |= {"ETag": True, "Content-Encoding": False, "Vary": True, "Cross-Origin-Resource-Policy": False}
    if "text/html" in kinds:
        names["Content-Language"] = True
    elif status == "304":
        names["Content-Language"] = False
    if "text/csv" in kinds:
        names["Content-Disposition"] = True
    if path.endswith("/keep") and status == "204":
        names["Set-Cookie"] = False
    return names


def of_calls(paths: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the calls with the headers of each answer that is no refusal."""

    def call(path: str, described: dict[str, Any]) -> dict[str, Any]:
        answers = {
            status: answer if "$ref" in answer else answer | {"headers": _refs(_of_answer(path, status, answer))}
            for status, answer in described["responses"].items()
        }
        return described | {"responses": answers}

    return {
        path: {method: call(path, described) for method, described in calls.items()} for path, calls in paths.items()
    }


def of_refusal(status: int, retries: bool) -> dict[str, Any]:
    """Return the headers of a refusal; ``retries``: it says when to try again."""
    names = _ALWAYS | _READ_BY_PAGES | {"Strict-Transport-Security": False, "Cache-Control": True, "X-Request-ID": True}
    if retries:
        names["Retry-After"] = True
    if status == 401:
        names["WWW-Authenticate"] = True
    return _refs(names)
