"""What pages load: the scripts, what is asked, the cookie list, and that Global Privacy Control is heeded."""

from __future__ import annotations

from flask import Blueprint, Response, request

from ..banner.scripts import LAYERS, Script
from ..site import ConsentError, Site, best_language
from .request import add_cors, let_own_pages_read
from .responses import answer, answer_script
from .services import known_site, services

blueprint = Blueprint("scripts", __name__)
blueprint.after_request(let_own_pages_read)


class NoSuchNotice(ConsentError):
    """A language or variant in which this site does not ask."""

    problem = "no-such-notice"


def _script(script: Script, cache: str) -> Response:
    """Return a script that any page may run and read."""
    response = answer_script(script, cache)
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return add_cors(response, "*")


@blueprint.get("/v1/<site_id>/consent.js")
def consent_js(site_id: str) -> Response:
    """The gate with the first layer; the same for everybody, so that any CDN can keep it."""
    scripts = services().scripts[known_site(site_id).id]
    return _script(scripts.consent, "public, max-age=300, stale-while-revalidate=86400")


@blueprint.get(f"/v1/<site_id>/<any({', '.join((*LAYERS, 'watch'))}):name>.<lang>.<digest>.js")
def layer_js(site_id: str, name: str, lang: str, digest: str) -> Response:
    """What consent.js fetches when it is wanted. An outdated address gets today's, but may not keep it."""
    layer = services().scripts[known_site(site_id).id].layers[name]
    script = layer.get(lang) or next(iter(layer.values()))
    current = script.hash == digest
    return _script(script, "public, max-age=31536000, immutable" if current else "public, max-age=60")


@blueprint.get("/v1/<site_id>/notice")
def notice(site_id: str) -> Response:
    """What is asked, for other front ends than our banner."""
    site = known_site(site_id)
    notices = services().scripts[site.id].notices
    lang = _language(site)
    wanted = request.args.get("variant", notices[lang][0].variant), request.args.get("rule", "")
    found = next((notice for notice in notices[lang] if (notice.variant, notice.rule) == wanted), None)
    if found is None:
        rules = "; its rules: " * bool(site.rules) + ", ".join(rule.name for rule in site.all_rules[1:])
        raise NoSuchNotice(f"This site's variants are {', '.join(way.name for way in site.all_variants)}{rules}.")
    return answer({"notice": found.hash, **found.content})


@blueprint.get("/v1/<site_id>/cookies")
def cookie_list(site_id: str) -> Response:
    """The cookie list as a piece of HTML, for a page of the shop to include on its server."""
    site = known_site(site_id)
    lang = _language(site)
    fragment = services().scripts[site.id].fragments[lang]
    response = answer_script(fragment, "public, max-age=300, stale-while-revalidate=86400", "text/html")
    response.headers["Content-Language"] = lang
    if not request.args.get("lang"):
        response.vary.add("Accept-Language")
    return add_cors(response, "*")


def _language(site: Site) -> str:
    """Return the language that is asked for, else the best for who asks.

    Raises:
        NoSuchNotice: the site does not speak it.
    """
    if asked := request.args.get("lang"):
        lang = asked.replace("_", "-").partition("-")[0].lower()  # pages say az-AZ of themselves
    else:
        lang = best_language([*request.accept_languages.values()], site.languages)
    if lang not in site.languages:
        raise NoSuchNotice(f"This site asks in {', '.join(site.languages)}.")
    return lang


@blueprint.get("/.well-known/gpc.json")
def gpc() -> Response:
    """Say that Global Privacy Control is heeded."""
    sites = [site for site in services().sites.values() if site.gpc]
    updated = max(site.policy_updated for site in services().sites.values())
    return answer({"gpc": bool(sites), "lastUpdate": updated.isoformat()})
