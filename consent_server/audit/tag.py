"""How our own tag stands in a page, and what is wrong with that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..site import Site

LOOK = r"""() => {
  const scripts = [...document.scripts];
  const ours = scripts.filter((it) => /\/v1\/[^/]+\/consent\.js(\?|$)/.test(it.src)
    || (!it.src && it.text.includes('consentready') && it.text.includes('consentchange') && it.text.length > 4000));
  // A loader may take its script out of the page again, once that has run.
  for (const it of window.consentAuditGone?.() ?? []) if (!ours.some(({ src }) => src == it.src)) ours.push(it);
  const runs = (it) => it.src && !it.defer && !it.noModule && (!it.type || /javascript$/.test(it.type));
  const came = window.consentAuditCame ?? ((it) => scripts.indexOf(it));
  const banner = document.querySelector(':is([data-ask], #ask) [role=dialog]');
  const seen = (it) => {
    const { x, y, width, height } = it.getBoundingClientRect();
    return it.checkVisibility({ opacityProperty: true, visibilityProperty: true }) && width > 1 && height > 1
      && x < innerWidth && y < innerHeight && x + width > 0 && y + height > 0;
  };
  const within = (it) => {  // what the pointer meets there is the button, and nothing that lies over it
    const { x, y, width, height } = it.getBoundingClientRect();
    return it.contains(document.elementFromPoint(x + width / 2, y + height / 2));
  };
  const buttons = [...banner?.querySelectorAll('.buttons button') ?? []];
  return {
    ours: ours.map((it) => ({
      src: it.src,
      site: /\/v1\/([^/]+)\/consent\.js/.exec(it.src)?.[1]
        ?? (it.src ? null : /\/v1\/([^/]+)(?:\/(?:consent\.js)?)?$/.exec(it.dataset.base)?.[1] ?? null),
      base: it.src || new URL(it.dataset.base || '/v1/', location.origin).href,
      place: it.dataset.place ?? null,
      async: !!it.src && (it.async || it.defer || it.type == 'module'),
      late: scripts.some((other) => runs(other) && came(other) < came(it)),
      after: !!window.consentAuditIsAfter?.(it),
    })),
    at: location.origin + location.pathname,
    began: performance.timeOrigin,
    works: typeof window.consent?.allows == 'function',
    choice: window.consent?.choice ?? null,
    offers: [...document.querySelectorAll('[data-consent-open]')].some((it) => it.checkVisibility()),
    // A window of the page's own that waits for an answer, such as for an age, lets nothing else be pressed meanwhile.
    banner: !!banner && seen(banner) && (!buttons[0] || buttons.some(within) || !!document.querySelector(':modal')),
  };
}"""
"""Read in the page: each tag of ours, which document it is, whether the tag works, what was answered, and whether the
banner shows, and a button for the settings."""


def seen_again(first: Mapping[str, Any], again: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is known of a page's tag, as LOOK has it, after a second look at the tab.

    That may be at another document, to which a script has led on: it says nothing of this page's tag, nor does one
    that has less of it than there was. A banner that shows there shows for both.
    """
    is_same = again["at"] == first["at"] or again["began"] == first["began"]  # it is loaded anew, or renames itself
    is_more = (again["works"], bool(again["ours"])) >= (first["works"], bool(first["ours"]))
    banner = first["banner"] or (again["banner"] and (is_same or first["works"]))
    return {**(again if is_same and is_more else first), "banner": banner}


def tag_faults(tag: Mapping[str, Any], site: Site | None, *, asks: bool = True) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with the tag of a page in which nothing was answered: its name, and what to type.

    Args:
        tag: as LOOK has it.
        site: the shop, if it is known.
        asks: whether there is anything to ask where the page was looked at.
    """
    ours = [each for each in tag["ours"] if _is_ours(each, tag, site)]
    line = f'<script src="https://HOST/v1/{site.id if site else "SITE"}/consent.js"></script>'
    if not ours and not tag["works"]:
        yield "missing", f"Put {line} into the page's <head>, before every other script."
        return
    if len(ours) > 1:
        yield "twice", "Take all but one of the tags out of the page."
    if site and any(each["site"] not in (None, site.id) for each in ours):
        yield "wrong site", f"The tag names another site; write {line}."
    if needs_to_be_first(site) and any(each.get("after") for each in ours):
        yield "late", f"The tag comes when the page has loaded: put {line} first in <head>."
    elif needs_to_be_first(site) and any(each["async"] for each in ours):
        yield "async", "Trackers and vendors need the tag before other scripts: take async, defer, type=module off."
    elif needs_to_be_first(site) and any(each["late"] for each in ours):
        yield "late", f"Other scripts come before the tag: put {line} first in <head>."
    if not tag["works"]:
        yield "not working", "The tag is there and does not work: look in the browser's console for what is in its way."
    elif asks and tag["choice"] is None and not tag["banner"]:
        yield "no banner", "The banner does not show: look in the browser's console and style sheets for what hides it."


def servers(tag: Mapping[str, Any], site: Site | None) -> frozenset[str]:
    """Return the addresses of the consent server, up to ``/v1/``, by the tags of a page.

    Others may serve a ``/v1/SOMETHING/consent.js`` too: of a known site it is ours if it says that, or works.
    """
    ours = [each for each in tag["ours"] if _is_ours(each, tag, site)]
    counts = [each for each in ours if not site or tag["works"] or _says(each, site)]
    return frozenset(server for each in counts if (server := _server(each)))


def _is_ours(each: Mapping[str, Any], tag: Mapping[str, Any], site: Site | None) -> bool:
    """Return whether a tag is ours; beside one that says this site only those of the same server are."""
    right = {_server(other) for other in tag["ours"] if _says(other, site)}
    return not right or not each["src"] or _server(each) in right


def _says(each: Mapping[str, Any], site: Site | None) -> bool:
    return bool(site and each["src"] and each["site"] == site.id)


def _server(each: Mapping[str, Any]) -> str:
    """Return where the server of a tag is; an inline one says it in ``data-base``, or is of the page's host."""
    before, found, _ = str(each["src"] or each.get("base") or "").partition("/v1/")
    return before + found


def needs_to_be_first(site: Site | None) -> bool:
    """Return whether a site has something that the tag can do only before other scripts run."""
    return site is not None and site.must_be_first
