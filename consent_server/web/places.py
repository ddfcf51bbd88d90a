"""Which rule counts where a shopper is: asked by pages whose tag does not say it."""

from __future__ import annotations

from flask import Blueprint, Response, request

from ..site import OPTIONAL
from ..site.rules import KINDS, rule_at
from .request import let_own_pages_read, require_own_origin
from .request import place as place_of_caller
from .responses import answer
from .services import known_site, services

blueprint = Blueprint("places", __name__)
blueprint.after_request(let_own_pages_read)


@blueprint.get("/v1/<site_id>/place")
def place(site_id: str) -> Response:
    """The rule for the caller's place, by name, and what it says of each category; the place itself is not told."""
    site = known_site(site_id)
    environ, settings = request.environ, services().settings
    require_own_origin(site, environ)
    rule = rule_at(site.rules, place_of_caller(environ, settings.country_header, settings.region_header))
    return answer({"rule": rule.name, "categories": {each: rule.kinds.get(each, KINDS[0]) for each in OPTIONAL}})
