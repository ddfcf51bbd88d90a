"""The server as a WSGI app: what it is made of, in one place."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Flask, Response, request
from flask_cors import CORS
from werkzeug.exceptions import NotFound
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix

from .banner.scripts import prepare
from .decision import Site
from .demo import storefront
from .settings.environment import Settings, read_environment
from .settings.rows import SettingsError
from .settings.shops import read_sites
from .store import Store
from .tokens import Keys
from .web import health, shopper
from .web.knocks import Knocks
from .web.marketer import rates as marketer
from .web.request import Limits, Parts, say_no

NO_PAGE = (
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
)
"""Headers of whatever is no page: JSON, scripts, errors."""

PAGE = (("Permissions-Policy", "camera=(), microphone=(), geolocation=(), browsing-topics=()"),)
"""Headers that a page has besides."""


def create_app(settings: Settings | None = None, sites: Mapping[str, Site] | None = None) -> Flask:
    """Return the server as a WSGI app.

    Args:
        settings: how it runs; read from the environment if left out.
        sites: the shops, by id; read from the ``consent.toml`` that the settings name if left out.

    Raises:
        SettingsError: something is missing or wrong in either; says what to type.
    """
    settings = settings or read_environment()
    if not settings.secret:
        raise SettingsError(
            "CONSENT_SECRET is not set. Make one and keep it: "
            "export CONSENT_SECRET=\"$(python -c 'import secrets; print(secrets.token_urlsafe(32))')\""
        )
    if not settings.redis_url:
        raise SettingsError("REDIS_URL is not set; `consent-server serve` brings its own Valkey.")
    sites = read_sites(settings.config) if sites is None else sites
    if settings.demo:
        sites = {name: storefront.at_home(site, settings.port, settings.prefix) for name, site in sites.items()}
    store = Store(settings.redis_url, settings.redis_timeout / 1000, settings.redis_replicas)
    asked = {site.id: prepare(site) for site in sites.values()}
    for site in sites.values():
        store.notices.serve(site, [notice for notices in asked[site.id].notices.values() for notice in notices])

    app = Flask(__package__, static_folder=None)
    keys, knocks = Keys(settings.secret), Knocks(store.counters.claim_alarm)
    app.extensions["consent"] = Parts(settings, sites, store, keys, Limits(), knocks, asked)
    app.register_blueprint(shopper.door)
    app.register_blueprint(marketer.door)
    app.register_blueprint(health.door)
    if settings.demo:
        app.register_blueprint(storefront.blueprint, url_prefix="/demo")
    say_no(app)
    app.after_request(_careful)
    CORS(
        app,
        resources={
            rf"/v1/{site.id}/(decisions|shown|notice|me(/receipt)?)": {"origins": [*site.origins]}
            for site in sites.values()
        },
        always_send=False,
        methods=["GET", "POST", "DELETE"],
        allow_headers=["Authorization", "Content-Type"],
        max_age=86400,
    )
    if settings.prefix:
        app.wsgi_app = DispatcherMiddleware(NotFound(), {settings.prefix: app.wsgi_app})  # type: ignore[method-assign]
    if settings.trusted_proxies:
        n = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=n, x_proto=n, x_host=n)  # type: ignore[method-assign]
    return app


def _careful(response: Response) -> Response:
    headers = response.headers
    if "Content-Security-Policy" in headers:  # a page, which knows what it needs
        for name, value in (*NO_PAGE, *PAGE):
            headers.setdefault(name, value)
    else:
        headers.extend(NO_PAGE)
    if request.is_secure:
        headers["Strict-Transport-Security"] = "max-age=31536000"
    return response
