"""How a ``consent.toml`` looks before it is served: each layer, language, variant, device and light, side by side.

The file stays the record: nothing is written, no decision is taken, and whoever saves the file sees it here at once.
"""

from __future__ import annotations

import json
import re
import secrets
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from flask import Flask, Response, abort, render_template, request

from ...banner.scripts import SiteScripts, build_scripts
from ...check.faults import site as faults_of
from ...settings.rows import SettingsError
from ...settings.shops import read_sites
from ...site import Site
from ...site.rules import Rule
from ..problems import register_http_errors

LAYERS = ("first", "preferences", "mine", "list")
LIGHTS = ("light", "dark")
DEVICES = {"phone": (360, 740), "desktop": (1280, 800)}
"""Width and height of the windows, in CSS pixels."""
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")

WORDS: dict[str, dict[str, str]] = json.loads(files(__package__).joinpath("words.json").read_text("utf-8"))
"""What the page around the frames says, by language."""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; frame-src 'self'; connect-src 'self'; img-src data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


@dataclass(frozen=True)
class Guest:
    """Who looks at the preview from elsewhere: in which language, at which shops, and from which page."""

    lang: str
    sites: Collection[str]
    home: str


GUEST = "consent_server.guest"
"""Where WSGI's environ says who looks, if it is not the operator; no header can."""


@dataclass(frozen=True)
class Draft:
    """What a file says: its shops, or the last sound ones and what is wrong with it now; ``version`` of both."""

    version: str
    sites: Mapping[str, Site]
    fault: str = ""


def watch(path: Path) -> Callable[[], Draft]:
    """Return what reads the draft in a file, anew whenever the file is saved. ``path``: of a ``consent.toml``."""
    newest = Draft("", {})
    lock = threading.Lock()

    def read() -> Draft:
        nonlocal newest
        with lock:
            try:
                status = path.stat()
                version = f"{status.st_mtime_ns}-{status.st_size}"
            except OSError:
                version = "missing"
            if version != newest.version:
                try:
                    newest = Draft(version, read_sites(path))
                except SettingsError as error:
                    newest = replace(newest, version=version, fault=str(error))
            return newest

    return read


