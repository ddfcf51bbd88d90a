"""SmartMarket's storefront: pages that use the consent server as any shop would, and the stand-ins they embed.

The tags and the video that wait for consent are the demo's own and local, but they do what such things do: set
cookies, write to the browser's storage and send hits. The hits are counted here, in memory, for the demo alone.
"""

from __future__ import annotations

import json
import secrets
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    current_app,
    g,
    jsonify,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue

from ..site import Site, best_language

LANGUAGES = ("az", "ru", "en", "tr")
"""What the shop speaks; the first has no language in its addresses."""

WORDS: Mapping[str, Mapping[str, Any]] = {
    lang: json.loads(Path(__file__).with_name("words").joinpath(f"{lang}.json").read_text("utf-8"))
    for lang in LANGUAGES
}

POLICY_UPDATED = date(2025, 12, 20)

STAND_INS = ("functional", "analytics", "marketing", "video")
"""Who may send hits: a tag of each category, and the embedded video (which is marketing too)."""


@dataclass(frozen=True, slots=True)
class Product:
    """Something to buy. Prices are in whole manats; ``before`` is the price it had, if it is reduced."""

    slug: str
    name: str
    price: int
    before: int | None = None


PRODUCTS = {
    product.slug: product
    for product in (
        Product("nar-x2", "Nar X2", 899, 999),
        Product("khazar-book-14", "Xəzər Book 14", 2149),
        Product("tar-pro", "Tar Pro", 329),
        Product("kulek-r1", "Külək R1", 699, 799),
        Product("ufuq-55", "Üfüq 55″", 1399),
        Product("dan-s", "Dan S", 449),
        Product("armudu", "Armudu", 139),
        Product("qala-mini", "Qala Mini", 189),
    )
}

blueprint = Blueprint("demo", __name__, url_prefix="/demo", template_folder="templates", static_folder="static")


@blueprint.record_once
def start_counting(state: Any) -> None:
    """Give the application its list of hits; ``state`` is Flask's setup state."""
    app: Flask = state.app
    app.extensions["demo_hits"] = deque(maxlen=1000)


@blueprint.url_value_preprocessor
def take_language(endpoint: str | None, values: dict[str, Any] | None) -> None:
    """Move the language of the address, where it has one, to ``g.lang``, and choose the page's nonce."""
    g.lang = (values or {}).pop("lang", LANGUAGES[0])
    g.nonce = secrets.token_urlsafe(16)


@blueprint.url_defaults
def keep_language(endpoint: str, values: dict[str, Any]) -> None:
    """Let links lead to pages in the language of the page they stand on."""
    if "lang" not in values and current_app.url_map.is_endpoint_expecting(endpoint, "lang"):
        values["lang"] = g.get("lang", LANGUAGES[0])


@blueprint.context_processor
def what_pages_need() -> dict[str, Any]:
    """Return what every template of the shop uses."""
    return {
        "lang": g.lang,
        "languages": LANGUAGES,
        "t": WORDS[g.lang],
        "products": PRODUCTS,
        "consent_server": consent_server(),
        "nonce": g.nonce,
        "price": price,
    }


@blueprint.after_request
def allow_only_our_own(response: Response) -> Response:
    """Send the pages with a policy under which only their own scripts and styles run."""
    if response.mimetype == "text/html":
        server = consent_server()
        elsewhere = f" {server}" if server.startswith("http") else ""
        response.headers["Content-Security-Policy"] = "; ".join(
            (
                "default-src 'self'",
                f"script-src 'nonce-{g.nonce}' 'strict-dynamic'",
                f"style-src 'nonce-{g.nonce}'",
                f"connect-src 'self'{elsewhere}",
                "object-src 'none'",
                "base-uri 'none'",
                "form-action 'self'",
                "frame-ancestors 'self'",
                "require-trusted-types-for 'script'",
            )
        )
        response.headers["Cache-Control"] = "no-store"
        response.headers["Referrer-Policy"] = "same-origin"
        response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def at_home(site: Site, port: int, prefix: str) -> Site:
    """Return a shop as the demo runs it: on this machine at ``port``, with its privacy policy under ``prefix``."""
    return replace(
        site,
        origins=(*site.origins, f"http://127.0.0.1:{port}", f"http://localhost:{port}"),
        cookie_domain=None,
        policy_url=f"{prefix}/demo/privacy",
    )


