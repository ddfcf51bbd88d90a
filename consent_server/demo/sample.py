"""Three months of a shop that never were: made-up shoppers, whose answers go through the store's real script."""

from __future__ import annotations

import heapq
import random
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from math import sin

from ..decision import Consent, ConsentError, Decision, Notice, Site, mask_of
from ..store import Store

DAYS = 90
SHOPPERS = 200
"""How many undecided shoppers come on an ordinary day."""

_DAY = 86_400_000
_LANGUAGES = {"az": 62, "ru": 20, "en": 10, "tr": 8}
_DEVICES = {"phone": 63, "desktop": 31, "tablet": 6}
_COUNTRIES = {"AZ": 88, "TR": 5, "RU": 4, "GE": 2, "": 1}
_PARTS = ("functional", "analytics", "functional analytics", "functional marketing", "analytics marketing")


class NotEmpty(ConsentError):
    """Real decisions are there; made-up ones may not be mixed with them."""

    problem = "not-empty"


@dataclass(frozen=True, slots=True)
class _Shopper:
    """What somebody who does not exist brings along."""

    notice: Notice
    device: str
    country: str

    @property
    def mood(self) -> float:
        """How much likelier than others they answer and allow: phones and Russian pages lag behind."""
        return {"phone": -0.02, "desktop": 0.05, "tablet": 0.0}[self.device] - 0.07 * (self.notice.lang == "ru")


def sample(
    store: Store,
    site: Site,
    today: date,
    *,
    sign: Callable[[Consent], bytes],
    days: int = DAYS,
    shoppers: int = SHOPPERS,
    seed: int = 20251220,
) -> Iterator[date]:
    """Lay down made-up decisions for the days before ``today``, and yield each day when it is done.

    The site is marked as a sample before the first of them. One that is marked is left as it is.

    Args:
        store: where to; the site's notices must be kept there.
        site: the shop.
        today: the first day without made-up decisions.
        sign: makes the signature of a token.
        days: how many days.
        shoppers: how many undecided shoppers come on an ordinary day.
        seed: the same seed makes up the same shoppers.

    Raises:
        NotEmpty: the site has decisions already that nobody made up.
    """
    if store.is_sample(site):
        return
    if any(map(any, store.counts(site, today - timedelta(days=366), today, "day").values())):
        raise NotEmpty(f"{site.id} has real decisions; a sample goes into a data folder of its own (--data).")
    store.mark_sample(site)
    chance = random.Random(seed)  # nosec B311  # noqa: S311
    notices = {
        (notice.lang, notice.variant): notice
        for notice in store.notices(site).values()
        if notice.revision == site.revision
    }
    languages = {lang: _LANGUAGES.get(lang, 5) for lang in site.languages}
    variants = {variant.name: variant.weight for variant in site.asked}
    returning: list[tuple[int, int, _Shopper, Consent]] = []
    for n in range(days):
        day = today - timedelta(days=days - n)
        midnight = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)
        weekend = 0.8 if day.weekday() >= 5 else 1.0
        count = round(shoppers * weekend * (1 + 0.15 * sin(n / 9)) * chance.gauss(1, 0.06))
        progress = 0.13 * n / days
        for moment in sorted(midnight + int(_DAY * chance.betavariate(4, 2.6)) for _ in range(count)):
            while returning and returning[0][0] < moment:
                _come_back(store, site, heapq.heappop(returning), chance, sign)
            who = _Shopper(
                notices[_one_of(chance, languages), _one_of(chance, variants)],
                _one_of(chance, _DEVICES),
                _one_of(chance, _COUNTRIES),
            )
            consent = _meet(store, site, who, moment, progress, chance, sign)
            if consent and consent.allow and chance.random() < 0.035:
                later = moment + int(chance.expovariate(1 / (12 * _DAY)))
                heapq.heappush(returning, (later, chance.getrandbits(30), who, consent))
        yield day


def _meet(
    store: Store,
    site: Site,
    who: _Shopper,
    moment: int,
    progress: float,
    chance: random.Random,
    sign: Callable[[Consent], bytes],
) -> Consent | None:
    """Show the banner to an undecided shopper and take the answer, if any; a few browsers send a privacy signal."""
    store.shown(
        site,
        now=moment,
        language=who.notice.lang,
        variant=who.notice.variant,
        device=who.device,
        country=who.country,
        signalled=site.gpc and chance.random() < 0.012,
    )
    second = who.notice.variant not in ("", site.asked[0].name)
    if chance.random() > 0.76 + who.mood + progress / 2 + 0.04 * second:
        return None
    yes = 0.52 + who.mood + progress
    what = chance.random()
    if what < yes:
        allow, how = 7, "accept" if chance.random() < 0.96 else "preferences"
    elif what < yes + 0.13:
        allow = mask_of(chance.choices(_PARTS, (3, 4, 5, 1, 1))[0].split())
        how = "save" if chance.random() < 0.7 else "preferences"
    else:
        allow, how = 0, "refuse" if chance.random() < 0.97 else "save"
    expired = None
    if not allow and chance.random() < 0.04:
        at = moment // 1000 - who.notice.keep - chance.randrange(40 * 86400)
        expired = Consent(site.id, [], who.notice.revision, who.notice.hash, at, at + who.notice.keep)
    return _answer(store, site, who, moment, allow, how, expired, chance, sign)


def _come_back(
    store: Store,
    site: Site,
    visit: tuple[int, int, _Shopper, Consent],
    chance: random.Random,
    sign: Callable[[Consent], bytes],
) -> None:
    """Have somebody change their mind: most take everything back, some only marketing."""
    moment, _, who, before = visit
    allow = 0 if chance.random() < 0.55 else mask_of(before.allow) & ~mask_of(["marketing"])
    _answer(store, site, who, moment, allow, "preferences", before, chance, sign)


def _answer(
    store: Store,
    site: Site,
    who: _Shopper,
    moment: int,
    allow: int,
    how: str,
    previous: Consent | None,
    chance: random.Random,
    sign: Callable[[Consent], bytes],
) -> Consent:
    name = urlsafe_b64encode(chance.randbytes(16)).rstrip(b"=").decode()
    decision = Decision(name, allow, who.notice, how, previous)
    return store.record(site, decision, now=moment, sign=sign, device=who.device, country=who.country).consent


def _one_of(chance: random.Random, weights: dict[str, int]) -> str:
    return chance.choices([*weights], [*weights.values()])[0]
