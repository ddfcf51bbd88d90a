"""The notices that were ever asked, by hash: what is asked now is kept in memory too."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Literal, NamedTuple, cast

import msgspec

from ...site import ConsentError, Notice, Site
from ..connection import Connection, StoreAway, WrongLayout
from ..connection.away import OtherKind
from ..keys import single
from .banner_version import BannerVersion
from .bucket_count import BucketCount

log = logging.getLogger(__name__)


class ForgedNotice(ConsentError):
    """The words that the store holds of a notice are not those that were asked: they have another hash."""

    problem = "forged-notice"


class _Cookie(msgspec.Struct):
    name: str
    provider: str
    purpose: str
    life: str


class _Whole(msgspec.Struct):
    name: str
    policy_url: str
    policy_updated: str
    categories: list[Literal["necessary", "functional", "analytics", "marketing"]]
    cookies: dict[str, list[_Cookie]]
    words: dict[str, str]
    objection: list[str] = []


class Kind(NamedTuple):
    """As what a banner that asks a notice is counted."""

    lang: str
    variant: str
    rule: str


SECONDS_KNOWN = 60.0
"""How long it is known of which kinds notices there were: what is asked from now on every server knows by itself."""


class Notices:
    """What each site asks, and asked."""

    def __init__(self, connection: Connection) -> None:
        self._redis = connection.client
        self._reached = connection.reached
        self._write = connection.write
        self._bucket_count = BucketCount(connection)
        self._served: dict[str, dict[str, Notice]] = {}
        self._unwritten: list[tuple[Site, Sequence[Notice], BannerVersion]] = []
        self._kinds: dict[str, tuple[float, frozenset[Kind]]] = {}

    def serve(self, site: Site, notices: Sequence[Notice], at: int | None = None) -> None:
        """Make ``notices`` the ones that this site asks now. They are written with the first decision at the latest.

        ``at``: since when, in milliseconds since 1970; since now if left out.

        Raises:
            OtherBuckets: what is kept of the site would not be found any more.
        """
        self.remember(site, notices)
        if notices:
            now = time.time_ns() // 1_000_000 if at is None else at
            weights = {variant.name: variant.weight for variant in site.variants}
            self._unwritten.append((site, notices, BannerVersion.of(notices, now, weights)))
        try:
            self.write(site)
        except WrongLayout:
            return  # whoever asks for anything is told so
        except StoreAway as error:
            log.warning("notices will be kept when the store takes them: %s", error)

    def remember(self, site: Site, notices: Sequence[Notice]) -> None:
        """Have in memory what another process serves, for ``put_back``."""
        self._served.setdefault(site.id, {}).update({notice.hash: notice for notice in notices})

    def write(self, site: Site) -> None:
        """Write what this site serves and is not in Redis yet.

        Raises:
            OtherBuckets: what is kept of it would not be found any more.
            StoreAway: it is still to be written.
        """
        for first in [*self._unwritten]:  # another thread may take each away meanwhile
            whose, notices, asked = first
            if whose.id != site.id:
                continue
            self._bucket_count.note(site)
            self._keep(site, notices)
            try:
                self.note(site, asked)
            except OtherKind as error:  # an answer needs no list of what was asked before
                log.error("%s What is asked from now on is not written down.", error)
            with suppress(ValueError):  # another thread has done so too
                self._unwritten.remove(first)

    def put_back(self, site: Site) -> None:
        """Write what was served and is not in Redis any more, as after a failover to a replica that did not have it.

        Raises:
            StoreAway: it could not be written.
        """
        with self._reached(single.notices(site)):
            kept = cast(list[bytes], self._redis.hkeys(single.notices(site)))
        served = self._served.get(site.id, {})
        self._keep(site, [served[name] for name in served.keys() - {name.decode(errors="replace") for name in kept}])

    def _keep(self, site: Site, notices: Sequence[Notice]) -> None:
        # Whatever stands under this hash is this, or was forged. One at a time: torn.py knows how long a write may be.
        for notice in notices:
            self._write(single.notices(site), "HSET", notice.hash, msgspec.json.encode(notice.content, order="sorted"))

    def note(self, site: Site, asked: BannerVersion) -> None:
        """Write down what is asked from now on, if it is something else than before.

        Raises:
            StoreAway: it could not be written.
        """
        before = [earlier for earlier in self.asked(site) if earlier.at <= asked.at]
        if not before or not before[-1].same_as(asked):
            self._write(single.asked(site), "RPUSH", msgspec.json.encode(asked))

    def asked(self, site: Site) -> list[BannerVersion]:
        """Return what was asked from when on, the oldest first; each differs from the one before."""
        with self._reached(single.asked(site)):
            found = cast(list[bytes], self._redis.lrange(single.asked(site), 0, -1))
        read: list[BannerVersion] = []
        for text in found:
            with suppress(msgspec.DecodeError, msgspec.ValidationError):
                read.append(msgspec.json.decode(text, type=BannerVersion))
        known: list[BannerVersion] = []
        for asked in sorted(read, key=lambda each: each.at):
            if not known or not known[-1].same_as(asked):  # servers that start together write it twice
                known.append(asked)
        return known

    def find(self, site: Site, name: str) -> Notice | None:
        """Return the notice of this site with that hash, of today or of any earlier day, or None.

        Raises:
            ForgedNotice: what the store holds is something else.
        """
        served = self._served.setdefault(site.id, {})
        if name not in served:
            with self._reached(single.notices(site)):
                text = cast(bytes | None, self._redis.hget(single.notices(site), name[:64]))
            if text is None:
                return None
            served[name] = _genuine(site, name, text)
        return served[name]

    def find_whole(self, site: Site, name: str) -> Notice | None:
        """Return likewise a notice that may be answered: it has all that a receipt will show of it.

        Whoever writes to the store may have put one there under its genuine hash.

        Raises:
            ForgedNotice: also where that is lacking.
        """
        found = self.find(site, name)
        try:
            asked = found and msgspec.convert(found.content, _Whole)
        except msgspec.ValidationError:
            asked = None
        if found and not (asked and asked.cookies.keys() >= {*asked.categories}):
            raise ForgedNotice(f"The notice {name} of {site.id} is none that this server made.")
        return found

    def names(self, site: Site) -> dict[str, str]:
        """Return the hash of every notice that this site ever asked, by the eight characters that an entry holds.

        Those that are served are known whatever the store has.
        """
        with self._reached(single.notices(site)):
            found = cast(list[bytes], self._redis.hkeys(single.notices(site)))
        names = {name[:8].decode(errors="replace"): name.decode(errors="replace") for name in found}
        return names | {name[:8]: name for name in [*self._served.get(site.id, ())]}

    def starting_with(self, site: Site, prefix: str) -> Notice:
        """Return the notice whose hash starts with the eight characters that an entry holds.

        Raises:
            StoreAway: it was lost.
            ForgedNotice: what the store holds is something else.
        """
        for name, notice in [*self._served.get(site.id, {}).items()]:  # another thread may find a further one meanwhile
            if name.startswith(prefix):
                return notice
        found = self.find(site, self.names(site).get(prefix, prefix))
        if found is None:
            raise StoreAway(f"The notice {prefix}… of {site.id} is missing in the store.")
        return found

    def kinds(self, site: Site) -> frozenset[Kind]:
        """Return the kinds of all notices that this site ever asked, as they were a minute ago at the most.

        Anybody may ask for one that there never was, as often as they like.
        """
        until, known = self._kinds.get(site.id, (0.0, frozenset[Kind]()))
        if time.monotonic() > until:
            known = frozenset(Kind(each.lang, each.variant, each.rule) for each in self.all(site).values())
            self._kinds[site.id] = time.monotonic() + SECONDS_KNOWN, known
        return known

    def all(self, site: Site) -> dict[str, Notice]:
        """Return every notice that this site ever asked, by hash.

        Raises:
            ForgedNotice: what the store holds of one is something else.
        """
        with self._reached(single.notices(site)):
            found = cast(dict[bytes, bytes], self._redis.hgetall(single.notices(site)))
        names = {name.decode(errors="replace"): text for name, text in found.items()}
        return {name: _genuine(site, name, text) for name, text in names.items()}


def _genuine(site: Site, name: str, text: bytes) -> Notice:
    with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        content = msgspec.json.decode(text, type=dict[str, Any])
        kinds = {"site": str, "lang": str, "variant": str, "revision": int, "keep": int}
        is_notice = all(type(content.get(field)) is kind for field, kind in kinds.items())
        if is_notice and content["site"] == site.id and Notice.of(content).hash == name:
            return Notice(name, content)
    raise ForgedNotice(f"The notice {name} of {site.id} was changed in the store: its words have another hash.")