def consent_server() -> str:
    """Return where the consent server is: here, under the same prefix, unless the application says otherwise."""
    return str(current_app.config.get("CONSENT_SERVER", request.script_root))


def price(manats: int) -> str:
    """Return a price as the shop writes it: thousands apart, the currency behind."""
    return f"{manats:,}\u00a0AZN".replace(",", "\u202f")


def azerbaijani_ordinal(year: int) -> str:
    """Return the ending of a year's ordinal, which follows the vowel of its last word: 2025-ci, 2026-cı."""
    last = year % 10 or year % 100 or year % 1000
    endings = {3: "cü", 4: "cü", 6: "cı", 9: "cu", 10: "cu", 30: "cu", 40: "cı", 60: "cı", 90: "cı"}
    return endings.get(last, "cü" if last > 90 else "ci")


def page(rule: str) -> Callable[[Callable[..., str]], Callable[..., str]]:
    """Register a view under ``rule`` in the shop's first language, and under ``/LANG`` + ``rule`` in the others."""

    def register(view: Callable[..., str]) -> Callable[..., str]:
        others = ", ".join(LANGUAGES[1:])
        blueprint.add_url_rule(rule, view_func=view, defaults={"lang": LANGUAGES[0]})
        blueprint.add_url_rule(f"/<any({others}):lang>{rule}", view_func=view)
        return view

    return register


@blueprint.before_request
def open_in_the_browser_s_language() -> ResponseReturnValue | None:
    """Lead who comes in to the shop in their language; who chose the first one in the shop stays there.

    That is the one in which they were here last, if they allow the shop to remember it, else the browser's. At the door
    whoever does not come from within comes in; on other pages, who the browser says was elsewhere, or nowhere, before.
    """
    if g.lang != LANGUAGES[0] or not current_app.url_map.is_endpoint_expecting(request.endpoint or "", "lang"):
        return None
    came_from = request.headers.get("Sec-Fetch-Site")
    is_inside = came_from == "same-origin" if request.endpoint == "demo.home" else came_from not in _FROM_OUTSIDE
    if is_inside:
        return None
    remembered = request.cookies.get("_sm_settings", "").partition(".")[0]
    wanted = best_language([remembered, *request.accept_languages.values()], LANGUAGES)
    if wanted == LANGUAGES[0]:
        return None
    asked = request.query_string.decode("latin-1")
    response = redirect(
        url_for(request.endpoint or "", lang=wanted, **request.view_args or {}) + "?" * bool(asked) + asked
    )
    response.vary.update(("Accept-Language", "Cookie", "Sec-Fetch-Site"))
    return response


_FROM_OUTSIDE = ("none", "cross-site")


@page("/")
def home() -> str:
    """All products, and what there is beside them."""
    return render_template("demo/home.html")


@page("/products/<slug>")
def product(slug: str) -> str:
    """One product."""
    if slug not in PRODUCTS:
        abort(404)
    return render_template("demo/product.html", product=PRODUCTS[slug], words=WORDS[g.lang]["products"][slug])


@page("/basket")
def basket() -> str:
    """The basket, which only the shopper's own browser knows."""
    return render_template("demo/basket.html")


@page("/privacy")
def privacy() -> str:
    """The privacy policy, with the date on which it last changed."""
    words = WORDS[g.lang]
    updated = words["date"].format(
        day=POLICY_UPDATED.day,
        month=words["months"][POLICY_UPDATED.month - 1],
        year=POLICY_UPDATED.year,
        ordinal=azerbaijani_ordinal(POLICY_UPDATED.year),
    )
    return render_template("demo/privacy.html", updated=updated)


@page("/video")
def video() -> str:
    """The stand-in of an embedded video."""
    return render_template("demo/video.html")


@blueprint.post("/hits")
def hit() -> ResponseReturnValue:
    """Count a hit of one of the stand-ins, which posts its name."""
    name = request.get_data(cache=False)[:20].decode("ascii", "replace") if (request.content_length or 0) < 100 else ""
    if name not in STAND_INS:
        abort(400, "A hit is the name of a stand-in: " + ", ".join(STAND_INS))
    current_app.extensions["demo_hits"].append({"from": name, "at": int(time.time())})
    return "", 204


@blueprint.get("/hits")
def hits() -> Response:
    """Say which hits came in since the server started; the latest thousand."""
    response = jsonify(list(current_app.extensions["demo_hits"]))
    response.headers["Cache-Control"] = "no-store"
    return response
