"""The marketers' door: login, the rates page, rates as JSON and CSV, and the keys that fetch them."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import cache, wraps
from importlib.resources import files
from typing import Any, ParamSpec
from urllib.parse import parse_qsl, urlsplit

from flask import Blueprint, Response, g, redirect, render_template, request, url_for
from werkzeug.security import check_password_hash, generate_password_hash

from ...banner.scripts import Script
from ...decision import OPTIONAL, ConsentError, Site, best_language
from ...rates.counts import GOALS, BadQuestion, Counts, Period, Report, alarms, dimension, verdicts
from ...store import ApiKey, Marketer, StoreAway
from ..request import TooMany, answer, known_site, parts
from . import chart
from .chart import LANGUAGES, Words

P = ParamSpec("P")

door = Blueprint("marketer", __name__, template_folder="templates")

COOKIE = "marketer"
SESSION_SECONDS = 12 * 3600
LANGUAGE_SECONDS = 365 * 86400

TRIES = {"name and address": 5, "address": 20, "name": 30}
"""How many passwords a minute are looked at; whoever tries more waits for the next minute."""

ASKED = ("site", "from", "to", "goal", "lang")
"""What the address of the rates page may ask for."""

_WATCHED_DAYS = 32
_EXPERIMENT_DAYS = 365


class NotKnown(ConsentError):
    """Neither a session nor an API key says who asks."""

    problem = "not-known"


class NotYours(ConsentError):
    """The site belongs to other marketers."""

    problem = "not-yours"


class ForeignForm(ConsentError):
    """A form that this server did not hand out to this session."""

    problem = "foreign-form"


# Who is there


def hash_password(password: str) -> str:
    """Return what is kept of a password: its scrypt hash, with a salt of its own."""
    return generate_password_hash(password, method="scrypt")


@cache
def _nobodys() -> str:
    """Return a hash to compare with where there is no such marketer, so that the time it takes tells nothing."""
    return hash_password(secrets.token_hex())


def _digest(kind: str, secret: str) -> str:
    """Return the name under which a session or an API key is kept: whoever reads the store cannot use it."""
    return hashlib.sha256(f"{kind}\0{secret}".encode()).hexdigest()


def _session() -> Marketer | None:
    """Return whose session the cookie opens, if any."""
    cookie = request.cookies.get(COOKIE)
    g.marketer = parts().store.marketers.session(_digest("session", cookie)) if cookie else None
    marketer: Marketer | None = g.marketer
    return marketer


def _form_word() -> str:
    """Return the word that only the pages of this session know."""
    return _digest("form", request.cookies.get(COOKIE, ""))


def _own_form() -> None:
    """Check that a form comes from a page of ours: browsers say so, in one header or an older one.

    Raises:
        ForeignForm: it does not.
    """
    said, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    own = said == "same-origin" if said else origin is None or urlsplit(origin).netloc == request.host
    if not own:
        raise ForeignForm("This form was not sent by a page of this server.")


def _own_session() -> Marketer:
    """Return whose form this is.

    Raises:
        NotKnown: nobody is logged in.
        ForeignForm: it comes from elsewhere, or from another session.
    """
    _own_form()
    marketer = _session()
    if marketer is None:
        raise NotKnown("The session is over; log in again.")
    if not secrets.compare_digest(request.form.get("form", "").encode(), _form_word().encode()):
        raise ForeignForm("This form belongs to another session; load the page again.")
    return marketer


def _sites(marketer: Marketer) -> list[Site]:
    return [parts().sites[name] for name in marketer.sites if name in parts().sites]


def _site_of(marketer: Marketer, name: str) -> Site:
    """Return one of a marketer's sites.

    Raises:
        NotYours: it belongs to others, or is none.
    """
    site = next((site for site in _sites(marketer) if site.id == name), None)
    if site is None:
        raise NotYours("This site is not among yours.")
    return site


# Exports


def _today() -> date:
    return datetime.now(UTC).date()


def _split(days: Mapping[str, tuple[int, ...]], period: Period) -> dict[str, Counts]:
    """Return the days of a period out of more days."""
    first, last = period.first.isoformat(), period.last.isoformat()
    return {day: Counts(row) for day, row in days.items() if first <= day <= last}


def _report(site_id: str) -> Report:
    """Return what an API key or a session asks for.

    Raises:
        NotKnown: neither opens anything.
        NotYours: it opens other sites only.
        BadQuestion: there is no answer to that.
    """
    site, store = known_site(site_id), parts().store
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        if not store.marketers.knows_api_key(site, _digest("api-key", key.strip())):
            raise NotKnown(f"This API key does not open {site.id}.")
    else:
        marketer = _session()
        if marketer is None:
            raise NotKnown("Log in, or send an API key: `Authorization: Bearer KEY`.")
        _site_of(marketer, site.id)
    by = dimension(request.args.get("by"))
    period = Period.parse(request.args.get("from"), request.args.get("to"), _today())
    days = store.counters.counts(site, period.before.first, period.last, "day")
    now, before = _split(days, period), _split(days, period.before)
    rows = (
        {day: it.row for day, it in now.items()}
        if by == "day"
        else store.counters.counts(site, period.first, period.last, by)
    )
    return Report.of(site.id, period, by, rows, Counts.total(now.values()), Counts.total(before.values()))


@door.get("/v1/<site_id>/rates")
def rates_json(site_id: str) -> Response:
    """The rates for machines."""
    return answer(_report(site_id).as_json())


@door.get("/v1/<site_id>/rates.csv")
def rates_csv(site_id: str) -> Response:
    """The rates for a spreadsheet."""
    report = _report(site_id)
    response = Response(report.as_csv(), mimetype="text/csv")
    name = f"{report.site}-by-{report.by}-{report.period.first}-{report.period.last}.csv"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "no-store"
    return response


# Pages


@cache
def _asset(name: str) -> Script:
    return Script.of(files(__package__).joinpath("static", name).read_text("utf-8"))


@door.get("/assets/<stem>.<digest>.<kind>")
def asset(stem: str, digest: str, kind: str) -> Response | tuple[str, int]:
    """The page's own style and script, under an address that changes with them."""
    name = f"{stem}.{kind}"
    if name not in ("marketer.css", "marketer.js"):
        return "There is no such file.\n", 404
    return _packed(
        _asset(name), f"text/{'css' if kind == 'css' else 'javascript'}", "public, max-age=31536000, immutable"
    )


