"""The server as a WSGI app: what it is made of, in one place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, request
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix

from .banner.scripts import build_scripts
from .demo import storefront
from .settings.environment import Settings, read_environment
from .settings.rows import SettingsError
from .settings.shops import read_sites
from .site import Site
from .store import Store
from .tokens import Keys
from .web import accounts, health, marketer, places, reports, seals, shopper
from .web.knocks import Knocks
from .web.limits import Limits
from .web.problems import register_error_handlers
from .web.responses import Answer
from .web.services import Services, services

API_HEADERS = (
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
)
"""Headers of whatever is no page: JSON, scripts, errors."""

PAGE_HEADERS = (("Permissions-Policy", "camera=(), microphone=(), geolocation=(), browsing-topics=()"),)
"""Headers that a page has besides."""


class _App(Flask):
    """Flask without what nothing of ours is, and what each request would pay for: coroutines and Flask's sessions."""

    response_class = Answer

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return a view as it is."""
        return func


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
            "export CONSENT_SECRET=\"$(python3 -c 'import secrets; print(secrets.token_urlsafe(32))')\""
        )
    if not settings.redis_url:
        raise SettingsError("REDIS_URL is not set; `consent-server serve` brings its own Valkey.")
    sites = read_sites(settings.config) if sites is None else sites
    if settings.demo:
        sites = {name: storefront.at_home(site, settings.port, settings.prefix) for name, site in sites.items()}
    store = Store(settings.redis_url, settings.redis_timeout / 1000, settings.redis_replicas)
    scripts = {site.id: build_scripts(site) for site in sites.values()}
    for site in sites.values():
        store.notices.serve(site, [notice for notices in scripts[site.id].notices.values() for notice in notices])

    knocks = Knocks(store.counters.claim_alarm)
    services = Services(settings, sites, store, Keys(settings.secret), Limits(), knocks, scripts)
    app = _bare(services)
    app.register_blueprint(shopper.blueprint)
    app.register_blueprint(accounts.blueprint)
    app.register_blueprint(places.blueprint)
    app.register_blueprint(reports.blueprint)
    app.register_blueprint(seals.blueprint)
    app.register_blueprint(marketer.blueprint)
    app.register_blueprint(health.blueprint)
    if settings.demo:
        app.register_blueprint(storefront.blueprint, url_prefix="/demo")
    if settings.prefix:
        elsewhere = _bare(services).wsgi_app  # knows no address, and says so as we do
        app.wsgi_app = DispatcherMiddleware(elsewhere, {settings.prefix: app.wsgi_app})  # type: ignore[method-assign]
    if settings.trusted_proxies:
        n = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=n, x_proto=n, x_host=n)  # type: ignore[method-assign]
    return app


def _bare(services: Services) -> Flask:
    """Return an app without any address, which refuses and is careful as every answer of ours."""
    app = _App(__package__, static_folder=None)
    app.extensions["consent"] = services
    register_error_handlers(app)
    app.after_request(add_security_headers)
    return app


def _is_on_a_shops_host() -> bool:
    """Return whether this host is a shop's, which says itself for how long it is reached by TLS alone."""
    behind = services()
    origins = (urlsplit(origin).netloc for site in behind.sites.values() for origin in site.origins)
    return bool(behind.settings.prefix or request.script_root) or request.host in origins


def add_security_headers(response: Answer) -> Answer:
    """Tell browsers what a response may do, which is as little as it needs."""
    headers = response.headers
    if "Content-Security-Policy" in headers:  # a page, which knows what it needs
        for name, value in (*API_HEADERS, *PAGE_HEADERS):
            headers.setdefault(name, value)
    else:
        response.constant += API_HEADERS
    if request.is_secure and not _is_on_a_shops_host():
        headers["Strict-Transport-Security"] = "max-age=31536000"
    return response
