"""The consent scripts of others and ours, each in a page as its own documentation says."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from consent_server.banner.scripts import build_scripts
from consent_server.settings.shops import read_sites
from consent_server.site import Cookie

ROOT = Path(__file__).parents[2]
MODULES = ROOT / "snippet/node_modules"


@dataclass(frozen=True)
class Peer:
    """A consent script: what a page has for it, how it marks what is held, how it is told, where its banner is."""

    name: str
    head: str
    files: dict[str, bytes]
    script: Callable[[str, str], str]
    element: Callable[[str], str] | None
    accept: str
    withdraw: str
    banner: str


def text_plain(attribute: str, src: str = "src") -> Callable[[str, str], str]:
    """Return what marks a script, by its address or its text, with this attribute."""

    def mark(url: str, text: str) -> str:
        where = f' {src}="{url}"' if url else ""
        return f'<script nonce="n1" type="text/plain" {attribute}{where}>{text}</script>'

    return mark


def attributes(marking: str) -> Callable[[str], str]:
    """Return what marks an element: data-src and data-href, and an attribute."""
    return lambda html: re.sub(r"^<(\w+)", rf"<\1 {marking}", re.sub(r"\b(src|href)=", r"data-\1=", html))


def template(html: str) -> str:
    """Mark as Orejime does: whatever it is, in a template."""
    return f'<template data-purpose="analytics">{html}</template>'


def peers() -> list[Peer]:
    """Return ours and the peers."""
    site = read_sites(ROOT / "consent.toml")["smartmarket"]
    traces = {
        "analytics": (Cookie("_t_*", "T", dict.fromkeys(site.languages, "x"), dict.fromkeys(site.languages, "x")),)
    }
    scripts = build_scripts(
        replace(site, cookies=traces, trackers=(("tracker.localhost", "analytics"),), cookie_domain=None)
    )
    ours = {
        f"/v1/s/{layer}.{lang}.{script.hash}.js": script.plain
        for layer, by_lang in scripts.layers.items()
        for lang, script in by_lang.items()
    }
    vanilla, orejime = MODULES / "vanilla-cookieconsent/dist", MODULES / "orejime/dist"
    klaro, tac = MODULES / "klaro/dist", MODULES / "tarteaucitronjs"
    words = (
        "{ consentModal: { title: 'Cookies', description: 'We use cookies.', acceptAllBtn: 'Accept all',"
        " acceptNecessaryBtn: 'Reject all', showPreferencesBtn: 'Manage preferences' },"
        " preferencesModal: { sections: [] } }"
    )
    return [
        Peer(
            "ours",
            '<script nonce="n1" src="/v1/s/consent.js"></script>',
            {"/v1/s/consent.js": scripts.consent.plain, **ours},
            text_plain('data-consent="analytics"'),
            attributes('data-consent="analytics"'),
            "consent.decide({ analytics: true })",
            "consent.decide({ analytics: false })",
            "[data-ask] button",
        ),
        Peer(
            "vanilla-cookieconsent 3.1",
            '<link rel="stylesheet" href="/vanilla.css"><script nonce="n1" defer src="/vanilla.js"></script>'
            """<script nonce="n1">addEventListener('DOMContentLoaded', () => CookieConsent.run({ hideFromBots: false,
            categories: { necessary: { readOnly: true }, analytics: { autoClear: { cookies: [{ name: /^_t_/ }] } } },
            """
            f"language: {{ default: 'en', translations: {{ en: {words} }} }} }}))</script>",
            {
                "/vanilla.css": (vanilla / "cookieconsent.css").read_bytes(),
                "/vanilla.js": (vanilla / "cookieconsent.umd.js").read_bytes(),
            },
            text_plain('data-category="analytics"'),
            None,
            "CookieConsent.acceptCategory('all')",
            "CookieConsent.acceptCategory([])",
            "#cc-main button",
        ),
        Peer(
            "Orejime 3.2",
            '<link rel="stylesheet" href="/orejime.css"><script nonce="n1">window.orejimeConfig = { '
            'privacyPolicyUrl: "/p", purposes: [{ id: "analytics", title: "Analytics", cookies: [/^_t_/] }] }</script>'
            '<script nonce="n1" defer src="/orejime.js"></script>',
            {
                "/orejime.css": (orejime / "orejime-standard.css").read_bytes(),
                "/orejime.js": (orejime / "orejime-standard-en.js").read_bytes(),
            },
            lambda url, text: template(f'<script nonce="n1"{f" src={json.dumps(url)}" if url else ""}>{text}</script>'),
            template,
            "orejime.manager.acceptAll()",
            "orejime.manager.declineAll()",
            ".orejime-Banner button",
        ),
        Peer(
            "Klaro 0.7",
            """<script nonce="n1">window.klaroConfig = { privacyPolicy: '/p', acceptAll: true, lang: 'en',
            translations: { en: { purposes: { analytics: 'Analytics' } } },
            services: [{ name: 'analytics', title: 'Analytics', purposes: ['analytics'], cookies: [/^_t_/] }] }
            </script><script nonce="n1" defer src="/klaro.js"></script>""",
            {"/klaro.js": (klaro / "klaro.js").read_bytes()},
            text_plain('data-type="text/javascript" data-name="analytics"', "data-src"),
            attributes('data-name="analytics"'),
            "klaro.getManager().changeAll(true), klaro.getManager().saveAndApplyConsents()",
            "klaro.getManager().changeAll(false), klaro.getManager().saveAndApplyConsents()",
            ".klaro button",
        ),
        Peer(
            "tarteaucitron 1.34",
            """<script nonce="n1" src="/tac/tarteaucitron.min.js"></script><script nonce="n1">
            tarteaucitron.init({ privacyUrl: '/p', orientation: 'bottom', showIcon: false, useExternalCss: false });
            tarteaucitron.services.t = { key: 't', type: 'analytic', name: 'T', needConsent: true, cookies:
              ['_t_host', '_t_deep', '_t_parent'], js() { for (const held of document.querySelectorAll('[data-t]'))
              { if (held.src) tarteaucitron.addScript(held.src); else (0, eval)(held.text) } } };
            (tarteaucitron.job = tarteaucitron.job || []).push('t');</script>""",
            {f"/tac/{path.relative_to(tac)}": path.read_bytes() for path in tac.rglob("*.*s")},
            text_plain("data-t"),
            None,
            "tarteaucitron.userInterface.respondAll(true)",
            "tarteaucitron.userInterface.respondAll(false)",
            "#tarteaucitronAlertBig button",
        ),
    ]