def _packed(text: Script, mimetype: str, cache_control: str) -> Response:
    encodings = request.accept_encodings
    name = next((name for name in ("br", "gzip") if encodings[name] > 0), "plain")
    response = Response(getattr(text, name), mimetype=mimetype)
    response.headers["Cache-Control"] = cache_control
    response.headers["Vary"] = "Accept-Encoding"
    if name != "plain":
        response.headers["Content-Encoding"] = name
    return response


def _words() -> Words:
    """Return the words in the language that was chosen, now or before, or that the browser asks for."""
    chosen = [request.args.get("lang", ""), request.cookies.get("lang", ""), *request.accept_languages.values()]
    return Words.of(best_language([*chosen, "en"], LANGUAGES))


def _page(template: str, status: int = 200, **values: Any) -> Response:
    """Return a page that runs no script but ours, belongs in no frame, and is kept by nobody."""
    nonce = secrets.token_urlsafe(16)
    words = _words()
    text = render_template(
        f"marketer/{template}.html",
        words=words,
        nonce=nonce,
        languages=[Words.of(lang) for lang in LANGUAGES],
        alarm_in_words=chart.alarm_in_words,
        verdict_in_words=chart.verdict_in_words,
        asset=lambda name: url_for(
            "marketer.asset", stem=name.split(".")[0], digest=_asset(name).hash, kind=name.split(".")[1]
        ),
        here=lambda **changes: _here(changes),
        marketer=g.get("marketer"),
        form_word=_form_word(),
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
    if status in (429, 503):
        response.headers["Retry-After"] = "60" if status == 429 else "5"
    if request.args.get("lang") in LANGUAGES:
        _set_cookie(response, "lang", request.args["lang"], LANGUAGE_SECONDS)
    return response


def _set_cookie(response: Response, name: str, value: str, seconds: int) -> None:
    response.set_cookie(
        name,
        value,
        max_age=seconds,
        path=f"{request.script_root}/",
        secure=request.is_secure,
        httponly=True,
        samesite="Strict",
    )


def _here(changes: Mapping[str, str | None]) -> str:
    """Return the address of the rates page as it is asked for now, but for these changes; None takes a part out."""
    return _rates_page({**request.args, **changes}.items())


def _rates_page(asked: Iterable[tuple[str, str | None]]) -> str:
    """Return the address of the rates page with these parts of a query, as far as it knows them."""
    known: dict[str, Any] = {name: value for name, value in asked if value and name in ASKED}
    return url_for("marketer.rates_page", **known)


def _in_words(show: Callable[P, Response]) -> Callable[P, Response]:
    """Have what goes wrong on a page said on a page, which keeps its frame."""

    @wraps(show)
    def shown(*args: P.args, **kwargs: P.kwargs) -> Response:
        try:
            return show(*args, **kwargs)
        except StoreAway:
            return _page("away", 503)
        except NotKnown:
            return redirect(url_for("marketer.rates_page"), 303)  # type: ignore[return-value]
        except (NotYours, ForeignForm) as error:
            return _page("refused", 403, why=error)

    return shown


@door.get("/")
@_in_words
def rates_page() -> Response:
    """The rates of one site, or the login."""
    marketer = _session()
    if marketer is None:
        return _page("login", wanted=request.query_string.decode("ascii", "ignore"))
    theirs = _sites(marketer)
    if not theirs:
        return _page("refused", 403, why=None)
    site = _site_of(marketer, request.args.get("site") or theirs[0].id)
    today, wrong = _today(), None
    try:
        period = Period.parse(request.args.get("from"), request.args.get("to"), today)
        goal = request.args.get("goal") or GOALS[-1]
        if goal not in GOALS:
            raise BadQuestion("goal", f"`goal` must be one of {', '.join(GOALS)}.")
    except BadQuestion as error:
        period, goal, wrong = Period.parse(None, None, today), GOALS[-1], error
    return _page(
        "rates",
        400 if wrong else 200,
        wrong=wrong,
        site=site,
        sites=theirs,
        period=period,
        presets=chart.presets(today),
        today=today,
        goal=goal,
        goals=GOALS,
        sample=parts().store.decisions.is_sample(site),
        base=request.url_root.rstrip("/"),
        **_numbers(site, period, today, goal),
    )


def _numbers(site: Site, period: Period, today: date, goal: str) -> dict[str, Any]:
    """Return all that the page says of a site: each dimension is read from the store once."""
    store = parts().store
    watched = today - timedelta(days=_WATCHED_DAYS)
    known = store.counters.counts(site, min(period.before.first, watched), today, "day")
    days, before = _split(known, period), Counts.total(_split(known, period.before).values())
    total = Counts.total(days.values())
    if not any(total.row):
        ever = any(map(any, known.values())) or any(
            map(any, store.counters.counts(site, today - timedelta(days=_EXPERIMENT_DAYS), today, "day").values())
        )
        return {"total": total, "empty": "quiet" if ever else "new"}
    rows = {
        by: {value: Counts(row) for value, row in store.counters.counts(site, period.first, period.last, by).items()}
        for by in (*chart.SEGMENTS, "how")
        if by != "variant" or site.variants
    }
    segments = {by: chart.parts_of(by, rows[by]) for by in chart.SEGMENTS if by in rows}
    lines = chart.lines(days, before)
    return {
        "empty": None,
        "total": total,
        "lines": lines,
        "trend": chart.trend(lines),
        "funnel": chart.funnel(total),
        "categories": [
            (name, total.rate(f"grant_{name}"), total.rate(f"reach_{name}"), total.rate(f"withdrawal_{name}"))
            for name in OPTIONAL
        ],
        "segments": segments,
        "weakest": chart.weakest([part for by, found in segments.items() if by != "variant" for part in found]),
        "ways": chart.ways(rows["how"]),
        "alarms": alarms(_split(known, Period(watched, today))),
        **_experiment(site, today, goal),
    }


def _experiment(site: Site, today: date, goal: str) -> dict[str, Any]:
    """Return what is known of the variants in the last year, whatever period is looked at.

    A period that one may choose after having seen the numbers would let chance win.
    """
    if len(site.variants) < 2:
        return {"verdicts": []}
    since = today - timedelta(days=_EXPERIMENT_DAYS)
    rows = parts().store.counters.counts(site, since, today, "variant")
    counts = {variant.name: Counts(rows.get(variant.name, Counts().row)) for variant in site.variants}
    return {"verdicts": verdicts(counts, goal), "since": since}


# Login


@door.post("/login")
@_in_words
def login() -> Response:
    """Open a session for who knows the password."""
    _own_form()
    name, wanted = request.form.get("name", "")[:200], request.form.get("wanted", "")[:2000]
    limits, client = parts().limits, parts().limits.client()
    try:
        limits.spend(TRIES["name and address"], "login", name, client)
        limits.spend(TRIES["address"], "login from", client)
        limits.spend(TRIES["name"], "login as", name)
    except TooMany:
        return _page("login", 429, wanted=wanted, wrong="login_slow", name=name)
    marketer = parts().store.marketers.find(name)
    right = check_password_hash(marketer.password if marketer else _nobodys(), request.form.get("password", "")[:1000])
    if not marketer or not right:
        return _page("login", 401, wanted=wanted, wrong="login_wrong", name=name)
    cookie = secrets.token_urlsafe(32)
    parts().store.marketers.open_session(_digest("session", cookie), marketer, SESSION_SECONDS)
    response = redirect(_rates_page(parse_qsl(wanted)), 303)
    _set_cookie(response, COOKIE, cookie, SESSION_SECONDS)  # type: ignore[arg-type]
    return response  # type: ignore[return-value]


@door.post("/logout")
@_in_words
def logout() -> Response:
    """End the session: the cookie, stolen or not, opens nothing any more."""
    _own_session()
    parts().store.marketers.close_session(_digest("session", request.cookies[COOKIE]))
    response = redirect(url_for("marketer.rates_page"), 303)
    response.delete_cookie(COOKIE, path=f"{request.script_root}/")
    return response  # type: ignore[return-value]


# API keys


@door.get("/keys")
@_in_words
def keys_page() -> Response:
    """The API keys of a site."""
    marketer = _session()
    if marketer is None:
        raise NotKnown("Log in first.")
    site = _site_of(marketer, request.args.get("site", ""))
    return _page("keys", site=site, keys=parts().store.marketers.api_keys(site), **_made(None))


@door.post("/keys")
@_in_words
def make_key() -> Response:
    """Make an API key and show it this once."""
    site = _site_of(_own_session(), request.form.get("site", ""))
    key = secrets.token_urlsafe(32)
    name = " ".join(request.form.get("name", "").split())[:80] or "?"
    parts().store.marketers.add_api_key(site, ApiKey(_digest("api-key", key), name, int(time.time())))
    return _page("keys", 201, site=site, keys=parts().store.marketers.api_keys(site), **_made(key))


@door.post("/keys/revoke")
@_in_words
def revoke_key() -> Response:
    """Revoke an API key."""
    site = _site_of(_own_session(), request.form.get("site", ""))
    parts().store.marketers.remove_api_key(site, request.form.get("key", ""))
    return redirect(url_for("marketer.keys_page", site=site.id), 303)  # type: ignore[return-value]


def _made(key: str | None) -> dict[str, Any]:
    return {
        "new": key,
        "base": request.url_root.rstrip("/"),
        "day_of": lambda at: datetime.fromtimestamp(at, UTC).date(),
    }
