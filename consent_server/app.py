"""The server as a WSGI app: what it is made of, in one place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from flask import Flask, Request
from flask.sessions import NullSession, SessionInterface
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import MapAdapter
from werkzeug.sansio.utils import get_host

from .banner.scripts import build_scripts
from .demo import storefront
from .settings.environment import Settings, read_environment
from .settings.hints.secret import to_have_one
from .settings.rows import SettingsError
from .settings.shops import read_sites
from .site import Site
from .store import Store
from .tokens import Keys
from .web import accounts, health, marketer, me, openapi, places, reports, scripts, seals, shopper, showing
from .web.knocks import Knocks
from .web.limits import Limits
from .web.preview.marketers import blueprint_of as preview_of
from .web.problems import register_error_handlers
from .web.request import current_request
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


STRICT_TRANSPORT = (("Strict-Transport-Security", "max-age=31536000"),)
"""Where this host is reached by TLS, and is nobody's who says so himself."""


class _NoSessions(SessionInterface):
    """Opens none: marketers' are kept in Redis, and shoppers have none."""

    none = NullSession()

    def open_session(self, app: Flask, request: Request) -> NullSession:
        """Return what holds nothing."""
        return self.none

    def is_null_session(self, obj: object) -> bool:
        """Return that nothing is to be saved."""
        return True


_host = lru_cache(maxsize=256)(get_host)
"""The host that a request names, checked, or what the server takes itself for."""

LONGEST_HOST = 260
"""Characters of a host with its port; what is longer is none, and is not remembered."""


class _App(Flask):
    """Flask without what nothing of ours is, and what each request would pay for: coroutines and Flask's sessions."""

    response_class = Answer
    session_interface = _NoSessions()

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """Return what finds the view of a request, by less than Flask looks at: no host of ours is another app."""
        if request is None:
            return super().create_url_adapter(None)
        environ, scheme = request.environ, request.scheme
        host = environ.get("HTTP_HOST")
        request.host = (_host if len(host or "") <= LONGEST_HOST else get_host)(scheme, host, request.server)
        return MapAdapter(
            map=self.url_map,
            server_name=request.host.lower(),
            script_name=f"{request.root_path}/",
            subdomain="",
            url_scheme=scheme,
            path_info=request.path if environ.get("PATH_INFO") else "",
            default_method=request.method,
            query_args=environ.get("QUERY_STRING", ""),
        )

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
        raise SettingsError(f"CONSENT_SECRET is not set; {to_have_one(Path.cwd())}.")
    if not settings.redis_url:
        raise SettingsError("REDIS_URL is not set; `consent-server serve` brings its own Valkey.")
    sites = read_sites(settings.config) if sites is None else sites
    if settings.demo:
        sites = {name: storefront.at_home(site, settings.port, settings.prefix) for name, site in sites.items()}
    store = Store(settings.redis_url, settings.redis_timeout / 1000, settings.redis_replicas, serves=True)
    served = {site.id: build_scripts(site) for site in sites.values()}
    for site in sites.values():
        store.notices.serve(site, [notice for notices in served[site.id].notices.values() for notice in notices])

    knocks = Knocks(store.counters.claim_alarm)
    services = Services(settings, sites, store, Keys(settings.secret), Limits(), knocks, served)
    app = _bare(services)
    app.register_blueprint(scripts.blueprint)
    app.register_blueprint(shopper.blueprint)
    app.register_blueprint(showing.blueprint)
    app.register_blueprint(me.blueprint)
    app.register_blueprint(accounts.blueprint)
    app.register_blueprint(places.blueprint)
    app.register_blueprint(reports.blueprint)
    app.register_blueprint(seals.blueprint)
    app.register_blueprint(marketer.blueprint)
    app.register_blueprint(preview_of(settings.config), name_prefix="marketer")  # a page of theirs
    app.register_blueprint(health.blueprint)
    app.register_blueprint(openapi.blueprint)
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


def add_security_headers(response: Answer) -> Answer:
    """Tell browsers what a response may do, which is as little as it needs."""
    headers, asked = response.headers, current_request()
    if "Content-Security-Policy" in headers:  # a page, which knows what it needs
        for name, value in (*API_HEADERS, *PAGE_HEADERS):
            headers.setdefault(name, value)
    else:
        response.constant += API_HEADERS
    # A shop says itself for how long its host is reached by TLS alone.
    if asked.is_secure and not (asked.root_path or services().is_on_shops_host(asked.host)):
        response.constant += STRICT_TRANSPORT
    return response
