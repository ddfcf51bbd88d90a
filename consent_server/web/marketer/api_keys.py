"""The API keys by which other programs read rates."""

from __future__ import annotations

import secrets
import time
from functools import partial
from typing import Any

from flask import Response, redirect, request, url_for

from ...rates import read
from ...site import Site
from ...store import ApiKey
from ..services import services
from .frame import blueprint, chosen_words, errors_on_page, render_page
from .session import digest, require_marketer, require_own_session, site_of

MOST = 500
"""Keys of a site: all of them are read for each page."""


@blueprint.get("/keys")
@errors_on_page
def keys_page() -> Response:
    """The API keys of a site."""
    site = site_of(require_marketer(), request.args.get("site", ""))
    return render_page("keys", site=site, keys=services().store.rates_keys.all(site), **key_page_values(site, None))


@blueprint.post("/keys")
@errors_on_page
def make_key() -> Response:
    """Make an API key and show it this once."""
    marketer = require_own_session()
    site = site_of(marketer, request.form.get("site", ""))
    if len(services().store.rates_keys.all(site)) >= MOST:
        return render_page("refused", 400, said=chosen_words()("keys_full", most=chosen_words().number(MOST)))
    key = secrets.token_urlsafe(32)
    name = " ".join(request.form.get("name", "").split())[:80] or "?"
    made = ApiKey(digest("api-key", key), name, int(time.time()), marketer.name)
    services().store.rates_keys.add(site, made)
    return render_page("keys", 201, site=site, keys=services().store.rates_keys.all(site), **key_page_values(site, key))


@blueprint.post("/keys/revoke")
@errors_on_page
def revoke_key() -> Response:
    """Revoke an API key."""
    site = site_of(require_own_session(), request.form.get("site", ""))
    services().store.rates_keys.remove(site, request.form.get("key", ""))
    return redirect(url_for("marketer.keys_page", site=site.id), 303)  # type: ignore[return-value]


def key_page_values(site: Site, key: str | None) -> dict[str, Any]:
    """Return what the page says besides, with the key that was just made."""
    return {
        "new": key,
        "base": request.url_root.rstrip("/"),
        "day_of": partial(read.day_of, site),
    }
