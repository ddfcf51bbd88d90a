"""The frame of every page: language, style and script, and how what goes wrong is said within it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import cache, wraps
from importlib.resources import files
from typing import Any, ParamSpec

from flask import Blueprint, Response, current_app, g, redirect, render_template, request, url_for
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from ...banner.scripts import Script
from ...rates.period import BadQuestion
from ...site import best_language
from ...store import StoreAway
from ..problems import RETRY_SECONDS, STATUS
from ..request import bearer
from ..responses import answer_script
from ..services import services
from .question import ASKED
from .session import ForeignForm, NotKnown, NotYours, csrf_token, set_cookie
from .words import LANGUAGES, Words
from .words.sentences import (
    advice_in_words,
    alarm_in_words,
    judged_in_words,
    leak_in_words,
    mark_in_words,
    moves_in_words,
    verdict_in_words,
    way_in_words,
)

P = ParamSpec("P")

blueprint = Blueprint("marketer", __name__, template_folder="templates")

LANGUAGE_SECONDS = 365 * 86400

QUERY = ("site", *ASKED, "lang")
"""What the address of the rates page may ask for."""


@blueprint.before_request
def answer_where_it_belongs() -> None:
    """Let who logs in do so on the host that the operator named, if any; an API key, which no browser has, anywhere.

    On the shop's own host every script of the shop, and each tag that it loads, could use a marketer's session.

    Raises:
        NotFound: this is another host, or the page was left out.
    """
    by_key = request.path.startswith("/v1/") and bearer(request.environ) is not None
    if not by_key and not _belongs_here():
        raise NotFound()


def _belongs_here() -> bool:
    where = services().settings.marketers
    return not where or (where != "none" and request.host == where)


@blueprint.after_app_request
def say_problems_on_a_page(response: Response) -> Response:
    """Have what a browser shows as a page of ours said on one, in its reader's language, whoever refused it and when.

    Programs get problem details.
    """
    if response.mimetype != "application/problem+json" or "text/html" not in request.headers.get("Accept", ""):
        return response
    if not _is_of_pages() or request.path.startswith("/v1/") or not _belongs_here():
        return response
    status = response.status_code
    kind = min(status, 500) if status in (413, 429) or status >= 500 else "other"
    page = render_page("refused", response.status_code, said=chosen_words()(f"refused_{kind}"))
    page.headers.extend((name, value) for name, value in response.headers if name in ("Allow", "X-Request-ID"))
    return page


def _is_of_pages() -> bool:
    """Return whether what was asked for is one of the pages, by whatever method."""
    refused = request.routing_exception
    if not isinstance(refused, MethodNotAllowed):
        return blueprint.name in request.blueprints
    method = next(iter(refused.valid_methods or ()), "GET")
    try:
        found = current_app.url_map.bind("").match(request.path, method)
    except HTTPException:  # the address is no page's, but one that would lead on to it: it has a slash too many
        return False
    return str(found[0]).startswith(f"{blueprint.name}.")


@cache
def _asset(name: str) -> Script:
    return Script.of(files(__package__).joinpath("static", name).read_text("utf-8"))


@blueprint.get("/assets/<stem>.<digest>.<kind>")
def asset(stem: str, digest: str, kind: str) -> Response:
    """The page's own style and script, under an address that changes with them."""
    name = f"{stem}.{kind}"
    if name not in ("marketer.css", "marketer.js"):
        raise NotFound()
    mimetype = f"text/{'css' if kind == 'css' else 'javascript'}"
    return answer_script(_asset(name), "public, max-age=31536000, immutable", mimetype)


def chosen_words() -> Words:
    """Return the words in the language that was chosen, now or before, or that the browser asks for."""
    chosen = [request.args.get("lang", ""), request.cookies.get("lang", ""), *request.accept_languages.values()]
    return Words.of(best_language([*chosen, "en"], LANGUAGES))


def render_page(template: str, status: int = 200, **values: Any) -> Response:
    """Return a page that runs no script but ours, belongs in no frame, and is kept by nobody."""
    nonce = secrets.token_urlsafe(16)
    words = chosen_words()
    text = render_template(
        f"marketer/{template}.html",
        words=words,
        nonce=nonce,
        languages=[Words.of(lang) for lang in LANGUAGES],
        advice_in_words=advice_in_words,
        alarm_in_words=alarm_in_words,
        judged_in_words=judged_in_words,
        leak_in_words=leak_in_words,
        mark_in_words=mark_in_words,
        moves_in_words=moves_in_words,
        verdict_in_words=verdict_in_words,
        way_in_words=way_in_words,
        asset=lambda name: url_for(
            "marketer.asset", stem=name.split(".")[0], digest=_asset(name).hash, kind=name.split(".")[1]
        ),
        url_with=url_with,
        asked_for=lambda: {name: value for name, value in _answered().items() if name in ASKED and value},
        marketer=g.get("marketer"),
        csrf_token=csrf_token(),
        **values,
    )
    response = Response(text, status, mimetype="text/html")
    response.headers["Cache-Control"] = "no-store"
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'self'; img-src data:; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    )
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Vary"] = "Accept-Language, Cookie"
    if status in RETRY_SECONDS:
        response.headers["Retry-After"] = RETRY_SECONDS[status]
    if request.args.get("lang") in LANGUAGES:
        set_cookie(response, "lang", request.args["lang"], LANGUAGE_SECONDS)
    return response


def url_with(**changes: str | None) -> str:
    """Return the address of the rates page as it is asked for now, but for these changes; None takes a part out.

    A report that is shared is always of the same question: there it is its own address, in another language at most.
    """
    if request.endpoint == "marketer.shared_page":
        return url_for("marketer.shared_page", **(request.view_args or {}), lang=changes.get("lang"))
    return rates_url({**_answered(), **changes}.items())


def _answered() -> dict[str, str]:
    """Return the query that the page answers: a question that is wrong is answered as if it had not been asked."""
    return {name: value for name, value in request.args.items() if "wrong" not in g or name not in ASKED}


def rates_url(query: Iterable[tuple[str, str | None]]) -> str:
    """Return the address of the rates page with these parts of a query, as far as it knows them."""
    known: dict[str, Any] = {name: value for name, value in query if value and name in QUERY}
    return url_for("marketer.rates_page", **known)


def errors_on_page(show: Callable[P, Response]) -> Callable[P, Response]:
    """Have what goes wrong on a page said on a page, which keeps its frame."""

    @wraps(show)
    def shown(*args: P.args, **kwargs: P.kwargs) -> Response:
        try:
            return show(*args, **kwargs)
        except StoreAway:
            return render_page("away", STATUS[StoreAway.problem])
        except NotKnown:
            return redirect(url_for("marketer.rates_page"), 303)  # type: ignore[return-value]
        except BadQuestion as error:
            words = chosen_words()
            said = words(f"bad_{error.kind}", example=words.day(datetime.now(UTC).date(), year=True))
            return render_page("refused", STATUS[error.problem], said=said)
        except (NotYours, ForeignForm) as error:
            return render_page("refused", STATUS[error.problem], why=error)

    return shown