class _Preview:
    """What each address of the preview answers, of the ``consent.toml`` at ``path``."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._newest = watch(path)
        self._built: dict[tuple[str, str, str], SiteScripts] = {}
        self._building = threading.Lock()

    def _draft(self) -> Draft:
        """Return the draft, as far as it is for who asks. What is wrong may name any shop, also a new one."""
        found, guest = self._newest(), request.environ.get(GUEST)
        if guest is None:
            return found
        own = {name: site for name, site in found.sites.items() if name in guest.sites}
        return replace(found, sites=own, fault=found.fault and WORDS[guest.lang]["wrong"])

    def _scripts(self, name: str, variant: str) -> tuple[Site, SiteScripts]:
        """Return a shop that asks in one way alone, and its scripts."""
        found = self._draft()
        shop = found.sites.get(name) or abort(404)
        ways = [way for way in shop.all_variants if way.name == variant] or abort(404)
        key = (found.version, name, variant)
        with self._building:
            if key not in self._built:
                for old in [each for each in self._built if each[0] != found.version]:
                    del self._built[old]
                self._built[key] = build_scripts(replace(shop, variants=tuple(ways) if shop.variants else ()))
        return shop, self._built[key]

    def page(self) -> Response:
        """All frames of one layer, variant and rule of a shop."""
        found, guest = self._draft(), request.environ.get(GUEST)
        shop = found.sites.get(request.args.get("site", "")) or next(iter(found.sites.values()), None)
        variants = [way.name for way in shop.all_variants] if shop else [""]
        layer, variant = request.args.get("layer", ""), request.args.get("variant", "")
        rules = [rule.name for rule in shop.all_rules] if shop else [""]
        rule = request.args.get("rule", "")
        html = render_template(
            "preview.html",
            lang=guest.lang if guest else "en",
            words=WORDS[guest.lang if guest else "en"],
            draft=found,
            path=self._path.name if guest else self._path,
            home=guest.home if guest else "",
            shop=shop,
            variants=variants,
            rules=rules,
            notes=[*faults_of(shop)] if shop and not guest else [],
            layers=LAYERS,
            lights=LIGHTS,
            devices=DEVICES,
            rule=rule if rule in rules else "",
            layer=layer if layer in LAYERS else "first",
            variant=variant if variant in variants else variants[0],
        )
        return Response(html, headers={"Content-Security-Policy": POLICY, "Cache-Control": "no-store"})

    def version(self) -> dict[str, str]:
        """Whether there is something new to show."""
        return {"version": self._draft().version}

    def frame(self, site_id: str, light: str, layer: str, lang: str) -> Response:
        """One page with the banner in it, as somebody sees it who was never there."""
        variant = request.args.get("variant", "")
        shop, made = self._scripts(site_id, variant)
        way = [way.name for way in shop.all_variants].index(variant)  # a name may have what stands for more in a path
        rule = next((each for each in shop.all_rules if each.name == request.args.get("rule", "")), None)
        if rule is None or lang not in shop.languages or light not in LIGHTS or layer not in LAYERS:
            abort(404)
        nonce = secrets.token_urlsafe(16)
        html = render_template(
            "frame.html",
            shop=shop,
            lang=lang,
            light=light,
            layer=layer,
            nonce=nonce,
            place=place_in(rule),
            base=f"{request.script_root}/files/{site_id}/{light}/{way}/",
            gate=in_light(made.consent.plain.decode(), light),
        )
        # Without an origin of its own: no answer is kept, and each frame is somebody who was never here.
        policy = (
            f"sandbox allow-scripts; default-src 'none'; script-src 'nonce-{nonce}' 'strict-dynamic'; img-src data:; "
            "style-src * 'unsafe-inline'; connect-src http: https:; base-uri 'none'; frame-ancestors 'self'"
        )
        return Response(html, headers={"Content-Security-Policy": policy, "Cache-Control": "no-store"})

    def script(self, site_id: str, light: str, way: int, layer: str, lang: str, digest: str) -> Response:
        """A layer that the banner in a frame fetches."""
        shop = self._draft().sites.get(site_id) or abort(404)
        _, made = self._scripts(site_id, dict(enumerate(each.name for each in shop.all_variants)).get(way, "?"))
        text = made.layers.get(layer, {}).get(lang) or abort(404)
        return _for_frames(in_light(text.plain.decode(), light), "text/javascript")

    def taken(self, site_id: str, light: str, way: int, call: str) -> Response:
        """What the banner in a frame posts: nothing is counted, and no decision is kept."""
        return _for_frames("", "text/plain", 204)


def create_preview(path: Path) -> Flask:
    """Return the application that shows the ``consent.toml`` at ``path``.

    It has no login: it shows it to this machine alone, and to a GUEST whom the app lets in that it is part of.
    """
    app, views = Flask(__name__), _Preview(path)
    register_http_errors(app)
    app.before_request(_for_this_machine_alone)
    app.add_url_rule("/", view_func=views.page)
    app.add_url_rule("/version", view_func=views.version)
    app.add_url_rule("/frames/<site_id>/<light>/<layer>/<lang>/", view_func=views.frame)
    files_of = "/files/<site_id>/<light>/<int:way>"
    app.add_url_rule(f"{files_of}/<layer>.<lang>.<digest>.js", view_func=views.script)
    app.add_url_rule(f"{files_of}/<call>", view_func=views.taken, methods=["POST"])
    return app


def _for_this_machine_alone() -> None:
    if GUEST not in request.environ and re.sub(r":\d+$", "", request.host) not in LOOPBACK:
        abort(403, "The preview is for this machine alone: open it as http://127.0.0.1.")


def place_in(rule: Rule) -> str:
    """Return a place of a rule: Antarctica where it has none of its own, and nowhere if it is for that."""
    return rule.where[0] if rule.where else "" if rule.name else "AQ"


def in_light(script: str, light: str) -> str:
    """Return a built script as it is where the browser asks for ``light`` or ``dark``, whatever this one asks for."""
    return script.replace("(prefers-color-scheme:dark)", " all" if light == "dark" else " not all")


def _for_frames(text: str, mimetype: str, status: int = 200) -> Response:
    headers: dict[str, Any] = {"Access-Control-Allow-Origin": "*", "Cache-Control": "no-store"}
    return Response(text, status, headers, mimetype=mimetype)
