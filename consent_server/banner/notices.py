"""What a site asks, put together: the notice that a token will name."""

from __future__ import annotations

from collections.abc import Mapping

from ..site import CATEGORIES, OPTIONAL, Notice, Site, Variant
from ..site.rules import ELSEWHERE, Rule


def compose(
    site: Site,
    lang: str,
    variant: Variant,
    words: Mapping[str, str],
    scripts: Mapping[str, str],
    values: Mapping[str, str] | None = None,
    rule: Rule = ELSEWHERE,
    ruled: Mapping[str, str] | None = None,
) -> Notice:
    """Put together what ``site`` asks in ``lang``, in the places of ``rule``.

    ``words`` are the words of the snippet in that language, over which the site's, the variant's, those that the
    rule needs (``ruled``) and its own are laid; ``scripts`` are hashes of the scripts that show them; ``values``
    stand in place of their names in braces in the text of the first layer.
    """
    said = {**words, **site.words.get(lang, {}), **variant.words.get(lang, {})}
    said |= {**(ruled or {}), **rule.words.get(lang, {})}
    if site.accounts:
        said["text"] += "{account}"
    for name, value in (values or {}).items():
        said["text"] = said["text"].replace(f"{{{name}}}", value)
    offered = [category for category in CATEGORIES if rule.kinds.get(category) != "off"]
    by_place = {"rule": rule.name, "objection": rule.has("objection", OPTIONAL)} if rule.name else {}
    return Notice.of(
        {
            "site": site.id,
            "name": site.name,
            "revision": site.revision,
            "lang": lang,
            "variant": variant.name,
            "layout": variant.layout or site.theme["layout"],
            "theme": dict(site.theme),
            "keep": site.keep,
            "policy_url": site.policy_url,
            "policy_updated": site.policy_updated.isoformat(),
            "categories": offered,
            "cookies": {
                category: [
                    {
                        "name": cookie.name,
                        "provider": cookie.provider,
                        "purpose": cookie.purpose[lang],
                        "life": cookie.life[lang],
                        **({"country": cookie.country} if cookie.country else {}),
                        **({"host": cookie.host} if cookie.host else {}),
                        **({"kind": cookie.kind} if cookie.kind else {}),
                    }
                    for cookie in site.cookies.get(category, ())
                ]
                for category in offered
            },
            "words": said,
            "scripts": dict(scripts),
            **by_place,
        }
    )
