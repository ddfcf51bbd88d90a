"""Three months of a shop that never were: made-up shoppers, whose answers go through the store's real script."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from math import sin

from ..decision import Consent, Decision
from ..site import ConsentError, Notice, Site, base64url, mask_of
from ..store import Store
from ..store.keys import midnight

DAYS = 90
SHOPPERS = 200
"""How many undecided shoppers come on an ordinary day."""

STORY = 60
"""Days from which on something happens besides the answering."""

ASKED_ANEW, TRIED, OUTAGE = 50, 28, 23
"""How many days ago a new question was asked, two wordings were begun to be compared, and no banner was shown."""

VARIANTS = ("calm", "short")

ALARM_WORSE = 0.2
"""How much less often the last day's shoppers answer, so that there is an alarm to look at."""

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
    if store.sample.has(site):
        return
    if any(map(any, store.counters.counts(site, today - timedelta(days=366), today, "day").values())):
        raise NotEmpty(f"{site.id} has real decisions; a sample goes into a data folder of its own (--data).")
    store.sample.add(site)
    notices = [notice for notice in store.notices.all(site).values() if notice.revision == site.revision]
    crowd = _Crowd(store, site, _by_name(notices), sign, random.Random(seed))  # nosec B311  # noqa: S311
    told = days >= STORY
    if told:
        crowd.ask([_other(notice, revision=notice.revision - 1) for notice in notices], today - timedelta(days=days))
    for n in range(days):
        day, left = today - timedelta(days=days - n), days - n
        if told and left == ASKED_ANEW:
            crowd.ask(notices, day)
        elif told and left == TRIED:
            crowd.ask([_other(notice, variant=name) for name in VARIANTS for notice in notices], day)
        if not (told and left == OUTAGE):
            crowd.live_through(
                day, n / days, shoppers * (1 + 0.15 * sin(n / 9)), worse=ALARM_WORSE if told and left == 1 else 0.0
            )
        yield day
    if told:
        crowd.ask(notices, today)


def _by_name(notices: Iterable[Notice]) -> dict[tuple[str, str], Notice]:
    return {(notice.lang, notice.variant): notice for notice in notices}


def _other(notice: Notice, **changed: object) -> Notice:
    """Return the notice with something of it changed."""
    return Notice.of({**notice.content, **changed})


@dataclass
class _Crowd:
    """Shoppers who never were, and the store that their answers go to."""

    store: Store
    site: Site
    notices: Mapping[tuple[str, str], Notice]
    sign: Callable[[Consent], bytes]
    chance: random.Random
    returning: list[tuple[int, int, _Shopper, Consent]] = field(default_factory=list)
    """Who will change their mind: when, a number to tell two of one moment apart, who, and what they had answered."""

    def ask(self, notices: Sequence[Notice], day: date) -> None:
        """Have the shop ask this from a day on."""
        self.store.notices.serve(self.site, notices, midnight(day))
        self.notices = _by_name(notices)

    def live_through(self, day: date, progress: float, shoppers: float, worse: float = 0.0) -> None:
        """Have undecided shoppers come on a day, and others back to change their mind.

        Args:
            day: a UTC day.
            progress: from 0 on the first day to 1; people answer and allow more as time goes by.
            shoppers: how many undecided ones come, but for the weekend and chance.
            worse: by how much fewer of them answer than usually, from 0 to 1.
        """
        chance = self.chance
        start = midnight(day)
        count = round(shoppers * (0.8 if day.weekday() >= 5 else 1.0) * chance.gauss(1, 0.06))
        for moment in sorted(start + int(_DAY * chance.betavariate(4, 2.6)) for _ in range(count)):
            while self.returning and self.returning[0][0] < moment:
                self._come_back()
            weights = {variant.name: variant.weight for variant in self.site.all_variants}
            variants = {name: weights.get(name, 1) for _, name in sorted(self.notices)}
            languages = {lang: _LANGUAGES.get(lang, 5) for lang in self.site.languages}
            notice = self.notices[self._one_of(languages), self._one_of(variants)]
            who = _Shopper(notice, self._one_of(_DEVICES), self._one_of(_COUNTRIES))
            consent = self._meet(who, moment, 0.13 * progress, worse)
            if consent and consent.allow and chance.random() < 0.035:
                later = moment + int(chance.expovariate(1 / (12 * _DAY)))
                heapq.heappush(self.returning, (later, chance.getrandbits(30), who, consent))

    def _meet(self, who: _Shopper, moment: int, progress: float, worse: float) -> Consent | None:
        """Show the banner to an undecided shopper and take the answer, if any; a few browsers send a privacy signal.

        Some have answered before, so long ago that they are asked again: that is no showing.
        """
        chance, notice = self.chance, who.notice
        signalled = self.site.gpc and chance.random() < 0.012
        second = notice.variant not in ("", self.site.all_variants[0].name, VARIANTS[0])
        if chance.random() > 0.76 + who.mood + progress / 2 + 0.08 * second - worse:
            self._show(who, moment, signalled)
            return None
        yes = 0.52 + who.mood + progress
        what = chance.random()
        if what < yes:
            allow, how = 7, "accept" if chance.random() < 0.96 else "save"
        elif what < yes + 0.13:
            allow = mask_of(chance.choices(_PARTS, (3, 4, 5, 1, 1))[0].split())
            how = "save"
        else:
            allow, how = 0, "refuse" if chance.random() < 0.97 else "save"
        expired = None
        if not allow and chance.random() < 0.04:
            at = moment // 1000 - notice.keep - chance.randrange(40 * 86400)
            expired = Consent(self.site.id, [], notice.revision, notice.hash, at, at + notice.keep)
        else:
            self._show(who, moment, signalled)
        return self._answer(who, moment, allow, how, expired)

    def _show(self, who: _Shopper, moment: int, signalled: bool) -> None:
        self.store.counters.shown(
            self.site,
            now=moment,
            language=who.notice.lang,
            variant=who.notice.variant,
            device=who.device,
            country=who.country,
            signalled=signalled,
        )

    def _come_back(self) -> None:
        """Have the next one change their mind: most take everything back, some only marketing."""
        moment, _, who, before = heapq.heappop(self.returning)
        allow = 0 if self.chance.random() < 0.55 else mask_of(before.allow) & ~mask_of(["marketing"])
        self._answer(who, moment, allow, "preferences", before)

    def _answer(self, who: _Shopper, moment: int, allow: int, how: str, previous: Consent | None = None) -> Consent:
        name = base64url(self.chance.randbytes(16))
        decision = Decision(name, allow, who.notice, how, previous)
        return self.store.decisions.record(
            self.site, decision, now=moment, sign=self.sign, device=who.device, country=who.country
        ).consent

    def _one_of(self, weights: Mapping[str, int]) -> str:
        return self.chance.choices([*weights], [*weights.values()])[0]
