"""A banner that was shown, as its page reports it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Literal, NamedTuple, Protocol

import msgspec
from flask import Blueprint, Response

from ..decision import Malformed, UnknownNotice
from ..proof.attested.ends import is_sealed
from ..site import Notice, Site
from .request import (
    country,
    current_request,
    device,
    is_bot_or_prefetch,
    let_own_pages_read,
    read_body,
    require_own_origin,
)
from .responses import nothing
from .services import services

blueprint = Blueprint("showing", __name__)
blueprint.after_request(let_own_pages_read)


class _Showing(msgspec.Struct, forbid_unknown_fields=True):
    """The body that says that a banner was shown."""

    notice: str | None = None
    lang: str | None = None
    variant: str | None = None
    signal: Literal["gpc"] | None = None
    rule: str | None = None


class _Kind(Protocol):
    """As what a banner that asks a notice is counted."""

    @property
    def lang(self) -> str: ...
    @property
    def variant(self) -> str: ...
    @property
    def rule(self) -> str: ...


class Shown(NamedTuple):
    """A banner that was shown: as what it counts. ``rule`` is None for a site that has none.

    ``signalled``: whether the browser sent Global Privacy Control, where the site heeds it.
    """

    language: str
    variant: str
    signalled: bool
    rule: str | None = None


_showing = msgspec.json.Decoder(_Showing)


def shown_in(
    body: bytes, site: Site, notice: Callable[[str], Notice | None], ever: Callable[[], Iterable[_Kind]] = tuple
) -> Shown:
    """Return what banner was shown, from the body of that call (which may be empty).

    Args:
        body: of the call.
        site: whose banner it was.
        notice: finds one that was ever asked by its hash.
        ever: returns the kinds of all of them. A cache may have yesterday's script, whose answers count too: what it
            asked is looked for where that is not asked any more.

    Raises:
        Malformed: the body is neither empty nor ``{notice?, lang?, variant?, signal?, rule?}``.
        UnknownNotice: this site never served that notice.
    """
    try:
        showing = _showing.decode(body or b"{}")
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Malformed(f"The body says nothing about a banner: {str(error).rstrip('.')}.") from None
    signalled = site.gpc and showing.signal is not None
    if showing.notice is None:
        lang = showing.lang or site.languages[0]
        variants = [variant.name for variant in site.all_variants]
        variant = variants[0] if showing.variant is None else showing.variant
        rule, rules = showing.rule or "", [each.name for each in site.all_rules]
        choices = (
            ("lang", lang, site.languages, str),
            ("variant", variant, variants, repr),
            ("rule", rule, rules, repr),
        )
        for field, name, known, said in choices:
            if name not in known and not any((lang, variant, rule) == (n.lang, n.variant, n.rule) for n in ever()):
                raise Malformed(f"`{field}` must be one of {', '.join(map(said, known))}.")
        return Shown(lang, variant, signalled, rule if site.rules or rule else None)
    asked = notice(showing.notice)
    if asked is None:
        raise UnknownNotice(f"This site never showed the notice {showing.notice[:40]!r}; ask for its `notice`.")
    return Shown(asked.lang, asked.variant, signalled, asked.rule if site.rules or asked.rule else None)


@blueprint.post("/v1/<site_id>/shown")
def shown(site_id: str) -> Response:
    """Count a banner that an undecided shopper sees. Nothing about the shopper is kept."""
    behind, environ = services(), current_request().environ
    site = behind.site(site_id)
    require_own_origin(site, environ)
    behind.limits.spend_client(behind.settings.client_limit, "shown")
    notices = behind.store.notices
    seen = shown_in(read_body(environ), site, partial(notices.find, site), partial(notices.kinds, site))
    if not is_bot_or_prefetch(environ):
        behind.store.counters.shown(
            site,
            now=time.time_ns() // 1_000_000,
            device=device(environ),
            country=country(environ, behind.settings.country_header),
            is_sealed=partial(is_sealed, behind.store, site, behind.keys),
            **seen._asdict(),
        )
    return nothing()
